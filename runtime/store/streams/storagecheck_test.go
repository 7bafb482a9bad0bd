package streams

import (
	"errors"
	"testing"
)

// A check that passed covers the entries that were under way when it began, and no
// others; none does while the last one has failed.
func TestOneCheckCoversAllEntriesUnderWay(t *testing.T) {
	var gone error
	looks := 0
	i := StorageCheck{Verify: func() error { looks++; return gone }}
	before := i.Begun()
	check := func(what string, since uint64, want error, wantLooks int) {
		t.Helper()
		if err := i.AfterStore(since); !errors.Is(err, want) || looks != wantLooks {
			t.Errorf("%s: %v after %d looks, want %v after %d", what, err, looks, want, wantLooks)
		}
	}
	check("the first", before, nil, 1)
	check("one that was under way then", before, nil, 1)
	check("one that was not", i.Begun(), nil, 2)
	gone = errors.New("gone")
	check("one when it is gone", i.Begun(), gone, 3)
	check("one from before, when it is known to be gone", before, gone, 4)
	gone = nil
	check("the same when it is back", before, nil, 5)
	check("and the next", before, nil, 5)
}
