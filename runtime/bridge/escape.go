package bridge

import "strings"

const digits = "0123456789ABCDEF"

// escapeBut writes each byte as "%" and two digits that is not plain; "%" must not be.
func escapeBut(s string, plain func(byte) bool) string {
	i := 0
	for i < len(s) && plain(s[i]) {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.WriteString(s[:i])
	for ; i < len(s); i++ {
		if c := s[i]; plain(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

// unescapeBut reads what escapeBut has written, and nothing else: no two texts mean the
// same.
func unescapeBut(text string, plain func(byte) bool) (s string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case plain(c):
		case c == '%' && i+2 < len(text):
			high, low := strings.IndexByte(digits, text[i+1]), strings.IndexByte(digits, text[i+2])
			if high < 0 || low < 0 {
				return "", false
			}
			c = byte(high<<4 | low)
			i += 2
			if plain(c) {
				return "", false
			}
		default:
			return "", false
		}
		b.WriteByte(c)
	}
	return b.String(), true
}
