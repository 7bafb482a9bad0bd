package pattern_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"millrace/runtime/pattern"
)

func TestBody(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1,"b":[{"c":"x"}]}`:           `{"a":1,"b":[{"c":"x"}]}`,
		`{"a.b":1}`:                         `{"a":{"b":1}}`,
		`{"a.b.c":1,"a":{"d":2},"a.b.e":3}`: `{"a":{"b":{"c":1,"e":3},"d":2}}`,
		`{"a":1,"a.b":2}`:                   `{"a":[1,{"b":2}]}`,
		`{"a":{"b":1},"a.b":2}`:             `{"a":{"b":[1,2]}}`,
		`{"x":[{"a.b":1}]}`:                 `{"x":[{"a":{"b":1}}]}`,
		`{".":1}`:                           `{"":{"":1}}`,
	} {
		got, ok := pattern.Body(text)
		v, _ := pattern.Decode([]byte(want))
		if !ok || !reflect.DeepEqual(any(got), v) {
			j, _ := json.Marshal(got)
			t.Errorf("%s: got %s, want %s", text, j, want)
		}
	}
	for _, text := range []string{``, `x`, `"x"`, `1`, `null`, `[]`, `{"a"`, `{} {}`} {
		if got, ok := pattern.Body(text); ok || got != nil {
			t.Errorf("%s: got %v", text, got)
		}
	}
}

// A text of dots does not become a tree a thousand times its size.
func TestBodiesOfDotsStayAsTheyAre(t *testing.T) {
	name := strings.Repeat(".", 10_001)
	got, ok := pattern.Body(`{"` + name + `":1}`)
	if _, there := got[name]; !ok || !there {
		t.Error("taken apart")
	}
}

// What strangers send takes no more than its length in time: squares of it would
// take minutes here.
func TestLargeTextsAreQuick(t *testing.T) {
	many := func(n int, format string) string { return strings.TrimSuffix(strings.Repeat(format+",", n), ",") }
	p, err := pattern.Parse(pattern.SNSBody, `{"a":{"b":[{"exists":false}],"c":["x"]}}`)
	if err != nil {
		t.Fatal(err)
	}
	if body, ok := pattern.Body(`{"a":[` + many(300_000, `{}`) + `]}`); !ok || p.Match(body) {
		t.Error("matched")
	}
	var keys strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&keys, `"%x":[1],`, i)
	}
	for _, policy := range []string{
		`{` + strings.TrimSuffix(keys.String(), ",") + `}`,
		strings.Repeat(`{"a":`, 9_999) + `[1]` + strings.Repeat(`}`, 9_999),
	} {
		if _, err := pattern.Parse(pattern.SNSBody, policy); err != pattern.ErrTooComplex && err != pattern.ErrKeys {
			t.Errorf("got %v", err)
		}
	}
}

func TestAttribute(t *testing.T) {
	for _, c := range []struct {
		dataType, value string
		want            any
	}{
		{"String", "x", "x"},
		{"String.label", "x", "x"},
		{"String", `a"\`, `a\"\\`},
		{"Number", "12.50", json.Number("12.50")},
		{"Number.cents", "-1e3", json.Number("-1e3")},
		{"Number", "+5", json.Number("5")},
		{"Number", "005", json.Number("5")},
		{"Number", ".5", json.Number("0.5")},
		{"Number", "five", pattern.Opaque},
		{"Number", "", pattern.Opaque},
		{"Number", "Infinity", pattern.Opaque},
		{"Number", "0x10", pattern.Opaque},
		{"Number", "1e999", json.Number("1e999")},
		{"String.Array", `["a",1,null,true,["b"],{"c":"d"}]`, []any{"a", json.Number("1"), nil, true}},
		{"String.Array", `[]`, []any{}},
		{"String.Array", `"a"`, pattern.Opaque},
		{"String.Array", `["a"`, pattern.Opaque},
		{"Binary", "x", pattern.Opaque},
		{"Binary.png", "x", pattern.Opaque},
		{"", "x", pattern.Opaque},
	} {
		if got := pattern.Attribute(c.dataType, c.value); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %s: got %#v, want %#v", c.dataType, c.value, got, c.want)
		}
	}
}

func TestExact(t *testing.T) {
	p, err := pattern.Parse(pattern.SNSBody, `{"a":{"b":["x",1,1.0]},"c":[{"prefix":"y"},"z"],"d":["x",{"exists":false}],"$or":[{"e":["x"]},{"f":["y"]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	got := p.Exact()
	value := pattern.SNSBody.Value
	want := []pattern.Exact{{Path: []string{"a", "b"}, Values: []pattern.Value{value("x"), value(json.Number("1"))}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if names := strings.Join(p.Names(), " "); names != "a c d e f" {
		t.Errorf("got names %s", names)
	}
}

// A String.Array is what JSON says it is, in whatever way it is read.
func FuzzArrayAttribute(f *testing.F) {
	for _, text := range []string{`["a", 1.0 ,null,true,false,"b,\"c"]`, ` [ ] `, `["a""b"]`, `[1,]`, `["],["]`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.Contains(text, `\`) {
			return
		}
		want := pattern.Opaque
		v, err := pattern.Decode([]byte(text))
		if list, ok := v.([]any); err == nil && ok {
			isContainer := func(e any) bool { _, isList := e.([]any); _, isObject := e.(map[string]any); return isList || isObject }
			want = slices.DeleteFunc(list, isContainer)
		}
		if got := pattern.Attribute("String.Array", text); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %#v, want %#v", text, got, want)
		}
	})
}
