// Package list cuts long lists into the parts that AWS's List operations answer
// with.
package list

import (
	"cmp"
	"encoding/base64"
	"errors"
	"slices"
)

// ErrMarker says that a marker is none that Page gave.
var ErrMarker = errors.New("not a marker")

// Page cuts the part of at most limit items that begins after marker, nil for the
// first, out of items, which are in the order of their sort keys. The last one's
// tells where the next part begins, also when items come and go in between; next
// is nil when there is none. A marker has four characters for three of a sort key.
func Page[T any](items []T, sortKey func(T) string, marker *string, limit int) (part []T, next *string, truncated *bool, err error) {
	if marker != nil {
		after, err := base64.RawURLEncoding.DecodeString(*marker)
		if err != nil {
			return nil, nil, nil, ErrMarker
		}
		from, found := slices.BinarySearchFunc(items, string(after), func(item T, k string) int { return cmp.Compare(sortKey(item), k) })
		if found {
			from++
		}
		items = items[from:]
	}
	if len(items) <= limit {
		return items, nil, new(false), nil
	}
	last := sortKey(items[limit-1])
	return items[:limit], new(base64.RawURLEncoding.EncodeToString([]byte(last))), new(true), nil
}
