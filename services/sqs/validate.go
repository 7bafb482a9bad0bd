package sqs

import (
	"fmt"
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"

	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/wire"
)

// maxBatchBytes bounds the bodies and attributes of one batch, whatever the
// queue's own limit.
const maxBatchBytes = 1 << 20

// badCharacter finds the first character of a text that SQS does not take in a
// body or a String value: it takes XML's, U+FFFE and U+FFFF left out.
func badCharacter(s string) (bad rune, found bool) {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf { // the usual case, without decoding
			if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
				return rune(c), true
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			return rune(s[i]), true
		case r == 0xFFFE || r == 0xFFFF:
			return r, true
		}
		i += n
	}
	return 0, false
}

// invalidCharacter is the answer to a body with a character that is not taken
// (Particular/NServiceBus.AmazonSQS#2630).
func invalidCharacter(c rune) *wire.Error {
	return api.ErrInvalidMessageContents(fmt.Sprintf("Invalid binary character '#x%X' was found in the message body, "+
		"the set of allowed characters is #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF].", c))
}

// checkID checks a group, deduplication or attempt id, if there is one: 1-128
// letters, digits and ASCII punctuation.
func checkID(name string, id *string) error {
	if id == nil {
		return nil
	}
	ok := 1 <= len(*id) && len(*id) <= 128
	for i := 0; ok && i < len(*id); i++ {
		ok = '!' <= (*id)[i] && (*id)[i] <= '~'
	}
	if !ok {
		return invalidParam(name, *id, name+" can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	return nil
}

// checkAttributeName follows AWS in taking letters beyond ASCII, which its own
// documentation does not allow.
func checkAttributeName(name string) error {
	if name == "" || len(name) >= 256 {
		return invalidValue("Message (user) attribute names must be shorter than 256 Bytes")
	}
	for _, r := range name {
		if !unicode.IsLetter(r) && !('0' <= r && r <= '9') && r != '_' && r != '-' && r != '.' {
			return invalidValue("Message (user) attributes name can only contain upper and lower score characters, digits, periods, hyphens and underscores. ")
		}
	}
	lower := strings.ToLower(name)
	if strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") ||
		name[0] == '.' || name[len(name)-1] == '.' || strings.Contains(name, "..") {
		return invalidValue("You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. Additionally, they cannot start or end with '.'.")
	}
	return nil
}

// checkAttributeType wants Binary, Number or String, with an optional label.
func checkAttributeType(name, dataType string) (base string, err error) {
	base, _, _ = strings.Cut(dataType, ".")
	if len(dataType) >= 256 || base != "String" && base != "Number" && base != "Binary" {
		return "", invalidValue("The type of message (user) attribute '%s' is invalid. You must use only the following supported type prefixes: Binary, Number, String.", name)
	}
	return base, nil
}

// isNumber reports whether a text is a number as SQS has them: up to 38 digits,
// between 10^-128 and 10^126.
func isNumber(s string) bool {
	if s == "" || strings.Trim(s, "0123456789+-.eE") != "" || len(s) > 256 {
		return false
	}
	f, _, err := big.ParseFloat(s, 10, 128, big.ToNearestEven)
	if err != nil {
		return false
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(s), "e")
	digits := strings.TrimLeft(strings.NewReplacer("+", "", "-", "", ".", "").Replace(mantissa), "0")
	if strings.Contains(mantissa, ".") {
		digits = strings.TrimRight(digits, "0")
	}
	if len(digits) > 38 {
		return false
	}
	if f.Sign() == 0 {
		return true
	}
	abs := new(big.Float).Abs(f)
	return abs.Cmp(smallest) >= 0 && abs.Cmp(largest) <= 0
}

var (
	smallest, _, _ = big.ParseFloat("1e-128", 10, 128, big.ToZero)
	largest, _, _  = big.ParseFloat("1e126", 10, 128, big.AwayFromZero)
)

// queueName checks a name for CreateQueue. fifo says that FifoQueue is true.
func queueName(name string, fifo bool) error {
	if name == "" {
		return invalidValue("Queue name cannot be empty")
	}
	bare, suffixed := strings.CutSuffix(name, ".fifo")
	switch {
	case len(name) <= 80 && suffixed == fifo && isWord(bare):
		return nil
	case fifo:
		// With a period, unlike that of a standard queue:
		// aws-samples/aws-marketplace-serverless-saas-integration#1.
		return invalidValue("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
	}
	return invalidValue("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
}

// entryID checks the id of a batch entry.
func entryID(id string) bool { return len(id) <= 80 && isWord(id) }

// isWord reports whether a text is one or more of A-Z a-z 0-9 _ -.
func isWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return s != ""
}
