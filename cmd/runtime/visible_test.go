package main

import (
	"bytes"
	"os"
	"testing"
)

func TestControlCharactersAreVisible(t *testing.T) {
	for in, want := range map[string]string{
		"order 1: 2 × mill\n":     "order 1: 2 × mill\n",
		"a\tb\n":                  "a\tb\n",
		"\x1b[2Jgone":             `\x1b[2Jgone`,
		"over\rwritten\a\x00\x7f": `over\x0dwritten\x07\x00\x7f`,
		"\u009b31m":               `\xc2\x9b31m`,
		"\x9b31m":                 `\x9b31m`,
		"�":                       "�",
	} {
		var out bytes.Buffer
		if n, err := (visible{&out}).Write([]byte(in)); n != len(in) || err != nil || out.String() != want {
			t.Errorf("%q: %q, %d, %v; want %q", in, out.String(), n, err, want)
		}
	}
}

func TestOnlyATerminalIsShownControlCharacters(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if shown(w) != w {
		t.Error("a pipe does not get the bytes as they are")
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if _, ok := shown(null).(visible); !ok {
		t.Error("a character device gets control characters")
	}
}
