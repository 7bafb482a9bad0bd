// Package secret holds the secrets of AWS Secrets Manager: named values, in versions
// that staging labels point to, sealed under KMS keys.
//
//	secrets := secret.New(records, ring, time.Now)
//	text, err := secrets.Value(ctx, "arn:aws:secretsmanager:…")
//
// A [Secret] is one record, with all that is known of its versions but their values.
// A value is a record of its own, which is written before the secret's record names
// it and removed after that no longer does. So a crash between the two leaves the
// secret as it was; the value that no secret names is removed at the next start.
//
// Which label is on which version is decided by [Versions], which touches no storage.
// Nothing ticks here: the end of a recovery window is looked at when the secret is.
//
// The promises: a write is durable when it returns; no value is ever stored in the
// clear, logged, or part of an error.
package secret
