package http1

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// What the last head said helps to read the next, and shows nowhere: in whatever
// order heads come, each is read as by a parser that has seen none.
func TestHeadsDoNotMix(t *testing.T) {
	lines := []string{"Host: a", "host: b", "Content-Length: 1", "Content-Length: 2", "X: 1", "X: 2", "x: 1", "X:", "Long: " + strings.Repeat("x", 100),
		"Connection: keep-alive", "Connection: close", "Expect: 100-continue", "No line", ": 1", "\xc3\xa4: 1", "Y: \x01"}
	targets := []string{"/", "/a?b=c", "/%zz", ""}
	random := rand.New(rand.NewPCG(1, 2))
	var p parser
	read := 0
	for range 20_000 {
		head := "POST " + targets[max(0, random.IntN(20)-16)] + " HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
		if random.IntN(4) == 0 {
			head = "POST / HTTP/1.1\r\n"
		}
		for range random.IntN(5) {
			head += lines[random.IntN(len(lines))] + "\r\n"
		}
		head += "\r\n"
		var fresh parser
		got, want := p.parse([]byte(head)), fresh.parse([]byte(head))
		if got != want {
			t.Fatalf("%q: read %v, by a new parser %v", head, got, want)
		}
		if !want {
			continue
		}
		read++
		if got, want := told(&p), told(&fresh); got != want {
			t.Fatalf("%q is read as\n%s\nby a new parser as\n%s", head, got, want)
		}
		if kept := p.fields[:cap(p.fields)][len(fresh.fields):]; len(kept) > 0 && kept[0] != (field{}) {
			t.Fatalf("%q: %+v is kept of an earlier one", head, kept[0])
		}
	}
	if read < 1000 {
		t.Errorf("only %d heads were common ones", read)
	}
}

func told(p *parser) string {
	return fmt.Sprint(p.target, p.url, p.host, p.length, p.header)
}
