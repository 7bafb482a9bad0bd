package sts

import (
	"fmt"
	"net/http"

	api "millrace/services/internal/api/sts"
	"millrace/services/internal/wire"
)

// The errors of STS. All but the malformed policy are outside of its model.

var (
	anonymous = &wire.Error{
		Code:    "MissingAuthenticationToken",
		Status:  http.StatusForbidden,
		Message: "Request is missing Authentication Token",
	}
	malformed = api.ErrMalformedPolicyDocumentException("This policy contains invalid Json")
)

func validation(format string, args ...any) error {
	return &wire.Error{Code: "ValidationError", Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

func invalidParameter(text string) error {
	return &wire.Error{Code: "InvalidParameterValue", Status: http.StatusBadRequest, Message: text}
}
