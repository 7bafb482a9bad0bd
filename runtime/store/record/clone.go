package record

import (
	"encoding"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"time"
)

// A cloner replaces the slices, maps and pointers of a value by copies. The value is
// addressable.
type cloner func(v reflect.Value)

// clonerOf makes the cloner of a type that is decoded from JSON: nil for a type whose
// values share no memory. ok is false for a type whose values may hold something that
// reflection cannot copy.
func clonerOf(t reflect.Type) (own cloner, ok bool) {
	if own, ok = (cloners{}).of(t); !ok {
		return nil, false
	}
	return own, true
}

// cloners are the types being analysed: a type that contains itself is not supported.
type cloners map[reflect.Type]bool

func (o cloners) of(t reflect.Type) (own cloner, ok bool) {
	if o[t] {
		return nil, false
	}
	o[t] = true
	defer delete(o, t)
	switch t.Kind() {
	case reflect.Slice:
		return o.slice(t)
	case reflect.Map:
		return o.mapped(t)
	case reflect.Pointer:
		return o.pointer(t)
	case reflect.Array:
		return o.array(t)
	case reflect.Struct:
		return o.structure(t)
	case reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return nil, false
	}
	return nil, true
}

func (o cloners) slice(t reflect.Type) (cloner, bool) {
	elem, ok := o.of(t.Elem())
	return func(v reflect.Value) {
		switch s := v.Addr().Interface().(type) { // most are one of these
		case *[]byte:
			*s = slices.Clone(*s)
			return
		case *[]string:
			*s = slices.Clone(*s)
			return
		}
		if v.IsNil() {
			return
		}
		all := reflect.MakeSlice(t, v.Len(), v.Len())
		reflect.Copy(all, v)
		v.Set(all)
		for i := 0; elem != nil && i < all.Len(); i++ {
			elem(all.Index(i))
		}
	}, ok
}

func (o cloners) mapped(t reflect.Type) (cloner, bool) {
	key, okKey := o.of(t.Key())
	elem, ok := o.of(t.Elem())
	return func(v reflect.Value) {
		if m, is := v.Addr().Interface().(*map[string]string); is {
			*m = maps.Clone(*m)
			return
		}
		if v.IsNil() {
			return
		}
		all := reflect.MakeMapWithSize(t, v.Len())
		for i := v.MapRange(); i.Next(); {
			e := reflect.New(t.Elem()).Elem()
			e.Set(i.Value())
			if elem != nil {
				elem(e)
			}
			all.SetMapIndex(i.Key(), e)
		}
		v.Set(all)
	}, ok && okKey && key == nil
}

func (o cloners) pointer(t reflect.Type) (cloner, bool) {
	elem, ok := o.of(t.Elem())
	return func(v reflect.Value) {
		if v.IsNil() {
			return
		}
		e := reflect.New(t.Elem())
		e.Elem().Set(v.Elem())
		if elem != nil {
			elem(e.Elem())
		}
		v.Set(e)
	}, ok
}

func (o cloners) array(t reflect.Type) (cloner, bool) {
	elem, ok := o.of(t.Elem())
	if elem == nil {
		return nil, ok
	}
	return func(v reflect.Value) {
		for i := range v.Len() {
			elem(v.Index(i))
		}
	}, ok
}

// structure follows the fields that JSON fills. A type that fills itself may
// fill others too, so all of those must share nothing.
func (o cloners) structure(t reflect.Type) (cloner, bool) {
	if t == reflect.TypeFor[time.Time]() { // its location cannot be changed
		return nil, true
	}
	itself := reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) ||
		reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
	fields := map[int]cloner{}
	for i := range t.NumField() {
		f := t.Field(i)
		hidden := !f.IsExported()
		if hidden && !itself && !(f.Anonymous && f.Type.Kind() == reflect.Struct) {
			continue
		}
		own, ok := o.of(f.Type)
		if !ok || hidden && itself && own != nil {
			return nil, false
		}
		if own != nil {
			fields[i] = own
		}
	}
	if len(fields) == 0 {
		return nil, true
	}
	order := slices.Sorted(maps.Keys(fields))
	return func(v reflect.Value) {
		for _, i := range order {
			fields[i](v.Field(i))
		}
	}, true
}
