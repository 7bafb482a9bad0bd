package s3

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"net/http"

	"millrace/runtime/object"
	"millrace/runtime/object/content"
	"millrace/runtime/object/jetobject"
	"millrace/services/internal/kit"
)

const (
	managedKey       = "alias/aws/s3" // for aws:kms without a key
	encryptionHeader = "x-amz-server-side-encryption"
)

// A wantedEncryption is what a write says of the encryption of its object.
type wantedEncryption struct {
	algorithm, key, context *string
	bucketKey               *bool
	customer                customerKey
}

// given reports whether it says anything.
func (w *wantedEncryption) given() bool {
	return w.algorithm != nil || w.key != nil || w.customer.given()
}

// encryption returns how an object is encrypted: as its writer says, or else as its bucket
// does. customer is the writer's own key; nil for none.
//
// Errors are those of S3 and of the keyring.
func (s *Service) encryption(ctx context.Context, b *jetobject.Bucket, w *wantedEncryption) (e object.Encryption, customer *content.CustomerKey, err error) {
	info := b.Info()
	if w.customer.given() {
		if info.Settings.Encryption.BlockSSEC {
			return e, nil, accessDenied()
		}
		if w.algorithm != nil {
			return e, nil, invalidArgument("Server Side Encryption with Customer provided key is incompatible with the encryption method specified", encryptionHeader, *w.algorithm)
		}
		if customer, err = w.customer.read(); err != nil {
			return e, nil, err
		}
		return object.Encryption{Customer: *w.customer.digest}, customer, nil
	}
	rule := info.Settings.Encryption
	e = object.Encryption{Algorithm: kit.ValueOr(w.algorithm, rule.Algorithm), KMSKey: kit.Value(w.key), Context: kit.Value(w.context)}
	if e.Algorithm == "" {
		e.Algorithm = aes256
	}
	switch {
	case w.algorithm != nil && !isAlgorithm(e.Algorithm):
		return e, nil, invalidArgument("The encryption method specified is not supported", encryptionHeader, e.Algorithm)
	case w.key != nil && (w.algorithm == nil || e.Algorithm == aes256):
		return e, nil, invalidArgument("Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms", encryptionHeader, kit.Value(w.algorithm))
	case e.Algorithm == aes256:
		e.Context = ""
		return e, nil, nil
	case e.KMSKey == "" && rule.Algorithm == e.Algorithm:
		e.KMSKey = rule.KMSKey
	}
	if e.Algorithm == awsKMS {
		e.BucketKey = kit.ValueOr(w.bucketKey, rule.BucketKey)
	}
	if e.KMSKey == "" {
		e.KMSKey = managedKey
	}
	key, err := s.keys.Key(ctx, e.KMSKey, info.ID.Account, info.ID.Region)
	if err != nil {
		return e, nil, fromKeys(err)
	}
	e.KMSKey = key.ARN()
	return e, nil, nil
}

// A customerKey is a client's own key, as three headers bring it.
type customerKey struct{ algorithm, key, digest *string }

func (c *customerKey) given() bool { return c.algorithm != nil || c.key != nil || c.digest != nil }

// read checks the headers.
func (c *customerKey) read() (*content.CustomerKey, error) {
	refuse := func(message string) (*content.CustomerKey, error) {
		return nil, invalidArgument(message, encryptionHeader, "null")
	}
	switch {
	case c.algorithm == nil:
		return refuse("Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.")
	case *c.algorithm != aes256:
		return nil, refusal("InvalidEncryptionAlgorithmError", http.StatusBadRequest, "The Encryption request you specified is not valid. Supported value: AES256.",
			"ArgumentName", encryptionHeader, "ArgumentValue", *c.algorithm)
	case c.key == nil:
		return refuse("Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.")
	case c.digest == nil:
		return refuse("Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.")
	}
	raw, err := base64.StdEncoding.DecodeString(*c.key)
	if err != nil || len(raw) != 32 {
		return refuse("The secret key was invalid for the specified algorithm.")
	}
	if sum := md5.Sum(raw); base64.StdEncoding.EncodeToString(sum[:]) != *c.digest {
		return refuse("The calculated MD5 hash of the key did not match the hash that was provided.")
	}
	return (*content.CustomerKey)(raw), nil
}

// forReading returns the key that a read brings for an object; nil for an object that
// needs none.
func (c *customerKey) forReading(e *object.Encryption) (*content.CustomerKey, error) {
	switch {
	case e.Customer == "" && c.given():
		return nil, invalidRequest("The encryption parameters are not applicable to this object.")
	case e.Customer == "":
		return nil, nil
	case !c.given():
		return nil, invalidRequest("The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.")
	}
	key, err := c.read()
	if err != nil {
		return nil, err
	}
	if *c.digest != e.Customer {
		e := accessDenied()
		e.Message = "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key."
		return nil, e
	}
	return key, nil
}

// forPart returns the key that a part brings for its upload; nil for an upload that needs
// none.
func (c *customerKey) forPart(e *object.Encryption) (*content.CustomerKey, error) {
	switch {
	case e.Customer == "" && c.given():
		return nil, invalidRequest("The multipart upload initiate did not request encryption. Please resend the request without sending encryption parameters.")
	case e.Customer == "":
		return nil, nil
	case !c.given():
		return nil, invalidRequest("The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.")
	}
	key, err := c.read()
	if err != nil {
		return nil, err
	}
	if *c.digest != e.Customer {
		return nil, invalidRequest("The provided encryption parameters did not match the ones used originally.")
	}
	return key, nil
}

// A shownEncryption is what answers say of an object's encryption; members are nil where
// they are left out.
type shownEncryption struct {
	algorithm, key, context *string
	bucketKey               *bool

	customerAlgorithm, customerDigest *string
}

func showEncryption(e *object.Encryption) (s shownEncryption) {
	if e.Customer != "" {
		return shownEncryption{customerAlgorithm: new(aes256), customerDigest: &e.Customer}
	}
	s.algorithm, s.key, s.context = kit.Optional(e.Algorithm), kit.Optional(e.KMSKey), kit.Optional(e.Context)
	if e.BucketKey {
		s.bucketKey = new(true)
	}
	return s
}
