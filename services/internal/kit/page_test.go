package kit

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
	first, next, more, err := MarkedPage(items, key, nil, 2)
	if err != nil || fmt.Sprint(first) != "[a b]" || next == nil || !*more {
		t.Fatal(first, next, more, err)
	}
	items = slices.DeleteFunc(items, func(s string) bool { return s == "b" })
	rest, next, more, err := MarkedPage(items, key, next, 3)
	if err != nil || fmt.Sprint(rest) != "[c d e]" || next != nil || *more {
		t.Error(rest, next, more, err)
	}
	for _, strange := range []string{"%", "", "junk", "junkjunk", "Yg", EncodeMarker("b") + "AAAA"} {
		if _, _, _, err := MarkedPage(items, key, &strange, 3); !errors.Is(err, ErrMarker) {
			t.Errorf("%q: got %v, want ErrMarker", strange, err)
		}
	}
}

func TestPageByPlainKeys(t *testing.T) {
	key := func(s string) string { return s }
	items := []string{"a", "b", "c"}
	for _, c := range []struct {
		after string
		limit int
		want  string
	}{
		{"", 2, "[a b] b"},
		{"b", 2, "[c] "},
		{"aa", 1, "[b] b"},
		{"c", 2, "[] "},
		{"", 3, "[a b c] "},
	} {
		page, next := Page(items, key, c.after, c.limit)
		if got := fmt.Sprint(page, " ", next); got != c.want {
			t.Errorf("%d after %q: %q, want %q", c.limit, c.after, got, c.want)
		}
	}
}
