package mq

import (
	"millrace/services/internal/kit"
)

// A part of a list, as every List operation answers it.
type part[T any] struct {
	items []T
	next  *string
	most  *int32 // maxResults as it is echoed: 5 at least
}

// The sizes of pages: what is asked for, and the least that is echoed.
const (
	usualResults = 20
	mostResults  = 100
	leastEchoed  = 5
)

// page cuts the asked part out of items, which are in the order of their sort keys.
func page[T any](items []T, key func(T) string, most *int32, token *string) (p part[T], err error) {
	n := kit.ValueOr(most, usualResults)
	if n < 1 || n > mostResults {
		return p, bad("maxResults", "[maxResults] must be between 1 and %d.", mostResults)
	}
	if kit.Value(token) == "" {
		token = nil
	}
	p.items, p.next, _, err = kit.MarkedPage(items, key, token, int(n))
	if err != nil {
		return p, bad("nextToken", "The [nextToken] is invalid.")
	}
	p.most = new(max(n, leastEchoed))
	return p, nil
}
