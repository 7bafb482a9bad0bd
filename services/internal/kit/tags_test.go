package kit

import (
	"errors"
	"fmt"
	"testing"
)

var (
	errDuplicate = errors.New("twice")
	errTooMany   = errors.New("too many")
	errReserved  = errors.New("reserved")
)

func rules(fold bool) TagRules {
	return TagRules{
		Max: 3, Fold: fold,
		Check: func(key, _ string) error {
			if IsReservedTag(key) {
				return errReserved
			}
			return nil
		},
		Duplicate: func() error { return errDuplicate },
		TooMany:   func() error { return errTooMany },
	}
}

type label struct{ Key, Value string }

func TestTags(t *testing.T) {
	have := []label{{"a", "1"}, {"b", "2"}}
	for _, c := range []struct {
		rule string
		fold bool
		add  []label
		want any // the tags, or an error
	}{
		{"one more", false, []label{{"c", "3"}}, "[{a 1} {b 2} {c 3}]"},
		{"in its place", false, []label{{"a", "3"}}, "[{a 3} {b 2}]"},
		{"another case is another key", false, []label{{"A", "3"}}, "[{a 1} {b 2} {A 3}]"},
		{"unless case does not count", true, []label{{"A", "3"}}, "[{A 3} {b 2}]"},
		{"twice", false, []label{{"c", "3"}, {"c", "4"}}, errDuplicate},
		{"twice but for its case", true, []label{{"c", "3"}, {"C", "4"}}, errDuplicate},
		{"reserved", false, []label{{"AWS:x", "3"}}, errReserved},
		{"too many", false, []label{{"c", "3"}, {"d", "4"}}, errTooMany},
	} {
		got, err := AddTags(rules(c.fold), have, c.add)
		if text := fmt.Sprint(got); err != c.want && text != c.want {
			t.Errorf("%s: %s, %v, want %v", c.rule, text, err, c.want)
		}
	}
	if got := fmt.Sprint(RemoveTags(rules(true), have, []string{"A", "x"}), have); got != "[{b 2}] [{a 1} {b 2}]" {
		t.Errorf("removed: %s", got)
	}
}

func TestTagMaps(t *testing.T) {
	have := map[string]string{"a": "1", "b": "2"}
	r := rules(false)
	for _, c := range []struct {
		rule string
		add  map[string]string
		want any
	}{
		{"one more", map[string]string{"c": "3"}, "map[a:1 b:2 c:3]"},
		{"in its place", map[string]string{"a": "3"}, "map[a:3 b:2]"},
		{"reserved", map[string]string{"aws:x": ""}, errReserved},
		{"too many", map[string]string{"c": "", "d": ""}, errTooMany},
	} {
		got, err := r.AddTagMap(have, c.add)
		if text := fmt.Sprint(got); err != c.want && text != c.want {
			t.Errorf("%s: %s, %v, want %v", c.rule, text, err, c.want)
		}
	}
	if got := fmt.Sprint(r.RemoveTagMap(have, []string{"a", "x"}), have); got != "map[b:2] map[a:1 b:2]" {
		t.Errorf("removed: %s", got)
	}
}
