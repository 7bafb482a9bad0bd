// Package keys holds the keys that encrypt what is stored: a root key in a file
// of the operator's, KMS keys in the records, and data keys beside what they
// encrypt. Each is kept only as the one above it wrapped it, with AES-256-GCM:
//
//	root key   32 bytes in a file, see [LoadRoot], or in the records, see [SharedRoot]
//	KMS key    a record: its metadata, and its material wrapped by the root key
//	data key   32 bytes, wrapped by a KMS key, or by the root key itself
//
// A [Ring] is all of them. [Ring.DataKey] makes a data key for whoever stores
// something, and [Ring.Unwrap] opens it again for whoever reads it; the wrapped
// form says which key wrapped it. The other methods are what AWS KMS does to
// keys and aliases; services/kms is its face.
//
// Every error about a key is a *fault.Error that wraps one of ErrNotFound, ErrDisabled,
// ErrState, ErrUsage and ErrAccess. Its sentence names the key; ErrAccess comes with a
// *policy.DeniedError.
//
// The promises: no key but the root key is ever stored in the clear, and none is
// logged; a key that is disabled or waits for its deletion neither wraps nor
// unwraps; a key whose deletion date has passed is gone, though no clock ticks
// here: the time is looked at when the key is, and its record goes at the next
// change or start. What a lost root key wrapped is lost: back it up with the data.
package keys
