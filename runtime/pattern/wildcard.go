package pattern

import (
	"fmt"
	"strings"
)

// A wildcard is a text with gaps: its pieces must follow each other, the first
// at the start and the last at the end.
type wildcard []string

// compileWildcard reads a text in which * stands for any characters, none
// included, \* for itself and \\ for a backslash. If it cannot, it says why not.
func compileWildcard(s string) (w wildcard, reason string) {
	var piece strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '*' && piece.Len() == 0 && len(w) > 0:
			return nil, fmt.Sprintf("Consecutive wildcard characters at pos %d", i)
		case c == '*':
			w = append(w, piece.String())
			piece.Reset()
		case c != '\\':
			piece.WriteByte(c)
		case i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '\\'):
			i++
			piece.WriteByte(s[i])
		default:
			return nil, fmt.Sprintf("Invalid escape character at pos %d", i)
		}
	}
	return append(w, piece.String()), ""
}

// match takes time linear in pieces and text: each piece is best found as early
// as possible.
func (w wildcard) match(s string) bool {
	first, last := w[0], w[len(w)-1]
	if len(w) == 1 {
		return s == first
	}
	s, ok := strings.CutPrefix(s, first)
	if !ok {
		return false
	}
	if s, ok = strings.CutSuffix(s, last); !ok {
		return false
	}
	for _, piece := range w[1 : len(w)-1] {
		if _, s, ok = strings.Cut(s, piece); !ok {
			return false
		}
	}
	return true
}
