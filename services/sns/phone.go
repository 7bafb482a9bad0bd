package sns

import (
	"regexp"

	api "millrace/services/internal/api/sns"
)

// isPhone reports whether a text is a phone number as Subscribe takes it: 1 to 15 digits
// behind a plus sign or none, with single separators between them.
func isPhone(s string) bool {
	digits, separated := 0, true // so that no separator comes first
	for i := range len(s) {
		switch c := s[i]; {
		case c == '+' && i == 0:
		case '0' <= c && c <= '9':
			digits, separated = digits+1, false
		case (c == '-' || c == ' ' || c == '.' || c == '/') && !separated:
			separated = true
		default:
			return false
		}
	}
	return 1 <= digits && digits <= 15 && !separated
}

// invalidSMS lacks the words that begin other errors of parameters.
func invalidSMS(endpoint string) error {
	return api.ErrInvalidParameterException("Invalid SMS endpoint: " + endpoint)
}

// e164 is the form of phone numbers that can be published to, and that operations on them
// take.
var e164 = regexp.MustCompile(`^\+?[1-9][0-9]{1,14}$`)

// checkPhone checks the number that an operation is about.
func checkPhone(number string) error {
	if !e164.MatchString(number) {
		return invalid("PhoneNumber Reason: input incorrectly formatted")
	}
	return nil
}
