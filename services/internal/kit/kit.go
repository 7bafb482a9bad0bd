// Package kit is what the operations of several services share: pages of lists,
// tags, optional members, and AWS's sentence for what a policy does not allow.
package kit

// Value is what an optional member holds; the zero value if it is absent.
func Value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// ValueOr is what an optional member holds; other if it is absent.
func ValueOr[T any](p *T, other T) T {
	if p == nil {
		return other
	}
	return *p
}

// Optional leaves an empty text out of an answer: nil for "".
func Optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
