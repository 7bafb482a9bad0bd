package record

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// A copier gives a value slices, maps and pointees of its own; nil is for types
// without any, whose values are their own already.
type copier func(reflect.Value)

// copierOf makes the copier of what JSON can decode into a type. It panics for a
// type that decodes itself into slices or maps that cannot be reached from here.
func copierOf(t reflect.Type) copier { return copiers{}.of(t) }

// copiers are those under way: a type may refer to itself.
type copiers map[reflect.Type]*copier

func (all copiers) of(t reflect.Type) copier {
	if c, ok := all[t]; ok {
		return func(v reflect.Value) { (*c)(v) }
	}
	c := new(copier)
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer:
		all[t] = c
	case reflect.Struct, reflect.Array:
	case reflect.Interface:
		return copyInterface
	default:
		return nil
	}
	switch t.Kind() {
	case reflect.Slice:
		*c = copySlice(all.of(t.Elem()))
	case reflect.Map:
		*c = copyMap(all.of(t.Elem()))
	case reflect.Pointer:
		*c = copyPointer(all.of(t.Elem()))
	case reflect.Array:
		*c = copyArray(all.of(t.Elem()))
	case reflect.Struct:
		*c = all.ofStruct(t)
	}
	return *c
}

func (all copiers) ofStruct(t reflect.Type) copier {
	if t == reflect.TypeFor[time.Time]() {
		return nil // its pointer is to a location, which never changes
	}
	fields := map[int]copier{}
	for i := range t.NumField() {
		f := t.Field(i)
		c := all.of(f.Type)
		switch {
		case c == nil:
		case f.IsExported() || f.Anonymous && f.Type.Kind() == reflect.Struct:
			fields[i] = c
		case decodesItself(t):
			panic(fmt.Sprintf("record: %v decodes itself into %s, which cannot be copied", t, f.Name))
		}
	}
	if len(fields) == 0 {
		return nil
	}
	return func(v reflect.Value) {
		for i, c := range fields {
			c(v.Field(i))
		}
	}
}

func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func copySlice(elem copier) copier {
	each := copyArray(elem)
	return func(v reflect.Value) {
		if v.IsNil() {
			return
		}
		own := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(own, v)
		each.do(own)
		v.Set(own)
	}
}

func copyArray(elem copier) copier {
	if elem == nil {
		return nil
	}
	return func(v reflect.Value) {
		for i := range v.Len() {
			elem(v.Index(i))
		}
	}
}

func copyMap(elem copier) copier {
	return func(v reflect.Value) {
		if v.IsNil() {
			return
		}
		own := reflect.MakeMapWithSize(v.Type(), v.Len())
		for all := v.MapRange(); all.Next(); {
			value := all.Value()
			if elem != nil {
				value = ownValue(elem, value)
			}
			own.SetMapIndex(all.Key(), value)
		}
		v.Set(own)
	}
}

func copyPointer(elem copier) copier {
	return func(v reflect.Value) {
		if v.IsNil() {
			return
		}
		v.Set(ownValue(elem, v.Elem()).Addr())
	}
}

// copyInterface copies what JSON decodes into an any.
func copyInterface(v reflect.Value) {
	if v.IsNil() {
		return
	}
	if c := copierOf(v.Elem().Type()); c != nil {
		v.Set(ownValue(c, v.Elem()))
	}
}

// ownValue is a copy of a value that cannot be set itself.
func ownValue(c copier, v reflect.Value) reflect.Value {
	own := reflect.New(v.Type()).Elem()
	own.Set(v)
	c.do(own)
	return own
}

func (c copier) do(v reflect.Value) {
	if c != nil {
		c(v)
	}
}
