// Package sigv4 reads and verifies the signatures of requests to S3: Signature Version
// 4 in the header Authorization and in presigned URLs.
//
//	v := sigv4.Verifier{Now: time.Now, Secret: sessions.Secret}
//	signature, err := v.Check(req)
//
// [Verifier.Check] refuses what is malformed, expired or does not sign the headers that
// it must, whoever signed. The signature itself can be compared only where the secret
// of the access key is known; without it, neither is the method of a presigned URL: a
// URL for GET then serves a PUT as well. [Signature.Verified] tells the two apart.
//
// Signatures of the older Version 2 and of SigV4A are read, and never verified.
//
// The body is not read here. [Signature.Payload] says what has to be compared with it.
//
// Errors are *wire.Error in the words of S3. Sources: Amazon S3 API Reference,
// "Authenticating Requests (AWS Signature Version 4)", and for texts that it does not
// have, the tests of github.com/versity/versitygw (v1.8.0), which run against S3 too.
package sigv4
