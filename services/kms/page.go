package kms

import (
	"cmp"
	"encoding/base64"
	"slices"

	api "millrace/services/internal/api/kms"
)

// A listing asks for a part of a list, as every List operation does.
type listing struct {
	marker *string // of the part before; nil for the first
	limit  *int32  // nil for usual
	usual  int
	most   int // however much is asked for
}

// page cuts the asked part out of items, which are in the order of their sort
// keys. The last one's tells where the next part begins, also when items come and
// go in between.
func page[T any](items []T, sortKey func(T) string, l listing) (part []T, next *string, truncated *bool, err error) {
	if l.marker != nil {
		after, err := base64.RawURLEncoding.DecodeString(*l.marker)
		if err != nil {
			return nil, nil, nil, api.ErrInvalidMarkerException("Could not deserialize marker '" + *l.marker + "'")
		}
		from, found := slices.BinarySearchFunc(items, string(after), func(item T, k string) int { return cmp.Compare(sortKey(item), k) })
		if found {
			from++
		}
		items = items[from:]
	}
	limit := min(int(valueOr(l.limit, int32(l.usual))), l.most)
	if len(items) <= limit {
		return items, nil, new(false), nil
	}
	last := sortKey(items[limit-1])
	return items[:limit], new(base64.RawURLEncoding.EncodeToString([]byte(last))), new(true), nil
}
