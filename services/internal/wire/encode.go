package wire

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"
)

// A writer writes a document value by value.
type writer interface {
	begin(k Kind) // a Structure, Map or List
	end(k Kind)
	key(s string)
	null()
	absent(key string) // a member that is not there
	text(s string)
	boolean(b bool)
	integer(n int64)
	double(f float64)
	blob(b []byte)
	time(t time.Time, format string)
}

// encodeStructure writes the members that are not nil and belong to the body.
func encodeStructure(w writer, sh *Shape, v reflect.Value) {
	w.begin(Structure)
	for i, m := range sh.Members {
		switch f := v.Field(i); {
		case m.Location != "":
		case f.IsNil():
			w.absent(m.wire())
		default:
			w.key(m.wire())
			encodeValue(w, m.Shape, m.Format, f)
		}
	}
	w.end(Structure)
}

func encodeValue(w writer, sh *Shape, format string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		if v.IsNil() {
			w.null()
			return
		}
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
	}
	switch sh.Kind {
	case Structure:
		encodeStructure(w, sh, v)
	case List:
		w.begin(List)
		for i := range v.Len() {
			encodeValue(w, sh.Element.Shape, sh.Element.Format, v.Index(i))
		}
		w.end(List)
	case Map:
		if j, ok := w.(*jsonWriter); ok && j.query {
			encodePairs(j, sh, v)
			return
		}
		w.begin(Map)
		for _, key := range sortedKeys(v) {
			w.key(key)
			encodeValue(w, sh.Value.Shape, sh.Value.Format, v.MapIndex(reflect.ValueOf(key)))
		}
		w.end(Map)
	case String:
		w.text(v.String())
	case Boolean:
		w.boolean(v.Bool())
	case Integer, Long:
		w.integer(v.Int())
	case Float, Double:
		w.double(v.Float())
	case Blob:
		w.blob(v.Bytes())
	case Timestamp:
		w.time(v.Interface().(time.Time), first(format, sh.Format))
	}
}

// encodePairs writes a map as AWS's query front does in JSON: a list of the pairs
// that its XML would hold.
func encodePairs(w *jsonWriter, sh *Shape, v reflect.Value) {
	w.begin(List)
	for _, key := range sortedKeys(v) {
		w.begin(Structure)
		w.key(sh.Key.or("key"))
		w.text(key)
		w.key(sh.Value.or("value"))
		encodeValue(w, sh.Value.Shape, sh.Value.Format, v.MapIndex(reflect.ValueOf(key)))
		w.end(Structure)
	}
	w.end(List)
}

// encodeAny writes a field of an error, which has no shape: what JSON knows.
func encodeAny(w writer, x any) {
	switch x := x.(type) {
	case nil:
		w.null()
	case string:
		w.text(x)
	case bool:
		w.boolean(x)
	case int:
		w.integer(int64(x))
	case int64:
		w.integer(x)
	case float64:
		w.double(x)
	case []string:
		w.begin(List)
		for _, s := range x {
			w.text(s)
		}
		w.end(List)
	case []any:
		w.begin(List)
		for _, v := range x {
			encodeAny(w, v)
		}
		w.end(List)
	case map[string]any:
		w.begin(Map)
		encodeFields(w, x)
		w.end(Map)
	default:
		w.text(fmt.Sprint(x))
	}
}

func encodeFields(w writer, fields map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		w.key(name)
		encodeAny(w, fields[name])
	}
}

// sortedKeys makes answers the same every time.
func sortedKeys(v reflect.Value) []string {
	keys := make([]string, 0, v.Len())
	for _, k := range v.MapKeys() {
		keys = append(keys, k.String())
	}
	slices.Sort(keys)
	return keys
}

// first returns the first text that is not empty.
func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}
