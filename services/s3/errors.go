package s3

import (
	"net/http"
	"slices"

	"millrace/services/internal/wire"
)

// malformed is S3's answer to a document that breaks its schema.
func malformed() *wire.Error {
	return refusal("MalformedXML", http.StatusBadRequest, "The XML you provided was not well-formed or did not validate against our published schema")
}

// refusal makes an error that the model does not have. elements are names and texts of
// what follows the message, in turn.
func refusal(code string, status int, message string, elements ...string) *wire.Error {
	e := &wire.Error{Code: code, Status: status, Message: message, Fault: status >= 500}
	for pair := range slices.Chunk(elements, 2) {
		e.Elements = append(e.Elements, wire.Element{Name: pair[0], Text: pair[1]})
	}
	return e
}

// invalidArgument is the commonest error of S3: what is wrong with an argument.
func invalidArgument(message, name, value string) *wire.Error {
	return refusal("InvalidArgument", http.StatusBadRequest, message, "ArgumentName", name, "ArgumentValue", value)
}

// invalidRequest is the other common one.
func invalidRequest(message string) *wire.Error {
	return refusal("InvalidRequest", http.StatusBadRequest, message)
}

// notImplementedHeader refuses a header, or a value of it, by name. more says why; "" for
// nothing.
func notImplementedHeader(name, more string) *wire.Error {
	e := refusal("NotImplemented", http.StatusNotImplemented, "A header you provided implies functionality that is not implemented", "Header", name)
	if more != "" {
		e.Elements = append(e.Elements, wire.Element{Name: "additionalMessage", Text: more})
	}
	return e
}

func noSuchBucket(name string) *wire.Error {
	return refusal("NoSuchBucket", http.StatusNotFound, "The specified bucket does not exist", "BucketName", name)
}

func noSuchKey(key string) *wire.Error {
	return refusal("NoSuchKey", http.StatusNotFound, "The specified key does not exist.", "Key", key)
}

func noSuchUpload(id string) *wire.Error {
	return refusal("NoSuchUpload", http.StatusNotFound,
		"The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.", "UploadId", id)
}

// preconditionFailed says which header's condition does not hold.
func preconditionFailed(condition string) *wire.Error {
	return refusal("PreconditionFailed", http.StatusPreconditionFailed, "At least one of the pre-conditions you specified did not hold", "Condition", condition)
}

// notModified is the answer to a read whose client has the object already. It has no
// body, and h has what a success would say of the object.
func notModified(h http.Header) *wire.Error {
	return &wire.Error{Code: "NotModified", Status: http.StatusNotModified, Header: h}
}

// renamed are the errors of the gateway and the codecs that S3 has by other names.
var renamed = map[string]*wire.Error{
	"InternalFailure":               refusal("InternalError", http.StatusInternalServerError, "We encountered an internal error. Please try again."),
	"ServiceUnavailable":            refusal("ServiceUnavailable", http.StatusServiceUnavailable, ""),
	"RequestTimeout":                refusal("RequestTimeout", http.StatusBadRequest, "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed."),
	"MalformedHttpRequestException": refusal("IncompleteBody", http.StatusBadRequest, "The request body terminated unexpectedly"),
	"AccessDeniedException":         refusal("AccessDenied", http.StatusForbidden, ""),
	"ValidationException":           refusal("InvalidRequest", http.StatusBadRequest, ""),
	"SerializationException":        malformed(),
}

// TranslateError implements gateway.ErrorTranslator.
func (*Service) TranslateError(e *wire.Error) *wire.Error {
	name, ok := renamed[e.Code]
	if !ok {
		return partNumber(e)
	}
	named := *name
	if named.Message == "" {
		named.Message = e.Message
	}
	return &named
}

// partNumber has a part's number refused as S3 does, which has a sentence for that.
func partNumber(e *wire.Error) *wire.Error {
	if e.Code != "InvalidArgument" || len(e.Elements) == 0 || e.Elements[0].Text != "partNumber" {
		return e
	}
	named := *e
	named.Message = "Part number must be an integer between 1 and 10000, inclusive"
	return &named
}
