// Package awschunked reads request bodies in the content coding aws-chunked, in which
// SDKs send a body whose checksum or signature is not known before its end.
//
//	form, ok := awschunked.ParseForm(req.Header.Get("X-Amz-Content-Sha256"))
//	body := awschunked.NewReader(req.Body, form, awschunked.Options{
//		Length:   decodedContentLength,
//		Trailers: awschunked.TrailerNames(req.Header.Values("X-Amz-Trailer")),
//	})
//
// A [Reader] hands the bytes on as they come and keeps none of them. So nothing that it
// has returned counts before its io.EOF: only then all chunks and trailers were there,
// of the announced length, and with a [Seed] rightly signed.
//
// Errors are *wire.Error in the words of S3, or the body's own. What AWS does not
// document of them is in the integration tests of github.com/versity/versitygw (v1.8.0,
// tests/integration/*_streaming_payload*.go), which run against S3 as well.
//
// Sources: Amazon S3 API Reference, "Signature calculations for the Authorization
// header: transferring a payload in multiple chunks" and "… with trailing headers".
package awschunked
