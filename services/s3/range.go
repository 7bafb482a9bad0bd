package s3

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"millrace/services/internal/wire"
)

// A byteRange are the bytes of an object from one on and up to another that is not among
// them.
type byteRange struct{ from, to int64 }

// contentRange is the range as Content-Range has it.
func (r byteRange) contentRange(size int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", r.from, r.to-1, size)
}

// parseRange reads the header Range for an object of so many bytes. One that cannot be
// read, and one of several ranges, asks for the whole object: ok is false. One that has
// none of the object's bytes is an error.
func parseRange(text string, size int64) (r byteRange, ok bool, err error) {
	first, last, ok := cutRange(text)
	if !ok {
		return byteRange{}, false, nil
	}
	switch {
	case first == "": // the last bytes of it
		n, ok := offset(last)
		if !ok {
			return byteRange{}, false, nil
		}
		if n == 0 || size == 0 {
			return byteRange{}, false, invalidRange(text, size)
		}
		return byteRange{max(size-n, 0), size}, true, nil
	case last == "":
		r.to = size
	default:
		n, ok := offset(last)
		if !ok {
			return byteRange{}, false, nil
		}
		r.to = min(n, size-1) + 1
	}
	from, ok := offset(first)
	if end, _ := offset(last); !ok || last != "" && end < from {
		return byteRange{}, false, nil
	}
	if r.from = from; from >= size {
		return byteRange{}, false, invalidRange(text, size)
	}
	return r, true, nil
}

// cutRange takes "bytes=0-9" apart.
func cutRange(text string) (first, last string, ok bool) {
	unit, set, ok := strings.Cut(text, "=")
	if !ok || strings.TrimSpace(unit) != "bytes" {
		return "", "", false
	}
	first, last, ok = strings.Cut(set, "-")
	return strings.TrimSpace(first), strings.TrimSpace(last), ok
}

// offset reads a number of digits alone.
func offset(text string) (int64, bool) {
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err == nil
}

func invalidRange(text string, size int64) *wire.Error {
	return refusal("InvalidRange", http.StatusRequestedRangeNotSatisfiable, "The requested range is not satisfiable",
		"RangeRequested", text, "ActualObjectSize", strconv.FormatInt(size, 10))
}

// parseSourceRange reads x-amz-copy-source-range, which is strict: both ends are given,
// and within the source.
func parseSourceRange(text string, size int64) (byteRange, error) {
	const name = "x-amz-copy-source-range"
	first, last, ok := cutRange(text)
	from, okFrom := offset(first)
	to, okTo := offset(last)
	if !ok || !okFrom || !okTo || from > to {
		return byteRange{}, invalidArgument("The "+name+" value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy", name, text)
	}
	if to >= size {
		return byteRange{}, invalidArgument(fmt.Sprintf("Range specified is not valid for source object of size: %d", size), name, text)
	}
	return byteRange{from, to + 1}, nil
}
