package secretsmanager

import (
	"errors"
	"fmt"
	"net/http"

	"millrace/runtime/secret"
	api "millrace/services/internal/api/secretsmanager"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// failure is AWS's error for one of runtime/secret's; others stay what they are.
func failure(err error) error {
	if sentence, ok := kit.Denied(err); ok && !errors.Is(err, secret.KeyDenied) {
		return accessDenied(sentence)
	}
	var reason secret.Reason
	var e *secret.Error
	switch {
	case errors.As(err, &e):
		reason = e.Reason
	case errors.As(err, &reason):
		e = &secret.Error{Reason: reason}
	default:
		return err
	}
	switch reason {
	case secret.NotFound:
		return api.ErrResourceNotFoundException("Secrets Manager can't find the specified secret.")
	case secret.NoStage:
		return api.ErrResourceNotFoundException("Secrets Manager can't find the specified secret value for staging label: " + e.Stage)
	case secret.NoVersion:
		return api.ErrResourceNotFoundException("Secrets Manager can't find the specified secret value for VersionId: " + e.Version)
	case secret.StageMismatch:
		return api.ErrInvalidRequestException("You provided a VersionStage that is not associated to the provided VersionId.")
	case secret.BadName:
		return validation("Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	case secret.NameDeleting:
		return api.ErrInvalidRequestException("You can't create this secret because a secret with this name is already scheduled for deletion.")
	case secret.Deleting:
		return api.ErrInvalidRequestException("You can't perform this operation on the secret because it was marked for deletion.")
	case secret.TokenUsed:
		return api.ErrResourceExistsException("You can't use ClientRequestToken " + e.Version + " because that value is already in use for a version of secret " + e.Secret + ".")
	case secret.HeldElsewhere:
		return api.ErrInvalidParameterException("The parameter RemoveFromVersionId can't be empty. Staging label " + e.Stage +
			" is currently attached to version " + e.Version + ", so you must explicitly reference that version in RemoveFromVersionId.")
	case secret.WrongHolder:
		return api.ErrInvalidParameterException("When you move staging label " + e.Stage +
			", if you specify RemoveFromVersionId, it must be set to the version that currently has the staging label " + e.Stage + ".")
	case secret.CurrentStays:
		return api.ErrInvalidParameterException("You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.")
	case secret.TooManyStages:
		return api.ErrLimitExceededException(fmt.Sprintf("A secret can have at most %d staging labels.", secret.MaxStages))
	case secret.TooManyVersions:
		return api.ErrLimitExceededException("The secret has too many versions that were created in the last 24 hours.")
	case secret.NotSealed:
		return api.ErrEncryptionFailure("Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is available, enabled, and not in an invalid state.")
	case secret.NotUnsealed:
		return api.ErrDecryptionFailure("Secrets Manager can't decrypt the protected secret text using the provided KMS key.")
	case secret.KeyDenied:
		return accessDenied("Access to KMS is not allowed")
	case secret.ShortPassword:
		return api.ErrInvalidParameterException("Password length is too short based on the required types.")
	case secret.NoCharacters:
		return api.ErrInvalidParameterException("All characters are excluded: no password can be generated.")
	}
	return err
}

// exists is the refusal of a name that is taken.
func exists(name string) error {
	return api.ErrResourceExistsException("The operation failed because the secret " + name + " already exists.")
}

// accessDenied and validation have no shape in the model.
func accessDenied(text string) *wire.Error {
	return &wire.Error{Code: "AccessDeniedException", Status: http.StatusBadRequest, Message: text}
}

func validation(text string) *wire.Error {
	return &wire.Error{Code: "ValidationException", Status: http.StatusBadRequest, Message: text}
}

// checkLength refuses a value of the wrong length, in bytes; the generic checks count
// characters, and leave blobs alone.
func checkLength(member string, n int) error {
	rule := ""
	switch {
	case n < 1:
		rule = "greater than or equal to 1"
	case n > secret.MaxValue:
		rule = fmt.Sprintf("less than or equal to %d", secret.MaxValue)
	default:
		return nil
	}
	return validation("1 validation error detected: Value at '" + member + "' failed to satisfy constraint: Member must have length " + rule)
}

// isNotFound reports whether an error of this package says that there is no such secret.
func isNotFound(err error) bool {
	var e *wire.Error
	return errors.As(err, &e) && e.Code == "ResourceNotFoundException"
}
