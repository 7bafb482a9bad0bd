package audience_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"millrace/runtime/queue"
	"millrace/runtime/topic/audience"
)

// A maker makes policies and messages of few names and values, so that they meet.
type maker struct{ *rand.Rand }

func pick[T any](m maker, of ...T) T { return of[m.IntN(len(of))] }

func (m maker) name() string { return pick(m, "a", "b", "c", "a.b", "b.c") }

func (m maker) value() any {
	return pick[any](m, "x", "y", "z", "", 1, 2, 1.000001, 12345678901, nil, true, false)
}

func (m maker) item() any {
	op := func(name string, v any) map[string]any { return map[string]any{name: v} }
	switch m.IntN(12) {
	case 0:
		return op("prefix", pick(m, "", "x"))
	case 1:
		return op("anything-but", pick[any](m, "x", 1, []any{"x", "y"}))
	case 2:
		return op("exists", pick(m, true, false))
	case 3:
		return op("numeric", []any{">", 0, "<=", 1})
	}
	return m.value()
}

func (m maker) leaf() []any {
	var items []any
	for range 1 + m.IntN(3) {
		items = append(items, m.item())
	}
	return items
}

// policy makes a policy of so many levels at most.
func (m maker) policy(levels int) map[string]any {
	p := map[string]any{}
	for range 1 + m.IntN(2) {
		if levels > 1 && m.IntN(3) == 0 {
			p[m.name()] = m.policy(levels - 1)
		} else {
			p[m.name()] = m.leaf()
		}
	}
	if m.IntN(5) == 0 {
		p["$or"] = []any{m.policy(1), m.policy(1)}
	}
	return p
}

func (m maker) body(levels int) any {
	switch n := m.IntN(6); {
	case levels == 0 || n == 0:
		return m.value()
	case n == 1:
		var all []any
		for range m.IntN(4) {
			all = append(all, m.body(levels-1))
		}
		return all
	}
	return m.fields(levels)
}

func (m maker) fields(levels int) map[string]any {
	all := map[string]any{}
	for range m.IntN(4) {
		all[m.name()] = m.body(levels - 1)
	}
	return all
}

func (m maker) message() audience.Message {
	body, _ := json.Marshal(m.fields(3))
	msg := audience.Message{Body: pick(m, string(body), string(body), string(body), "x", "[]")}
	for range m.IntN(4) {
		name := m.name()
		if slices.ContainsFunc(msg.Attributes, func(a queue.Attribute) bool { return a.Name == name }) {
			continue
		}
		members, _ := json.Marshal([]any{m.value(), m.value(), m.value()})
		msg.Attributes = append(msg.Attributes, pick(m, text(name, pick(m, "x", "y")), number(name, pick(m, "1", "1.0", "2", "one")),
			array(name, string(members)), array(name, "[1"), binary(name)))
	}
	return msg
}

// An index finds what asking every policy finds, through all changes.
func compare(t *testing.T, seed uint64) {
	m := maker{rand.New(rand.NewPCG(seed, 0))}
	var a audience.Audience[string]
	all := map[string]*audience.Filter{}
	for range 30 {
		for range m.IntN(20) {
			id := fmt.Sprint(m.IntN(40))
			if m.IntN(4) == 0 {
				a.Remove(id)
				delete(all, id)
				continue
			}
			scope := pick(m, audience.Attributes, audience.Body)
			policy, _ := json.Marshal(m.policy(map[audience.Scope]int{audience.Attributes: 1, audience.Body: 3}[scope]))
			f, err := audience.Compile(scope, string(policy))
			if err != nil {
				f = nil // too complex
			}
			a.Set(id, f, id)
			all[id] = f
		}
		msg := m.message()
		var want []string
		var wantOut audience.FilteredOut
		for id, f := range all {
			if r := f.Match(msg); r == audience.Matched {
				want = append(want, id)
			} else {
				wantOut[r]++
			}
		}
		got, out := a.Match(msg)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || out != wantOut || a.Len() != len(all) {
			t.Fatalf("seed %d, %q: got %q and %v, want %q and %v", seed, msg, got, out, want, wantOut)
		}
	}
}

func TestIndexFindsWhatAScanFinds(t *testing.T) {
	for seed := range uint64(60) {
		compare(t, seed)
	}
}

func FuzzIndex(f *testing.F) {
	f.Fuzz(compare)
}

// Whatever strangers send as policy and message, compiling and matching end, and an
// audience says what the policy alone says.
func FuzzPolicy(f *testing.F) {
	f.Add(`{"a":["x",{"anything-but":"y"}]}`, `{"a":"x"}`, "a", "String.Array", `["x"]`)
	f.Add(`{"a.b":[1],"$or":[{"c":[null]},{"d":[{"exists":false}]}]}`, `{"a":[{"b":1.0}],"a.b":2}`, "a.b", "Number", "1e5")
	f.Fuzz(func(t *testing.T, policy, body, name, dataType, value string) {
		m := audience.Message{Body: body, Attributes: []queue.Attribute{{Name: name, DataType: dataType, Value: []byte(value)}}}
		for _, scope := range []audience.Scope{audience.Attributes, audience.Body} {
			filter, err := audience.Compile(scope, policy)
			if err != nil {
				continue
			}
			var a audience.Audience[int]
			a.Set("1", filter, 1)
			matched, out := a.Match(m)
			r := filter.Match(m)
			if (len(matched) == 1) != (r == audience.Matched) || r != audience.Matched && out[r] != 1 {
				t.Errorf("alone %q, in an audience %v and %v", r, matched, out)
			}
			a.Remove("1")
			if a.Len() != 0 || a.Filtered() != 0 {
				t.Error("still there")
			}
		}
	})
}

func TestMatchWhilePoliciesChange(t *testing.T) {
	var a audience.Audience[int]
	x, y := compile(t, audience.Attributes, `{"k":["x"]}`), compile(t, audience.Body, `{"k":[{"prefix":"y"}]}`)
	a.Set("always", x, -1)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 200 {
				id := fmt.Sprint(i, j%10)
				a.Set(id, pick(maker{rand.New(rand.NewPCG(uint64(i), uint64(j)))}, x, y, nil), i)
				if j%3 == 0 {
					a.Remove(id)
				}
				if got, _ := a.Match(audience.Message{Body: `{"k":"y"}`, Attributes: []queue.Attribute{text("k", "x")}}); !slices.Contains(got, -1) {
					t.Error("the one that never changes is missing")
				}
			}
		})
	}
	wg.Wait()
}
