package kit

import (
	"strconv"
	"strings"
	"testing"
)

func TestNumbers(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "-1.5": true, "1e10": true, "+3": true, "1e126": true, "1e-128": true, ".5": true,
		strings.Repeat("9", 38): true, strings.Repeat("9", 39): false, "1e127": false, "1e-129": false,
		"": false, "abc": false, "0x10": false, "1_000": false, "Inf": false, "1e": false, "--1": false,
	} {
		if got := IsNumber(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

// What is taken for a number, the receivers can read as one.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.5", "1e126", "1e-129", "0x1p-2", "1_0", "+.5e+3", "1e999999999", "00000000000000000000000000000000000000001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := strconv.ParseFloat(s, 64); IsNumber(s) && err != nil {
			t.Errorf("%q was taken for a number: %v", s, err)
		}
	})
}
