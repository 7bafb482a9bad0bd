// Package jetobject keeps S3 buckets on JetStream: each is a machine of package object
// over a log of its own, with large contents in blobs beside it.
//
//	buckets := jetobject.New(jetobject.Config{…})
//	b, err := buckets.Find(ctx, "photos")
//	body, err := b.NewBody(ctx, object.Encryption{Algorithm: "AES256"}, nil, checksum.CRC32)
//	io.Copy(body, upload)
//	written, err := body.Finish()
//	put := &object.Put{…}
//	written.StoreIn(put)
//	err = b.Do(ctx, put) // put.Err says what S3 refuses, err that the store did
//
// It promises:
//
//   - What Do answers is in the log, as durable as JetStream's acknowledgements are (see
//     package backbone); large contents are durable before. After an error nobody knows,
//     and the next call reads what is stored.
//   - A Get begun after a Do has returned sees it, at each runtime that shares the store.
//   - What nobody can read anymore takes no room for long: blobs are removed with what they
//     belonged to, and those of uploads that were killed at the next start.
//   - Who is to be told of a change is told, in the order of the changes, at least once.
//   - Damage is named when it is met, by bucket and key, and the rest is served.
package jetobject
