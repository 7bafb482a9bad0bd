package main

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A byteSize is a number of bytes, with or without a unit: kB, MB, GB and TB go by
// thousands, KiB, MiB, GiB and TiB by 1,024.
type byteSize int64

func (s *byteSize) UnmarshalText(text []byte) error {
	digits := len(text) - len(bytes.TrimLeft(text, "0123456789."))
	n, err := strconv.ParseFloat(string(text[:digits]), 64)
	scale, known := units[strings.ToUpper(strings.TrimSpace(string(text[digits:])))]
	if size := n * scale; err == nil && known && size >= 1 && size < math.MaxInt64 {
		*s = byteSize(size)
		return nil
	}
	return fmt.Errorf("%q is not a size such as 500MB or 2GiB", text)
}

var units = map[string]float64{
	"": 1, "B": 1,
	"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40,
}
