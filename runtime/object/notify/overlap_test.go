package notify_test

import (
	"errors"
	"strings"
	"testing"

	"millrace/runtime/object/notify"
)

// "Configuring event notifications using object key name filtering" of the S3 User Guide
// has examples of both kinds.
func TestOverlap(t *testing.T) {
	put, postCopy := "s3:ObjectCreated:Put", "s3:ObjectCreated:Copy"
	for _, c := range []struct {
		rule string
		a, b notify.Destination
		want notify.Reason // "" for none
	}{
		{"other events", toQueue("a", created), toQueue("b", removed), ""},
		{"other events of a family", toQueue("a", put), toQueue("b", postCopy), ""},
		{"an event of a family, and the family", toQueue("a", put), toTopic("b", created), notify.OverlappingRule},
		{"the family in the middle of a list", toQueue("a", removed, created), toFunction("b", "s3:ObjectTagging:*", put), notify.OverlappingRule},
		{"other prefixes", with(toQueue("a", created), "prefix", "images/"), with(toTopic("b", created), "prefix", "logs/"), ""},
		{"other suffixes", with(toQueue("a", created), "suffix", ".jpg"), with(toTopic("b", created), "suffix", ".png"), ""},
		{"one prefix, other suffixes", with(toQueue("a", created), "prefix", "images", "suffix", ".jpg"), with(toTopic("b", created), "prefix", "images", "suffix", ".png"), ""},
		{"other prefixes, one suffix", with(toQueue("a", created), "prefix", "images", "suffix", ".jpg"), with(toTopic("b", created), "prefix", "docs", "suffix", ".jpg"), ""},
		{"a filter and none", toQueue("a", created), with(toTopic("b", created), "prefix", "images"), notify.OverlappingRule},
		{"an empty value matches all keys", with(toQueue("a", created), "prefix", ""), with(toTopic("b", created), "prefix", "images"), notify.OverlappingRule},
		{"a prefix that begins with another", with(toQueue("a", created), "prefix", "images/cats"), with(toTopic("b", created), "prefix", "images"), notify.OverlappingRule},
		{"a suffix that ends with another", with(toQueue("a", created), "suffix", "jpg"), with(toTopic("b", created), "suffix", ".jpg"), notify.OverlappingRule},
		{"a prefix here, a suffix there", with(toQueue("a", created), "prefix", "images/"), with(toTopic("b", created), "suffix", ".jpg"), notify.OverlappingRule},
		{"one filter, other events", with(toQueue("a", created), "suffix", ".json"), with(toQueue("b", removed), "suffix", ".json"), ""},
	} {
		for _, all := range [][]notify.Destination{{c.a, c.b}, {c.b, c.a}} {
			_, err := notify.Accept(notify.Configuration{Destinations: all}, region, chance())
			if c.want == "" && err != nil || c.want != "" && !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want %q", c.rule, err, c.want)
			}
		}
	}
}

func TestEventBridgeOverlapsWithNothing(t *testing.T) {
	c, err := notify.Accept(notify.Configuration{EventBridge: true, Destinations: []notify.Destination{toQueue("a", created)}}, region, chance())
	if err != nil || !c.EventBridge {
		t.Errorf("got %+v, %v", c, err)
	}
}

// Two configurations overlap if and only if there is an event of a key that concerns both.
// Here all keys are tried.
func FuzzOverlap(f *testing.F) {
	f.Add("a", "", "ab", "", uint8(0), uint8(1))
	f.Add("a", "b", "b", "b", uint8(0), uint8(0))
	f.Add("", "ab", "ba", "b", uint8(1), uint8(2))
	f.Add("ab", "ba", "aba", "aba", uint8(3), uint8(2))
	f.Fuzz(func(t *testing.T, prefixA, suffixA, prefixB, suffixB string, eventA, eventB uint8) {
		events := []string{created, "s3:ObjectCreated:Put", "s3:ObjectCreated:Copy", removed}
		a := with(toQueue("a", events[eventA%4]), "Prefix", small(prefixA), "Suffix", small(suffixA))
		b := with(toTopic("b", events[eventB%4]), "Prefix", small(prefixB), "Suffix", small(suffixB))
		_, err := notify.Accept(notify.Configuration{Destinations: []notify.Destination{a, b}}, region, chance())
		if err != nil && !errors.Is(err, notify.OverlappingRule) {
			t.Fatal(err)
		}
		m := notify.Compile(notify.Configuration{Destinations: []notify.Destination{a, b}})
		shared := ""
		for e := notify.ObjectCreatedPut; e <= notify.ObjectRemovedDeleteMarkerCreated; e++ {
			for _, key := range keys {
				if len(m.Match(e, key)) == 2 {
					shared = e.String() + " of " + key
				}
			}
		}
		if (err != nil) != (shared != "") {
			t.Errorf("%+v and %+v: %v, and both want %q", a, b, err, shared)
		}
	})
}

// small makes of any text one of at most three letters, a or b.
func small(text string) string {
	var b strings.Builder
	for i := 0; i < len(text) && i < 3; i++ {
		b.WriteByte('a' + text[i]&1)
	}
	return b.String()
}

// keys are all keys of at most six letters, a or b.
var keys = func() []string {
	all := []string{""}
	for i := 0; len(all[i]) < 6; i++ {
		all = append(all, all[i]+"a", all[i]+"b")
	}
	return all
}()
