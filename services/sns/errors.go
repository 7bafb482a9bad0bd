package sns

import (
	"errors"
	"fmt"

	"millrace/runtime/fault"
	"millrace/runtime/store/keys"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// invalid is the commonest error of SNS.
func invalid(format string, args ...any) *wire.Error {
	return api.ErrInvalidParameterException("Invalid parameter: " + fmt.Sprintf(format, args...))
}

// An attributeError says what is wrong with the attributes of a request. Operations that
// take several attributes at once say that it is about them; those that set one do not.
type attributeError string

func (e attributeError) Error() string { return string(e) }

// Unwrap makes errors.Is find the code.
func (attributeError) Unwrap() error { return fault.Invalid }

func badAttribute(format string, args ...any) error {
	return attributeError(fmt.Sprintf(format, args...))
}

// An unknownAttribute is a name that no attribute has, or none of this kind of topic.
type unknownAttribute string

func (e unknownAttribute) Error() string { return "Unknown attribute " + string(e) }

// Unwrap makes errors.Is find the code.
func (unknownAttribute) Unwrap() error { return fault.Invalid }

// ofOne is the error of an operation that sets one attribute, ofMany that of one that
// takes several. Other errors stay as they are.
func ofOne(err error) error {
	if _, ok := errors.AsType[unknownAttribute](err); ok {
		return invalid("AttributeName")
	}
	if e, ok := errors.AsType[attributeError](err); ok {
		return invalid("%s", e)
	}
	return err
}

func ofMany(err error) error {
	if e, ok := errors.AsType[unknownAttribute](err); ok {
		return invalid("Attributes Reason: %v", e)
	}
	if e, ok := errors.AsType[attributeError](err); ok {
		return invalid("Attributes Reason: %s", e)
	}
	return err
}

// errNoTopic is what find answers when there is no such topic.
var errNoTopic error = api.ErrNotFoundException("Topic does not exist")

func noTopic() error { return errNoTopic }

func noSubscription() error { return api.ErrNotFoundException("Subscription does not exist") }

// fromTopics translates the errors of the domain about a topic, and fromSubscriptions
// those about a subscription. What nobody named is ours to answer for, and its cause
// stays in the log.
func fromTopics(err error) error { return translate(err, noTopic) }

func fromSubscriptions(err error) error { return translate(err, noSubscription) }

func translate(err error, notFound func() error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*wire.Error](err); ok {
		return err
	}
	if e := fromKeys(err); e != nil {
		return e
	}
	if fault.Of(err) == fault.NotFound {
		return notFound()
	}
	return err
}

// fromKeys tells that a topic's KMS key does not work; nil for other errors.
func fromKeys(err error) error {
	for _, k := range []struct {
		is   error
		make func(string) *wire.Error
		text string
	}{
		{keys.ErrNotFound, api.ErrKMSNotFoundException, "The KMS key of this topic does not exist."},
		{keys.ErrDisabled, api.ErrKMSDisabledException, "The KMS key of this topic is disabled."},
		{keys.ErrState, api.ErrKMSInvalidStateException, "The KMS key of this topic is not in a state that allows its use."},
		{keys.ErrUsage, api.ErrKMSInvalidStateException, "The KMS key of this topic is not for encryption."},
		{keys.ErrAccess, api.ErrKMSAccessDeniedException, "The KMS key of this topic may not be used by this caller."},
	} {
		if !errors.Is(err, k.is) {
			continue
		}
		if sentence, ok := kit.Denied(err); ok {
			return k.make(sentence)
		}
		var f *fault.Error
		if errors.As(err, &f) && f.What != "" {
			return k.make(f.What) // KMS's own sentence, which names the key
		}
		return k.make(k.text)
	}
	return nil
}
