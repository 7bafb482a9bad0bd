package sigv4

import (
	"fmt"
	"net/http"
	"strings"

	"millrace/services/internal/wire"
)

// malformed is S3's error of an Authorization header.
func malformed(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "AuthorizationHeaderMalformed", Status: http.StatusBadRequest,
		Message: "The authorization header is malformed; " + fmt.Sprintf(format, args...)}
}

// badParameters is its error of a presigned query.
func badParameters(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "AuthorizationQueryParametersError", Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

func badAuthorization(message, value string) *wire.Error {
	return &wire.Error{Code: "InvalidArgument", Status: http.StatusBadRequest, Message: message,
		Fields: map[string]any{"ArgumentName": "Authorization", "ArgumentValue": value}}
}

func twoMechanisms(authorization string) *wire.Error {
	return badAuthorization("Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified", authorization)
}

func invalidRequest(message string) *wire.Error {
	return &wire.Error{Code: "InvalidRequest", Status: http.StatusBadRequest, Message: message}
}

func denied(message string, fields map[string]any) *wire.Error {
	return &wire.Error{Code: "AccessDenied", Status: http.StatusForbidden, Message: message, Fields: fields}
}

// mismatch is S3's error of a signature that is not the one it calculates.
func mismatch(accessKey, stringToSign, signature, canonicalRequest string) *wire.Error {
	e := &wire.Error{Code: "SignatureDoesNotMatch", Status: http.StatusForbidden,
		Message: "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
		Fields:  map[string]any{"AWSAccessKeyId": accessKey, "SignatureProvided": signature}}
	for name, text := range map[string]string{"StringToSign": stringToSign, "CanonicalRequest": canonicalRequest} {
		if text != "" {
			e.Fields[name], e.Fields[name+"Bytes"] = text, hexBytes(text)
		}
	}
	return e
}

// hexBytes is how S3 shows the bytes of a text: "41 57 53 34".
func hexBytes(text string) string {
	return strings.TrimSpace(fmt.Sprintf("% x", text))
}

// WrongRegion is S3's error of a request that was signed for another region than that
// of the bucket; nil if it was not. Signatures without a region are for every one.
func WrongRegion(s *Signature, want string) error {
	if s == nil || s.Algorithm != HMAC || s.Region == want {
		return nil
	}
	e := malformed("the region '%s' is wrong; expecting '%s'", s.Region, want)
	if s.Presigned {
		e = badParameters("Error parsing the X-Amz-Credential parameter; the region '%s' is wrong; expecting '%s'", s.Region, want)
	}
	e.Fields = map[string]any{"Region": want}
	return e
}

// PayloadMismatch is S3's error of a body that has not the signed SHA-256. Both are
// hexadecimal digits.
func PayloadMismatch(signed, computed string) *wire.Error {
	return &wire.Error{Code: "XAmzContentSHA256Mismatch", Status: http.StatusBadRequest,
		Message: "The provided 'x-amz-content-sha256' header does not match what was computed.",
		Fields:  map[string]any{"ClientComputedContentSHA256": signed, "S3ComputedContentSHA256": computed}}
}
