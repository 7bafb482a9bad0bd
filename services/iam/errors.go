package iam

import (
	"fmt"
	"net/http"

	api "millrace/services/internal/api/iam"
	"millrace/services/internal/wire"
)

func noSuchEntity(format string, args ...any) error {
	return api.ErrNoSuchEntityException(fmt.Sprintf(format, args...))
}

func alreadyExists(format string, args ...any) error {
	return api.ErrEntityAlreadyExistsException(fmt.Sprintf(format, args...))
}

// protected is the refusal to change a service-linked role.
func protected(role string) error {
	return api.ErrUnmodifiableEntityException("Cannot perform the operation on the protected role '" + role + "' - this role is only modifiable by AWS")
}

func deleteConflict(text string) error { return api.ErrDeleteConflictException(text) }

func limitExceeded(format string, args ...any) error {
	return api.ErrLimitExceededException(fmt.Sprintf(format, args...))
}

func invalidInput(format string, args ...any) error {
	return api.ErrInvalidInputException(fmt.Sprintf(format, args...))
}

// malformed is nil when nothing is wrong with a document.
func malformed(wrong string) error {
	if wrong == "" {
		return nil
	}
	return api.ErrMalformedPolicyDocumentException(wrong)
}

// validation is the answer to input outside of the model; it has no shape there.
func validation(format string, args ...any) error {
	return &wire.Error{Code: "ValidationError", Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

func noRole(name string) error {
	return noSuchEntity("The role with name %s cannot be found.", name)
}

func notFound(policy *string) error {
	return noSuchEntity("Policy %s was not found.", *policy)
}

func notAttachable(policy *string) error {
	return noSuchEntity("Policy %s does not exist or is not attachable.", *policy)
}

func noVersion(policy, id *string) error {
	return noSuchEntity("Policy %s version %s does not exist or is not attachable.", *policy, *id)
}
