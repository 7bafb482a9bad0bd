package ledger

import (
	"slices"
	"strings"
	"testing"
)

// A fan is what happens to a topic that has one subscriber for good, "all", who wants each
// message once and in order.
type fan struct{ *Fanout }

func (f *fan) publish(m Publication, seq string) { f.Publishing(m)("id of "+m.Body, seq) }

func TestFanout(t *testing.T) {
	a, b := Publication{Body: "a", Group: "g", Kind: "x"}, Publication{Body: "b", Group: "g", Kind: "y"}
	onlyX := Subscriber{Name: "x", Wants: func(m Publication) bool { return m.Kind == "x" }}
	late := Subscriber{Name: "late"}
	for name, test := range map[string]struct {
		story   func(f *fan)
		missing []string
		err     string // a part of it; "" for none
	}{
		"all is well":                   {func(f *fan) { f.publish(a, "1"); f.publish(b, "2"); f.Got("all", "a", "1"); f.Got("all", "b", "2") }, nil, ""},
		"seen again":                    {func(f *fan) { f.publish(a, "1"); f.Got("all", "a", "1"); f.Got("all", "a", "1") }, nil, ""},
		"lost":                          {func(f *fan) { f.publish(a, "1") }, []string{"all: a"}, ""},
		"no answer, lost":               {func(f *fan) { f.Publishing(a) }, nil, ""},
		"no answer, delivered":          {func(f *fan) { f.Publishing(a); f.Got("all", "a", "1") }, nil, ""},
		"twice":                         {func(f *fan) { f.publish(a, "1"); f.Got("all", "a", "1"); f.Got("all", "a", "2") }, nil, "twice"},
		"out of order":                  {func(f *fan) { f.publish(a, "1"); f.publish(b, "2"); f.Got("all", "b", "2"); f.Got("all", "a", "1") }, nil, "got a after b"},
		"invented":                      {func(f *fan) { f.Got("all", "a", "1") }, nil, "nobody published"},
		"to nobody":                     {func(f *fan) { f.publish(a, "1"); f.Got("all", "a", ""); f.Got("who", "a", "") }, nil, "no subscriber"},
		"numbers fall":                  {func(f *fan) { f.publish(a, "2"); f.publish(b, "1"); f.Got("all", "a", ""); f.Got("all", "b", "") }, nil, "has number"},
		"a duplicate with another id":   {func(f *fan) { f.publish(a, "1"); f.Publishing(a)("other", "1"); f.Got("all", "a", "") }, nil, "is other"},
		"a duplicate":                   {func(f *fan) { f.publish(a, "1"); f.publish(a, "1"); f.Got("all", "a", "") }, nil, ""},
		"filtered":                      {func(f *fan) { f.Subscribing(onlyX)(); f.publish(b, "1"); f.Got("all", "b", "") }, nil, ""},
		"not filtered":                  {func(f *fan) { f.Subscribing(onlyX)(); f.publish(b, "1"); f.Got("all", "b", ""); f.Got("x", "b", "") }, nil, "not for it"},
		"wanted, and lost":              {func(f *fan) { f.Subscribing(onlyX)(); f.publish(a, "1"); f.Got("all", "a", "") }, []string{"x: a"}, ""},
		"before it subscribed":          {func(f *fan) { f.publish(a, "1"); f.Got("all", "a", ""); f.Subscribing(late)(); f.Got("late", "a", "") }, nil, "before it subscribed"},
		"while it subscribed":           {func(f *fan) { done := f.Subscribing(late); f.publish(a, "1"); done(); f.Got("all", "a", "") }, nil, ""},
		"while it subscribed, and came": {func(f *fan) { f.Subscribing(late); f.publish(a, "1"); f.Got("all", "a", ""); f.Got("late", "a", "") }, nil, ""},
		"while it left":                 {func(f *fan) { f.Subscribing(late)(); f.Leaving("late"); f.publish(a, "1"); f.Got("all", "a", "") }, nil, ""},
		"before it left":                {func(f *fan) { f.Subscribing(late)(); f.publish(a, "1"); f.Leaving("late")(); f.Got("all", "a", "") }, nil, ""},
		"after it had left": {func(f *fan) {
			f.Subscribing(late)()
			f.Leaving("late")()
			f.publish(a, "1")
			f.Got("all", "a", "")
			f.Got("late", "a", "")
		}, nil, "after it had left"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fan{NewFanout()}
			f.Subscribing(Subscriber{Name: "all", Once: true, Ordered: true})()
			test.story(f)
			if got := f.Missing(); !slices.Equal(got, test.missing) {
				t.Errorf("missing are %q, want %q", got, test.missing)
			}
			switch err := f.Err(); {
			case test.err == "" && err != nil:
				t.Error(err)
			case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
				t.Errorf("it found %v, want %q", err, test.err)
			}
		})
	}
}
