package main

import "testing"

func TestByteSize(t *testing.T) {
	for text, want := range map[string]byteSize{
		"1": 1, "1000000": 1e6, "500MB": 500e6, "2GiB": 2 << 30, "1.5 GB": 1.5e9, "64kib": 64 << 10, "3TB": 3e12, "7B": 7,
	} {
		var got byteSize
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "MB", "5 apples", "5MBB", "1e3", "NaN", "99999999TB", "0.5"} {
		var got byteSize
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q passed as %d", text, got)
		}
	}
}
