package sandbox

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// Output comes in pieces that know nothing of lines; none may be lost or torn.
// Long output is a short text many times: the fuzzer takes minutes to make a long
// input shorter.
func FuzzJournal(f *testing.F) {
	f.Add([]byte("one\ntwo\n\nthree"), byte(1), 3)
	f.Add([]byte("\n"), byte(1), 1)
	f.Add([]byte("a line that is as long as lines are\n"), byte(255), 1000)
	f.Fuzz(func(t *testing.T, text []byte, times byte, size int) {
		output := bytes.Repeat(text[:min(len(text), 80)], int(times)) // up to 5 times tailSize
		size = max(size, len(output)/64, 1)                           // more pieces would show nothing more
		var lines bytes.Buffer
		j := &journal{emit: func(l Line) {
			if !l.Platform {
				lines.Write(l.Text)
				lines.WriteByte('\n')
			}
		}}
		j.begin("1", "$LATEST")
		for piece := range slices.Chunk(output, size) {
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
