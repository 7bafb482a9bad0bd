package audience_test

import (
	"errors"
	"testing"

	"millrace/runtime/fault"
	"millrace/runtime/pattern"
	"millrace/runtime/topic/audience"
)

func TestCompile(t *testing.T) {
	for _, c := range []struct {
		rule   string
		scope  audience.Scope
		policy string
		want   string // the refusal; "" for none
		filter bool
	}{
		{"a policy", audience.Attributes, `{"k":["x"]}`, "", true},
		{"no policy", audience.Attributes, ``, "", false},
		{"a policy taken off", audience.Body, `{}`, "", false},
		{"a policy taken off, with white space", audience.Body, " { \n} ", "", false},
		{"fields of attributes", audience.Attributes, `{"k":{"l":["x"]}}`, "Filter policy scope MessageAttributes does not support nested filter policy", false},
		{"fields of the body", audience.Body, `{"k":{"l":["x"]}}`, "", true},
		{"a mistake inside fields of attributes", audience.Attributes, `{"k":{"l":"x"}}`, `"l" must be an object or an array`, false},
		{"an unknown scope", "Subject", `{"k":["x"]}`, "Invalid value [Subject]. Please use either MessageBody or MessageAttributes", false},
	} {
		f, err := audience.Compile(c.scope, c.policy)
		switch {
		case c.want == "" && (err != nil || (f != nil) != c.filter):
			t.Errorf("%s: got %v, %v", c.rule, f, err)
		case c.want != "" && (err == nil || err.Error() != c.want || fault.Of(err) != fault.Invalid || f != nil):
			t.Errorf("%s: got %v, want %s", c.rule, err, c.want)
		}
	}
	if _, err := audience.Compile(audience.Attributes, `{"k":{"l":["x"]}}`); !errors.Is(err, pattern.ErrNested) {
		t.Errorf("got %v", err)
	}
}

func TestParseScope(t *testing.T) {
	for text, ok := range map[string]bool{"MessageAttributes": true, "MessageBody": true, "messagebody": false, "": false} {
		s, err := audience.ParseScope(text)
		if _, isScope := errors.AsType[*audience.ScopeError](err); ok && (err != nil || string(s) != text) || !ok && !isScope {
			t.Errorf("%q: got %q, %v", text, s, err)
		}
	}
}

func TestNoFilterPassesAll(t *testing.T) {
	var f *audience.Filter
	if r := f.Match(audience.Message{}); r != audience.Matched {
		t.Errorf("got %q", r)
	}
}

// The metrics of AWS are NumberOfNotificationsFilteredOut, and one with each of these
// behind a dash.
func TestReasonsAreNamedAsTheirMetrics(t *testing.T) {
	for reason, name := range []string{"", "MessageAttributes", "NoMessageAttributes", "InvalidAttributes", "MessageBody", "InvalidMessageBody"} {
		if got := audience.Reason(reason).String(); got != name {
			t.Errorf("got %s, want %s", got, name)
		}
	}
}
