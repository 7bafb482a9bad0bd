package sns

import (
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
