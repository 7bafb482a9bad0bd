package notify

import (
	"strconv"

	"millrace/runtime/fault"
)

// A Reason is why a configuration is refused, in the words of S3. It is an error itself,
// so that errors.Is(err, notify.DuplicateID) finds it in an [Error].
//
// Malformed has the code MalformedXML, all others InvalidArgument, with status 400.
type Reason string

// The reasons. The texts were recorded from AWS, except for TooMany.
const (
	Malformed       Reason = "The XML you provided was not well-formed or did not validate against our published schema"
	UnparsableARN   Reason = "The ARN could not be parsed"
	Unreachable     Reason = "Unable to validate the following destination configurations"
	OtherRegion     Reason = "The notification destination service region is not valid for the bucket location constraint"
	UnknownEvent    Reason = "The event is not supported for notifications" // Error names the event
	TooMany         Reason = "The notification configuration has more than 100 configurations"
	LongID          Reason = "ID length exceeded allowed limit of 255"
	DuplicateID     Reason = "Same ID used for multiple configurations. IDs must be unique."
	UnknownRule     Reason = "filter rule name must be either prefix or suffix"
	TwoPrefixes     Reason = "Cannot specify more than one prefix rule in a filter."
	TwoSuffixes     Reason = "Cannot specify more than one suffix rule in a filter."
	LongValue       Reason = "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation"
	OverlappingRule Reason = "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type."
)

func (r Reason) Error() string { return string(r) }

// An Error is a configuration that S3 refuses.
type Error struct {
	Reason Reason
	Fields []Field // what S3's error says beside its code and message
}

// A Field is an element of S3's error: its name, as ArgumentName, and its text.
type Field struct{ Name, Value string }

// Error is S3's message.
func (e *Error) Error() string {
	if e.Reason == UnknownEvent && len(e.Fields) == 2 {
		return "The event '" + e.Fields[1].Value + "' is not supported for notifications"
	}
	return string(e.Reason)
}

// Unwrap makes errors.Is find the reason and fault.Invalid.
func (e *Error) Unwrap() []error { return []error{e.Reason, fault.Invalid} }

// refuse makes the error of one argument. That S3 names the argument is recorded for
// Event, FilterRule.Name and the ARNs that it cannot parse, and ours for the others.
func refuse(r Reason, argument, value string) error {
	return &Error{r, []Field{{"ArgumentName", argument}, {"ArgumentValue", value}}}
}

// A Refusal says why S3 cannot use a destination.
type Refusal struct {
	Argument string // what S3 names it by: its ARN
	Why      string
}

// RefuseAll is the error of S3 for destinations that it cannot use, all at once.
func RefuseAll(all []Refusal) error {
	e := &Error{Reason: Unreachable}
	for i, r := range all {
		n := strconv.Itoa(i + 1)
		e.Fields = append(e.Fields, Field{"ArgumentName" + n, r.Argument}, Field{"ArgumentValue" + n, r.Why})
	}
	return e
}
