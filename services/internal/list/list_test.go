package list

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// Every item comes once, and none twice when one that ended a part is gone.
func TestPage(t *testing.T) {
	key := func(s string) string { return s }
	items := []string{"a", "b", "c", "d", "e"}
	first, next, more, err := Page(items, key, nil, 2)
	if err != nil || fmt.Sprint(first) != "[a b]" || next == nil || !*more {
		t.Fatal(first, next, more, err)
	}
	items = slices.DeleteFunc(items, func(s string) bool { return s == "b" })
	rest, next, more, err := Page(items, key, next, 3)
	if err != nil || fmt.Sprint(rest) != "[c d e]" || next != nil || *more {
		t.Error(rest, next, more, err)
	}
	if _, _, _, err := Page(items, key, new("%"), 3); !errors.Is(err, ErrMarker) {
		t.Errorf("got %v, want ErrMarker", err)
	}
}
