package record

import (
	"encoding/json"
	"math/big"
	"reflect"
	"testing"
	"time"
)

type inner struct {
	Words []string
	N     int
	_     []int // no JSON comes here
}

type sharing struct {
	inner
	Time   time.Time
	Bytes  []byte
	Words  []string
	Named  map[string]string
	Inners []inner
	ByName map[string]inner
	Next   *inner
	Pair   [2][]int
	Plain  [2]int
	Empty  []string
	None   []inner
}

// A value owns all it refers to: whatever is changed in there, the other stays.
func TestOwn(t *testing.T) {
	own, ok := clonerOf(reflect.TypeFor[sharing]())
	if !ok {
		t.Fatal("it cannot be copied")
	}
	text := `{"N":1,"Time":"2026-01-02T03:04:05Z","Bytes":"AAAA","Words":["a","b"],"Named":{"a":"b"},"Inners":[{"Words":["a"]}],` +
		`"ByName":{"x":{"Words":["a"]}},"Next":{"Words":["a"]},"Pair":[[1],[2]],"Plain":[1,2],"Empty":[]}`
	var first, want sharing
	for _, v := range []*sharing{&first, &want} {
		if err := json.Unmarshal([]byte(text), v); err != nil {
			t.Fatal(err)
		}
	}
	second := first
	own(reflect.ValueOf(&second).Elem())
	if !reflect.DeepEqual(second, want) {
		t.Errorf("the copy is %+v, want %+v", second, want)
	}
	second.N, second.Bytes[0], second.Words[0], second.Named["a"] = 2, 1, "z", "z"
	second.Inners[0].Words[0], second.ByName["x"].Words[0], second.Next.Words[0], second.Pair[1][0] = "z", "z", "z", 9
	second.Next.N, second.ByName["y"] = 9, inner{}
	if !reflect.DeepEqual(first, want) {
		t.Errorf("a change of the copy made the first %+v, want %+v", first, want)
	}
}

// Who holds nothing that is shared costs nothing, and who holds what cannot be
// copied is known.
func TestOwnersOfTypes(t *testing.T) {
	type list struct{ Next *list }
	for _, c := range []struct {
		of       any
		free, ok bool
	}{
		{"", true, true},
		{time.Time{}, true, true},
		{struct{ A, B string }{}, true, true},
		{struct{ A []string }{}, false, true},
		{struct{ hidden []string }{}, true, true},
		{big.Int{}, false, false}, // fills a slice that nobody else sees
		{list{}, false, false},
		{struct{ A any }{}, false, false},
	} {
		own, ok := clonerOf(reflect.TypeOf(c.of))
		if ok != c.ok || ok && (own == nil) != c.free {
			t.Errorf("%T: free %t, ok %t; want %t, %t", c.of, own == nil, ok, c.free, c.ok)
		}
	}
}
