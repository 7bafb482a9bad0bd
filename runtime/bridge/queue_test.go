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
		if q, ok := queueOf(s); ok {
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
		if got, ok := queueOf(s); !ok || got != q {
			t.Errorf("%q is read as %q, %v", s, got, ok)
		}
		if again, ok := queueOf(broker); ok && again.Subject() != broker {
			t.Errorf("two subjects, %q and %q, of one queue", broker, again.Subject())
		}
	})
}

// queueOf reads what Subject has written: the subject says all of a queue.
func queueOf(subject string) (q Queue, ok bool) {
	tokens := strings.Split(subject, ".")
	if len(tokens) != 4 || tokens[0] != subjectPrefix {
		return Queue{}, false
	}
	for i, to := range []*string{&q.Broker, &q.VirtualHost, &q.Name} {
		if *to, ok = unescape(tokens[i+1]); !ok {
			return Queue{}, false
		}
	}
	return q, true
}

func unescape(token string) (s string, ok bool) {
	if token == nothing {
		return "", true
	}
	s, ok = unescapeBut(token, inToken)
	return s, ok && token != ""
}
