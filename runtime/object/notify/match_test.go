package notify_test

import (
	"fmt"
	"strings"
	"testing"

	"millrace/runtime/object/notify"
)

func accept(t testing.TB, all ...notify.Destination) notify.Configuration {
	t.Helper()
	c, err := notify.Accept(notify.Configuration{Destinations: all}, region, chance())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func matching(m *notify.Matcher, e notify.Type, key string) string {
	var ids []string
	for _, d := range m.Match(e, key) {
		ids = append(ids, d.ID)
	}
	return strings.Join(ids, " ")
}

func TestMatch(t *testing.T) {
	m := notify.Compile(accept(t,
		with(toQueue("images", created), "prefix", "images/", "suffix", ".jpg"),
		with(toQueue("logs", "s3:ObjectCreated:Put", "s3:ObjectCreated:Copy"), "prefix", "logs/"),
		with(toQueue("spaced", created), "prefix", "a b+c%20/*"),
		with(toTopic("texts", "s3:ObjectRemoved:Delete"), "suffix", ".txt"),
		toFunction("tags", "s3:ObjectTagging:*", "s3:ObjectRemoved:DeleteMarkerCreated"),
	))
	for _, c := range []struct {
		rule string
		e    notify.Type
		key  string
		want string
	}{
		{"prefix and suffix", notify.ObjectCreatedPut, "images/cat.jpg", "images"},
		{"the asterisk stands for each member", notify.ObjectCreatedCompleteMultipartUpload, "images/cat.jpg", "images"},
		{"prefix alone is not enough", notify.ObjectCreatedPut, "images/cat.png", ""},
		{"suffix alone is not enough", notify.ObjectCreatedPut, "cat.jpg", ""},
		{"letters have a case", notify.ObjectCreatedPut, "Images/cat.jpg", ""},
		{"another event", notify.ObjectRemovedDelete, "images/cat.jpg", ""},
		{"two events by name", notify.ObjectCreatedCopy, "logs/1", "logs"},
		{"the other two of the family", notify.ObjectCreatedPost, "logs/1", ""},
		{"keys are compared as they are", notify.ObjectCreatedPut, "a b+c%20/*x", "spaced"},
		{"not as URLs have them", notify.ObjectCreatedPut, "a+b%2Bc%2520/*x", ""},
		{"asterisks are signs", notify.ObjectCreatedPut, "a b+c%20/x", ""},
		{"suffix", notify.ObjectRemovedDelete, "a/b.txt", "texts"},
		{"no filter", notify.ObjectRemovedDeleteMarkerCreated, "a/b.txt", "tags"},
		{"a family", notify.ObjectTaggingDelete, "", "tags"},
		{"no type", 0, "images/cat.jpg", ""},
		{"no type that there is", 200, "images/cat.jpg", ""},
	} {
		if got := matching(m, c.e, c.key); got != c.want {
			t.Errorf("%s: %v of %q goes to %q, want %q", c.rule, c.e, c.key, got, c.want)
		}
	}
}

func TestMatchWithoutConfiguration(t *testing.T) {
	m := notify.Compile(notify.Configuration{EventBridge: true})
	if got := m.Match(notify.ObjectCreatedPut, "key"); m != nil || got != nil {
		t.Errorf("got %v", got)
	}
}

// A record may come from a later version, or from one that let through what this one
// refuses.
func TestMatchOfOtherVersions(t *testing.T) {
	m := notify.Compile(notify.Configuration{Destinations: []notify.Destination{
		toQueue("a", "s3:ObjectEaten:*", created), toQueue("b", "s3:ObjectCreated:Put"),
	}})
	if got := matching(m, notify.ObjectCreatedPut, "key"); got != "a b" {
		t.Errorf("got %q", got)
	}
}

func TestMatchAllocatesNothingForNobody(t *testing.T) {
	m := notify.Compile(hundred(t))
	if n := testing.AllocsPerRun(100, func() {
		if m.Match(notify.ObjectCreatedPut, "elsewhere/x") != nil || m.Match(notify.ObjectRemovedDelete, "099/") != nil {
			t.Error("somebody wants it")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func hundred(t testing.TB) notify.Configuration {
	var all []notify.Destination
	for i := range 100 {
		all = append(all, with(toQueue(fmt.Sprint(i), created), "prefix", fmt.Sprintf("%03d/", i)))
	}
	return accept(t, all...)
}

func BenchmarkMatch(b *testing.B) {
	m := notify.Compile(hundred(b))
	for b.Loop() {
		m.Match(notify.ObjectCreatedPut, "elsewhere/x")
	}
}
