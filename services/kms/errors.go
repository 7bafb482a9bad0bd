package kms

import (
	"errors"
	"fmt"
	"net/http"

	"millrace/runtime/fault"
	"millrace/runtime/store/keys"
	api "millrace/services/internal/api/kms"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// failure is KMS's error for one of the ring's; others stay what they are.
func failure(err error) error {
	var f *fault.Error
	text := ""
	if errors.As(err, &f) {
		text = f.What
	}
	if sentence, ok := kit.Denied(err); ok {
		return accessDenied(sentence)
	}
	if errors.Is(err, keys.ErrAccess) {
		return accessDenied(text)
	}
	for _, e := range []struct {
		is   error
		make func(string) *wire.Error
	}{
		{keys.ErrNotFound, api.ErrNotFoundException},
		{keys.ErrExists, api.ErrAlreadyExistsException},
		{keys.ErrDisabled, api.ErrDisabledException},
		{keys.ErrState, api.ErrKMSInvalidStateException},
		{keys.ErrUsage, api.ErrInvalidKeyUsageException},
		{keys.ErrCiphertext, api.ErrInvalidCiphertextException},
	} {
		if errors.Is(err, e.is) {
			return e.make(text)
		}
	}
	return err
}

// accessDenied and the two below have no shape in the model.
func accessDenied(text string) *wire.Error {
	return &wire.Error{Code: "AccessDeniedException", Status: http.StatusBadRequest, Message: text}
}

func notAuthorized() error {
	return &wire.Error{Code: "NotAuthorizedException", Status: http.StatusBadRequest}
}

func validation(format string, args ...any) error {
	return &wire.Error{Code: "ValidationException", Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

// blob refuses a blob of the wrong length; the generic checks leave blobs alone.
func blob(name string, b []byte, most int) error {
	wrong := ""
	switch {
	case b == nil:
		return validation("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", name)
	case len(b) == 0:
		wrong = "greater than or equal to 1"
	case len(b) > most:
		wrong = fmt.Sprintf("less than or equal to %d", most)
	default:
		return nil
	}
	return validation("1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length %s", name, wrong)
}

// dry ends an operation that was only to be tried.
func dry(run *bool) error {
	if kit.ValueOr(run, false) {
		return api.ErrDryRunOperationException("The request would have succeeded, but the DryRun option is set.")
	}
	return nil
}

func unsupported(format string, args ...any) error {
	return api.ErrUnsupportedOperationException(fmt.Sprintf(format, args...))
}
