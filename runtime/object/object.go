// Package object is an S3 bucket as a machine: it decides what is stored under each key,
// which version is the latest, which uploads are under way, and who is to be told.
//
// A [Machine] starts no goroutine, reads no clock and touches no storage. Commands are
// decided in a [Batch], which makes an entry of a log; [Machine.Apply] takes an entry
// in, live or read again. Contents are somewhere else: the machine knows where
// ([Content]).
package object

import (
	"time"

	"millrace/runtime/object/checksum"
)

// MaxInline is the longest content that lies in the log, in bytes before it is sealed.
const MaxInline = 64 << 10

// A Content is where the sealed bytes of an object or a part are: in an entry of the
// log, or in a blob. The zero Content is that of no bytes at all.
type Content struct {
	Entry  uint64 // of the log; 0 when it is in a blob
	Offset uint32 // in the entry, in bytes
	Length uint32 // in the entry, sealed

	Blob string // name of a blob; "" when it is in the log
}

// An Object is one version of an object, or a delete marker. What lookups return is
// the caller's, but for its maps and slices, which are shared and not to be changed.
type Object struct {
	Key      string
	Number   uint64    // of the version: it rises within a bucket, also over deletes; the sequencer of events
	Null     bool      // its version id is "null": it was written while versioning was not enabled
	Marker   bool      // a delete marker; it has no content
	Latest   bool      // no later version of the key exists; set by lookups and lists
	Modified time.Time // in milliseconds
	Size     int64     // in bytes; of all parts together

	ETag     checksum.ETag
	Checksum checksum.Value // the zero Value for none
	Content  Content        // of an object that is not multipart
	Parts    []Part         // of a multipart object, by rising Number; lists leave them out

	Headers    *Headers   // what was stored with it to be returned; nil for nothing; lists know the StorageClass alone
	Tags       []Tag      // by key; lists leave them out
	Encryption Encryption // lists leave it out
}

// AES256 is the algorithm of SSE-S3, which encrypts all that nothing else is said of.
const AES256 = "AES256"

// The limits of an upload.
const (
	MaxParts    = checksum.MaxParts // parts are numbered 1 to MaxParts
	MinPartSize = 5 << 20           // in bytes; the last part may be smaller
)

// A Version chooses among the versions of a key. The zero Version is the latest one.
type Version struct {
	Number uint64 // see Object.Number; 0 for none
	Null   bool   // the one whose id is "null"
}

// A Part is a part of a multipart object, or of an upload under way.
type Part struct {
	Number   int // 1 to 10,000
	Size     int64
	ETag     checksum.ETag
	Checksum checksum.Value // the zero Value for none
	Modified time.Time
	Content  Content
}

// Headers are what a client stores with an object and gets back.
type Headers struct {
	ContentType, CacheControl, ContentDisposition, ContentEncoding, ContentLanguage, Expires string // "" where not given

	StorageClass    string // "" for STANDARD
	WebsiteRedirect string
	User            map[string]string // x-amz-meta-, by the rest of the name in lower case
}

// A Tag is a tag of an object.
type Tag struct{ Key, Value string }

// An Encryption says how the contents of an object are encrypted.
type Encryption struct {
	Algorithm string // "AES256", "aws:kms", "aws:kms:dsse"; "" for SSE-C
	KMSKey    string // ARN of the KMS key
	BucketKey bool
	Customer  string // base64 MD5 of the client's key, with SSE-C
	Context   string // the client's encryption context, base64 JSON; "" for none
}

// An Upload is a multipart upload under way.
type Upload struct {
	Key       string
	Number    uint64 // rises within a bucket, with those of versions
	ID        string // what clients know it by; set by lookups and lists
	Created   time.Time
	Initiator string // who began it, as lists show it

	// Algorithm and Type are what the upload was created with; None and NoType when it named
	// no algorithm. Then its object gets a CRC64NVME, so its parts need one.
	Algorithm checksum.Algorithm
	Type      checksum.Type

	Headers    *Headers
	Tags       []Tag
	Encryption Encryption
}

// A By is who caused a change, as notifications tell it.
type By struct {
	Caller                   string // see owner.CallerID
	SourceIP                 string
	RequestID, HostID        string // of the answer
	TraceHeader, TraceParent string // of the request; "" for none
}
