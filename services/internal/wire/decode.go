package wire

import (
	"math"
	"reflect"
	"time"
)

// JSON and CBOR hold the same documents: values that say themselves what they
// are. One walk over the shapes decodes both, and one encodes both; a reader and
// a writer know how a document is spelled.

// A reader reads a document value by value. What it cannot take for the kind
// that is asked for is a SerializationException.
type reader interface {
	null() bool          // takes a null when one is next
	enter(k Kind) *Error // takes the start of a Structure, Map or List
	// more reports whether another entry follows, and takes the end when none does.
	more(k Kind) (bool, *Error)
	key() ([]byte, *Error) // of an entry; good until the next call
	text() (string, *Error)
	boolean() (bool, *Error)
	integer(bits int) (int64, *Error)
	double() (float64, *Error)
	blob() ([]byte, *Error)
	time() (time.Time, *Error)
	skip() *Error // any value
	end() *Error  // of the document
}

// maxDepth bounds how deep a request may nest.
const maxDepth = 100

var tooDeep = serialization("The request nests too deep.")

// A decoder fills Go values from a reader, along their shapes.
type decoder struct {
	reader
	texts []string // spare room: members that are texts need a pointer each
}

// document reads a whole document into a structure. The shape's members that
// travel elsewhere in an HTTP request are passed over.
func (d *decoder) document(sh *Shape, v reflect.Value) *Error {
	if !d.null() {
		if err := d.structure(sh, v); err != nil {
			return err
		}
	}
	return d.end()
}

func (d *decoder) structure(sh *Shape, v reflect.Value) *Error {
	if err := d.enter(Structure); err != nil {
		return err
	}
	next := 0
	for {
		if ok, err := d.more(Structure); !ok {
			return err
		}
		name, err := d.key()
		if err != nil {
			return err
		}
		i := sh.find(name, next)
		if i < 0 {
			err = d.skip()
		} else {
			next = i + 1
			err = d.value(sh.Members[i].Shape, v.Field(i))
		}
		if err != nil {
			return err
		}
	}
}

// value reads into v, a field, an element of a list or a value of a map. Null is
// the same as absent.
func (d *decoder) value(sh *Shape, v reflect.Value) *Error {
	if d.null() {
		v.SetZero() // of a name that comes twice, the last one counts
		return nil
	}
	switch sh.Kind {
	case Structure:
		s := reflect.New(v.Type().Elem())
		v.Set(s)
		return d.structure(sh, s.Elem())
	case List:
		return d.list(sh.Element.Shape, v)
	case Map:
		return d.mapping(sh.Value.Shape, v)
	case String:
		s, err := d.text()
		if v.Kind() == reflect.Pointer {
			v.Set(reflect.ValueOf(d.pointer(s)))
		} else {
			v.SetString(s)
		}
		return err
	case Blob:
		b, err := d.blob()
		v.SetBytes(b)
		return err
	}
	if v.Kind() == reflect.Pointer {
		p := reflect.New(v.Type().Elem())
		v.Set(p)
		v = p.Elem()
	}
	return d.scalar(sh.Kind, v)
}

func (d *decoder) scalar(k Kind, v reflect.Value) *Error {
	switch k {
	case Boolean:
		b, err := d.boolean()
		v.SetBool(b)
		return err
	case Integer, Long:
		n, err := d.integer(v.Type().Bits())
		v.SetInt(n)
		return err
	case Timestamp:
		t, err := d.time()
		v.Set(reflect.ValueOf(t))
		return err
	}
	f, err := d.double()
	v.SetFloat(f)
	return err
}

// usual is how many entries a list gets room for at first: those of SQS's batches.
const usual = 10

// list reads a list, and leaves out its nulls: no list of ours is sparse.
func (d *decoder) list(element *Shape, v reflect.Value) *Error {
	if err := d.enter(List); err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for n := 0; ; {
		if ok, err := d.more(List); !ok {
			return err
		}
		if d.null() {
			continue
		}
		if n == v.Cap() {
			v.Grow(max(n, usual))
		}
		v.SetLen(n + 1)
		if err := d.value(element, v.Index(n)); err != nil {
			return err
		}
		n++
	}
}

// mapping reads a map, and leaves out its nulls.
func (d *decoder) mapping(value *Shape, v reflect.Value) *Error {
	if err := d.enter(Map); err != nil {
		return err
	}
	v.Set(reflect.MakeMap(v.Type()))
	texts, _ := v.Interface().(map[string]string)
	slot := reflect.New(v.Type().Elem()).Elem()
	for {
		if ok, err := d.more(Map); !ok {
			return err
		}
		name, err := d.key()
		if err != nil {
			return err
		}
		key := string(name)
		switch {
		case d.null():
		case texts != nil:
			texts[key], err = d.text()
		default:
			slot.SetZero()
			err = d.value(value, slot)
			v.SetMapIndex(reflect.ValueOf(key), slot)
		}
		if err != nil {
			return err
		}
	}
}

// pointer saves most of the small allocations of a request: its texts share
// their headers' memory.
func (d *decoder) pointer(s string) *string {
	if len(d.texts) == 0 {
		d.texts = make([]string, 6)
	}
	p := &d.texts[0]
	d.texts = d.texts[1:]
	*p = s
	return p
}

// find returns the index of a body member, or -1. Clients mostly write members
// in the model's order, so the search begins where the last one ended.
func (sh *Shape) find(name []byte, start int) int {
	for n := range len(sh.Members) {
		i := start + n
		if i >= len(sh.Members) {
			i -= len(sh.Members)
		}
		if m := sh.Members[i]; m.Location == "" && m.wire() == string(name) {
			return i
		}
	}
	return -1
}

// whole reports whether f is an integer that fits into so many bits.
func whole(f float64, bits int) bool {
	return f == math.Trunc(f) && math.Abs(f) < math.Ldexp(1, bits-1)
}
