// Package signing signs what topics deliver, as Amazon SNS does, and serves the
// certificate that subscribers check signatures with.
//
//	signer := signing.New(signing.Config{Records: records, Keys: ring, Authority: authority})
//	url, err := signer.URL(ctx, "us-east-1") // for the CertURL of an envelope
//	body := signer.Finish(envelope)          // when somebody receives it
//
// The key is RSA of 2,048 bits. It is made when it is first asked for and kept in the
// records, sealed by the key ring: restarts and all runtimes of a cluster sign with the
// same one, and give the same signature to the same text. Its id, 32 hexadecimal
// characters, is in the certificate's URL.
//
// The certificate is not kept. Each runtime issues one for the key by its own authority
// when somebody asks for it, since runtimes that share a cluster do not share an
// authority. So an authority that was replaced, or a certificate that has run out, takes
// nothing away from messages that were signed before.
//
// Certificates are served over HTTPS at an address of their own, because verifiers insist
// on https and on a path that ends in ".pem". Nothing listens before the first message
// names the address; after a restart it listens at once if there has been one.
//
// Sources: Amazon SNS Developer Guide, "Verifying the signatures of Amazon SNS messages".
package signing
