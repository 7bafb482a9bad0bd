package cluster

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// A step of a member's story: at some time somebody is heard, gone, or nothing
// happens but time.
type step struct {
	at    time.Duration
	heard string
	gone  string
	want  string
}

func TestMembers(t *testing.T) {
	tests := []struct {
		rule  string
		steps []step
	}{
		{"who is heard is live", []step{{0, "a", "", "[a]"}, {1, "b", "", "[a b]"}}},
		{"who is silent for long enough is gone, to the moment", []step{
			{0, "a", "", "[a]"}, {SilenceTimeout - 1, "b", "", "[a b]"}, {SilenceTimeout, "", "", "[b]"}, {2*SilenceTimeout - 2, "", "", "[b]"}, {2*SilenceTimeout - 1, "", "", "[]"}}},
		{"being heard again starts the silence anew", []step{
			{0, "a", "", "[a]"}, {SilenceTimeout / 2, "a", "", "[a]"}, {SilenceTimeout, "", "", "[a]"}, {SilenceTimeout * 3 / 2, "", "", "[]"}}},
		{"who leaves is gone at once", []step{{0, "a", "", "[a]"}, {1, "b", "", "[a b]"}, {2, "", "a", "[b]"}}},
		{"who was thought gone comes back when heard", []step{{0, "a", "", "[a]"}, {1, "", "a", "[]"}, {2, "a", "", "[a]"}}},
		{"this node is no exception", []step{{0, "self", "", "[self]"}, {SilenceTimeout, "", "", "[]"}}},
	}
	for _, test := range tests {
		var m Members
		start := time.Now()
		for i, s := range test.steps {
			before := fmt.Sprint(m.Live())
			changed := m.Expire(start.Add(s.at))
			if s.heard != "" {
				changed = m.Seen(start.Add(s.at), s.heard) || changed
			}
			if s.gone != "" {
				changed = m.Remove(s.gone) || changed
			}
			if got := fmt.Sprint(m.Live()); got != s.want || changed != (got != before) {
				t.Errorf("%s: step %d: live %s (changed %v), want %s", test.rule, i, got, changed, s.want)
			}
		}
	}
}

// Equal views give equal owners, whatever node looks; keys are shared fairly; and
// a node that goes takes nothing with it but its own, which go to their heirs.
func TestOwners(t *testing.T) {
	nodes := []string{"0123456789abcdef", "0123456789abcdee", "fedcba9876543210", "a", "b"}
	all := newView(nodes[0], nodes)
	back := slices.Clone(nodes)
	slices.Reverse(back)
	other := newView(nodes[1], back)
	without := newView(nodes[1], nodes[1:])
	const keys = 10_000
	share := map[string]int{}
	for key := range uint64(keys) {
		owner := all.Owner(key)
		share[owner]++
		if got := other.Owner(key); got != owner {
			t.Fatalf("key %d: owners %s and %s", key, owner, got)
		}
		want := owner
		if owner == nodes[0] {
			want = all.Successor(key)
		}
		if got := without.Owner(key); got != want {
			t.Fatalf("key %d of %s went to %s, want %s", key, owner, got, want)
		}
		if all.Successor(key) == owner {
			t.Fatalf("key %d: the owner is its own heir", key)
		}
	}
	for _, n := range nodes {
		if s := share[n]; s < keys/len(nodes)*8/10 || s > keys/len(nodes)*12/10 {
			t.Errorf("%s has %d of %d keys", n, s, keys)
		}
	}
	nobody := newView("a", nil)
	if nobody.Owner(1) != "" || nobody.Successor(1) != "" || newView("a", []string{"a"}).Successor(1) != "" {
		t.Error("an owner out of nowhere")
	}
}
