package bridge

import (
	"strings"
	"testing"
)

func TestSubjects(t *testing.T) {
	for want, q := range map[string]Queue{
		"mq.b-1.%2F.orders":                     {"b-1", "/", "orders"},
		"mq.b-1.%.%":                            {"b-1", "", ""},
		"mq.b-1.a%2Eb%2A.%3E%20%25%0D%0A%00%FF": {"b-1", "a.b*", "> %\r\n\x00\xff"},
		"mq.b-1.%24G._INBOX~":                   {"b-1", "$G", "_INBOX~"},
	} {
		if got := q.Subject(); got != want {
			t.Errorf("%q: %s, want %s", q, got, want)
		}
	}
	for _, s := range []string{"", "mq", "mq.a.b", "mq.a.b.c.d", "x.a.b.c", "mq.a..c", "mq.a.b.", "mq.a.b.*", "mq.a.b.%4", "mq.a.b.%41", "mq.a.b.%2f", "mq.a.b.%%", "mq.a.b.c/d"} {
		if q, ok := QueueOf(s); ok {
			t.Errorf("%q is read as %q", s, q)
		}
	}
}

func FuzzSubject(f *testing.F) {
	f.Add("b-1", "/", "orders")
	f.Add("", ".*>", "\x00\xff %")
	f.Fuzz(func(t *testing.T, broker, vhost, name string) {
		q := Queue{broker, vhost, name}
		s := q.Subject()
		if strings.Count(s, ".") != 3 || strings.ContainsAny(s, "*> \t\r\n\x00") || strings.Contains(s, "..") || strings.HasSuffix(s, ".") {
			t.Errorf("%q has subject %q", q, s)
		}
		if got, ok := QueueOf(s); !ok || got != q {
			t.Errorf("%q is read as %q, %v", s, got, ok)
		}
		if again, ok := QueueOf(broker); ok && again.Subject() != broker {
			t.Errorf("two subjects, %q and %q, of one queue", broker, again.Subject())
		}
	})
}
