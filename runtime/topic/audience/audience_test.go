package audience_test

import (
	"slices"
	"testing"

	"millrace/runtime/queue"
	"millrace/runtime/topic/audience"
)

func compile(t testing.TB, scope audience.Scope, policy string) *audience.Filter {
	t.Helper()
	f, err := audience.Compile(scope, policy)
	if err != nil {
		t.Fatalf("compiling %s: %v", policy, err)
	}
	return f
}

func text(name, value string) queue.Attribute {
	return queue.Attribute{Name: name, DataType: "String", Value: []byte(value)}
}

// expect sees which subscriptions a message goes to, in any order.
func expect(t *testing.T, a *audience.Audience[string], m audience.Message, want ...string) {
	t.Helper()
	got, out := a.Match(m)
	slices.Sort(got)
	if !slices.Equal(got, want) || out.Total() != a.Len()-len(want) {
		t.Errorf("got %q and %d filtered out, want %q of %d", got, out.Total(), want, a.Len())
	}
}

func TestChangesAreSeenAtOnce(t *testing.T) {
	var a audience.Audience[string]
	m := audience.Message{Body: `{"k":"x"}`, Attributes: []queue.Attribute{text("k", "x")}}
	expect(t, &a, m)
	a.Set("1", nil, "one")
	a.Set("2", compile(t, audience.Attributes, `{"k":["y"]}`), "two")
	a.Set("3", compile(t, audience.Body, `{"k":["x"]}`), "three")
	expect(t, &a, m, "one", "three")
	a.Set("2", compile(t, audience.Attributes, `{"k":["x"]}`), "two")
	a.Set("3", compile(t, audience.Attributes, `{"k":["y"]}`), "three")
	expect(t, &a, m, "one", "two")
	a.Set("3", nil, "four")
	a.Remove("1")
	a.Remove("none")
	expect(t, &a, m, "four", "two")
	if a.Len() != 2 || a.Filtered() != 1 {
		t.Errorf("%d subscriptions, %d filtered", a.Len(), a.Filtered())
	}
}
