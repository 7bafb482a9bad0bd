package main

import (
	"fmt"
	"io"
	"os"
	"unicode"
	"unicode/utf8"
)

// shown is where functions print. What they print may come from strangers, and a
// terminal obeys control characters: they could clear it, or write over a line of
// another function. So a terminal gets them in a visible form; a file or a pipe
// gets every byte as it is, since a program is to read it.
func shown(w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return visible{w}
		}
	}
	return w
}

// A visible writes control characters, but tabs and line feeds, as \xNN; also
// bytes that are not UTF-8, which some terminals take for control characters.
type visible struct{ to io.Writer }

func (v visible) Write(p []byte) (int, error) {
	b := make([]byte, 0, len(p))
	for i := 0; i < len(p); {
		r, n := utf8.DecodeRune(p[i:])
		if r != '\t' && r != '\n' && unicode.IsControl(r) || r == utf8.RuneError && n == 1 {
			for _, c := range p[i : i+n] {
				b = fmt.Appendf(b, `\x%02x`, c)
			}
		} else {
			b = append(b, p[i:i+n]...)
		}
		i += n
	}
	if _, err := v.to.Write(b); err != nil {
		return 0, err
	}
	return len(p), nil
}
