package sandbox

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Output comes in pieces that know nothing of lines; none may be lost or torn.
func FuzzJournal(f *testing.F) {
	f.Add([]byte("one\ntwo\n\nthree"), 3)
	f.Add([]byte("\n"), 1)
	f.Add(bytes.Repeat([]byte("x\n"), tailSize), 1000)
	f.Fuzz(func(t *testing.T, output []byte, size int) {
		if len(output) >= maxLine {
			t.Skip("long lines are broken: see TestLongLineIsBroken")
		}
		var lines bytes.Buffer
		j := &journal{emit: func(l Line) {
			if !l.Platform {
				fmt.Fprintf(&lines, "%s\n", l.Text)
			}
		}}
		j.begin("1", "$LATEST")
		for piece := range slices.Chunk(output, max(1, size)) {
			j.Write(piece)
		}
		tail := j.end()
		if len(output) > 0 && output[len(output)-1] != '\n' {
			output = append(bytes.Clone(output), '\n') // the last line is ended for it
		}
		if !bytes.Equal(lines.Bytes(), output) {
			t.Errorf("lines are %q, want %q", lines.Bytes(), output)
		}
		log := append([]byte("START RequestId: 1 Version: $LATEST\n"), output...)
		if want := log[max(0, len(log)-tailSize):]; !bytes.Equal(tail, want) {
			t.Errorf("tail is %q, want %q", tail, want)
		}
	})
}

func TestLongLineIsBroken(t *testing.T) {
	var lengths []int
	j := &journal{emit: func(l Line) { lengths = append(lengths, len(l.Text)) }}
	for range 5 {
		j.Write([]byte(strings.Repeat("x", maxLine/2)))
	}
	j.Write([]byte("\n"))
	if len(lengths) != 3 || lengths[0] != maxLine || lengths[2] != maxLine/2 {
		t.Errorf("lines of %v bytes", lengths)
	}
}
