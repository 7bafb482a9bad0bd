package kit

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
)

// ErrMarker says that a marker is none that was given out.
var ErrMarker = errors.New("not a marker")

// Page returns at most limit items: those behind the sort key after, or the first ones
// if after is "". items are in the order of their sort keys. next is the key after which
// the next page begins; "" if this is the last one. It names the last item of the page, so
// items that come and go between two pages neither repeat nor hide others.
func Page[T any](items []T, key func(T) string, after string, limit int) (page []T, next string) {
	if after != "" {
		from, found := slices.BinarySearchFunc(items, after, func(item T, k string) int { return cmp.Compare(key(item), k) })
		if found {
			from++
		}
		items = items[from:]
	}
	if len(items) <= limit {
		return items, ""
	}
	return items[:limit], key(items[limit-1])
}

// MarkedPage is Page for services that answer an opaque marker, and whether there is
// more. marker is nil for the first page; ErrMarker if it is none of ours. A marker has
// four characters for three of a sort key, and six more.
func MarkedPage[T any](items []T, key func(T) string, marker *string, limit int) (page []T, next *string, truncated *bool, err error) {
	after := ""
	if marker != nil {
		if after, err = DecodeMarker(*marker); err != nil {
			return nil, nil, nil, err
		}
	}
	page, last := Page(items, key, after, limit)
	if last == "" {
		return page, nil, new(false), nil
	}
	return page, new(EncodeMarker(last)), new(true), nil
}

// EncodeMarker makes an opaque marker of a text. It has a checksum, so that text of
// another making is not taken for one.
func EncodeMarker(text string) string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text)))
	return base64.RawURLEncoding.EncodeToString(append(sum, text...))
}

// DecodeMarker is the text of a marker, or ErrMarker.
func DecodeMarker(marker string) (text string, err error) {
	b, err := base64.RawURLEncoding.DecodeString(marker)
	if err != nil || len(b) < crc32.Size || binary.BigEndian.Uint32(b) != crc32.ChecksumIEEE(b[crc32.Size:]) {
		return "", ErrMarker
	}
	return string(b[crc32.Size:]), nil
}
