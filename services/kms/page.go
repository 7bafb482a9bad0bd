package kms

import (
	api "millrace/services/internal/api/kms"
	"millrace/services/internal/kit"
)

// A listing asks for a part of a list, as every List operation does.
type listing struct {
	marker *string // of the part before; nil for the first
	limit  *int32  // nil for usual
	usual  int
	most   int // however much is asked for
}

// page cuts the asked part out of items, which are in the order of their sort
// keys.
func page[T any](items []T, sortKey func(T) string, l listing) (part []T, next *string, truncated *bool, err error) {
	part, next, truncated, err = kit.MarkedPage(items, sortKey, l.marker, min(int(kit.ValueOr(l.limit, int32(l.usual))), l.most))
	if err != nil {
		err = api.ErrInvalidMarkerException("Could not deserialize marker '" + *l.marker + "'")
	}
	return part, next, truncated, err
}
