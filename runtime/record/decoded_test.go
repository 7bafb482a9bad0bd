package record_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/runtime/backbone/backbonetest"
	"millrace/runtime/record"
)

type inner struct {
	Texts []string
	ByKey map[string][]int
}

type own struct{ Plain, List []byte }

// A rich record has all that JSON can decode into.
type rich struct {
	inner
	Own     own
	Bytes   []byte
	Raw     json.RawMessage `json:",omitempty"`
	Nested  map[string]inner
	Pointer *inner
	Self    *rich
	Selves  []rich
	Array   [2][]int
	Any     any
	At      time.Time
	None    []string
}

func newRich() rich {
	in := func() inner { return inner{[]string{"a", "b"}, map[string][]int{"x": {1, 2}}} }
	return rich{
		inner: in(), Own: own{[]byte("p"), []byte("l")}, Bytes: []byte("bytes"), Raw: json.RawMessage(`{"r":1}`),
		Nested: map[string]inner{"n": in()}, Pointer: new(in()), Self: &rich{Bytes: []byte("self")},
		Selves: []rich{{inner: in()}, {Bytes: []byte("b")}}, Array: [2][]int{{1}, {2, 3}},
		Any: map[string]any{"list": []any{"one", map[string]any{"k": "v"}}}, At: time.Unix(1, 0).UTC(),
	}
}

// spoil changes everything that can be reached from a value, in place.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			spoil(v.Elem())
		}
	case reflect.Struct:
		if v.Type() != reflect.TypeFor[time.Time]() {
			for i := range v.NumField() {
				spoil(v.Field(i))
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			spoil(v.Index(i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			spoil(v.MapIndex(k))
			v.SetMapIndex(k, reflect.Value{})
		}
	case reflect.String:
		if v.CanSet() {
			v.SetString("spoilt")
		}
	case reflect.Int, reflect.Int64:
		if v.CanSet() {
			v.SetInt(-1)
		}
	case reflect.Uint8:
		if v.CanSet() {
			v.SetUint('!')
		}
	}
}

// Whatever a reader does with a record, the next reader finds what was stored.
func TestReadersCannotHarmRecords(t *testing.T) {
	s := open(t, backbonetest.Start(t, t.TempDir()))
	table := record.NewTable[rich](s, "rich")
	if err := table.Create(t.Context(), "a", newRich()); err != nil {
		t.Fatal(err)
	}
	check := func(reader string) {
		t.Helper()
		got, ok := table.Get("a")
		if d := cmp.Diff(newRich(), got, cmp.AllowUnexported(rich{})); d != "" || !ok {
			t.Fatalf("after %s: -stored +got\n%s", reader, d)
		}
	}
	check("nobody")
	got, _ := table.Get("a")
	spoil(reflect.ValueOf(&got))
	check("Get")
	for _, got := range table.List("") {
		spoil(reflect.ValueOf(&got))
	}
	check("List")
	if _, err := table.Update(t.Context(), "a", func(got rich) (rich, error) {
		spoil(reflect.ValueOf(&got))
		return got, fmt.Errorf("not this time")
	}); err == nil {
		t.Fatal("updated")
	}
	check("Update")
	made, err := table.Update(t.Context(), "a", func(got rich) (rich, error) { return newRich(), nil })
	if err != nil {
		t.Fatal(err)
	}
	spoil(reflect.ValueOf(&made))
	check("what Update returned")
}

// A selfish type hides what it decodes.
type selfish struct{ hidden []byte }

func (s *selfish) UnmarshalJSON(b []byte) error { s.hidden = b; return nil }

func TestTypesThatCannotBeCopied(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a table of a type whose values its readers share")
		}
	}()
	record.NewTable[struct{ S []selfish }](open(t, backbonetest.Start(t, t.TempDir())), "selfish")
}

// A mapping is what a usual record looks like.
type mapping struct {
	UUID, Function, Source string
	Enabled                bool
	Size, Window           int
	Filters, Types         []string
	Tags                   map[string]string
	Modified               time.Time
}

func newMapping(i int) mapping {
	return mapping{
		UUID: fmt.Sprint("14e0db71-5de6-4db9-9d7f-", i), Function: "arn:aws:lambda:us-east-1:000000000000:function:orders", Source: "arn:aws:sqs:us-east-1:000000000000:orders",
		Enabled: true, Size: 10, Types: []string{"ReportBatchItemFailures"}, Tags: map[string]string{"team": "mill"}, Modified: time.Unix(1, 0),
	}
}

func BenchmarkGet(b *testing.B) {
	table := filled(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		table.Get("000000")
	}
}

func BenchmarkList1000(b *testing.B) {
	table := filled(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		table.List("")
	}
}

// filled is a table of n mappings.
func filled(b *testing.B, n int) *record.Table[mapping] {
	s, err := record.Open(b.Context(), backbonetest.Start(b, b.TempDir()).JetStream())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	table := record.NewTable[mapping](s, "mapping")
	for i := range n {
		if err := table.Create(b.Context(), fmt.Sprintf("%06d", i), newMapping(i)); err != nil {
			b.Fatal(err)
		}
	}
	return table
}
