package secret

import "millrace/runtime/fault"

// A Reason is why something cannot be done with a secret. It is an error itself, so that
// errors.Is(err, NotFound) finds it in an [Error].
type Reason string

// The reasons. What an Error says beside them is in brackets.
const (
	NotFound        Reason = "no such secret"
	Exists          Reason = "the name is taken"
	NameDeleting    Reason = "the name is taken by a secret that waits for its deletion"
	Deleting        Reason = "the secret waits for its deletion"
	BadName         Reason = "not a name of a secret"
	NoStage         Reason = "no version has the staging label"                         // Stage
	NoVersion       Reason = "no such version"                                          // Version
	StageMismatch   Reason = "the staging label is on another version"                  // Stage, Version
	TokenUsed       Reason = "the version has another value"                            // Version
	HeldElsewhere   Reason = "another version holds the staging label"                  // Stage; Version holds it
	WrongHolder     Reason = "the version does not hold the staging label"              // Stage
	CurrentStays    Reason = "AWSCURRENT can be moved, not removed"                     //
	TooManyStages   Reason = "too many staging labels"                                  //
	TooManyVersions Reason = "too many versions of one day"                             //
	NotSealed       Reason = "the KMS key cannot encrypt the value"                     // Err
	NotUnsealed     Reason = "the KMS key cannot decrypt the value"                     // Err
	KeyDenied       Reason = "the caller may not use the KMS key"                       // Err
	ShortPassword   Reason = "the password is too short for one character of each kind" //
	NoCharacters    Reason = "no characters are left for a password"                    //
)

func (r Reason) Error() string { return string(r) }

// code is the reason in the words of the whole runtime.
func (r Reason) code() fault.Code {
	switch r {
	case NotFound, NoStage, NoVersion:
		return fault.NotFound
	case Exists, TokenUsed:
		return fault.Exists
	case BadName, HeldElsewhere, WrongHolder, CurrentStays, ShortPassword, NoCharacters:
		return fault.Invalid
	case TooManyStages, TooManyVersions:
		return fault.TooLarge
	case KeyDenied:
		return fault.Denied
	}
	return fault.Conflict
}

// An Error is a refusal of this package. It never has a value in it.
type Error struct {
	Reason  Reason
	Secret  string // ARN; "" when there is none
	Stage   string
	Version string
	Err     error // the cause; nil for none
}

func (e *Error) Error() string {
	text := string(e.Reason)
	if e.Secret != "" {
		text = e.Secret + ": " + text
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap makes errors.Is find the reason, its code and the cause.
func (e *Error) Unwrap() []error {
	all := []error{e.Reason, e.Reason.code()}
	if e.Err != nil {
		all = append(all, e.Err)
	}
	return all
}
