package wire

import (
	"encoding/base64"
	"math"
	"reflect"
	"strconv"
	"time"
)

// decodeJSON reads a body into a structure.
func decodeJSON(body []byte, sh *Shape, v reflect.Value) *Error {
	r := &jsonReader{in: body}
	if r.end() {
		return nil
	}
	if err := r.value(sh, "", v); err != nil {
		return err
	}
	if !r.end() {
		return r.bad()
	}
	return nil
}

// value reads a value of a shape into v: a pointer for scalars and structures
// that are members, the thing itself inside lists and maps.
func (r *jsonReader) value(sh *Shape, format string, v reflect.Value) *Error {
	if r.null() {
		return nil
	}
	if v.Kind() == reflect.Pointer {
		p := reflect.New(v.Type().Elem())
		if err := r.value(sh, format, p.Elem()); err != nil {
			return err
		}
		v.Set(p)
		return nil
	}
	switch sh.Kind {
	case Structure:
		return r.object(func(name string) *Error {
			for i, m := range sh.Members {
				if m.wire() == name && m.Location == "" {
					return r.value(m.Shape, m.Format, v.Field(i))
				}
			}
			return r.skip()
		})
	case List:
		v.Set(reflect.MakeSlice(v.Type(), 0, 4))
		return r.list(func() *Error {
			e := reflect.New(v.Type().Elem()).Elem()
			if err := r.value(sh.Element.Shape, sh.Element.Format, e); err != nil {
				return err
			}
			v.Set(reflect.Append(v, e))
			return nil
		})
	case Map:
		v.Set(reflect.MakeMap(v.Type()))
		return r.object(func(name string) *Error {
			if r.null() {
				return nil
			}
			e := reflect.New(v.Type().Elem()).Elem()
			if err := r.value(sh.Value.Shape, sh.Value.Format, e); err != nil {
				return err
			}
			v.SetMapIndex(reflect.ValueOf(name), e)
			return nil
		})
	case String:
		s, err := r.text()
		v.SetString(s)
		return err
	case Boolean:
		b, err := r.boolean()
		v.SetBool(b)
		return err
	case Blob:
		s, err := r.text()
		if err != nil {
			return err
		}
		b, e := base64.StdEncoding.DecodeString(s)
		if e != nil {
			return serialization("Base64 encoded length is invalid")
		}
		v.SetBytes(b)
		return nil
	case Integer, Long:
		return r.integer(sh, v)
	case Float, Double:
		return r.float(v)
	case Timestamp:
		return r.timestamp(sh, format, v)
	}
	return r.skip()
}

func (r *jsonReader) integer(sh *Shape, v reflect.Value) *Error {
	if c := r.peek(); c != '-' && (c < '0' || c > '9') {
		if sh.Kind == Long {
			return r.mismatch("a Long")
		}
		return r.mismatch("an Integer")
	}
	s, err := r.number()
	if err != nil {
		return err
	}
	n, e := strconv.ParseInt(s, 10, v.Type().Bits())
	if e != nil {
		f, e := strconv.ParseFloat(s, 64)
		if e != nil || math.Abs(f) >= math.Ldexp(1, v.Type().Bits()-1) {
			return serialization("NUMBER_VALUE can not be converted to an Integer")
		}
		n = int64(f)
	}
	v.SetInt(n)
	return nil
}

func (r *jsonReader) float(v reflect.Value) *Error {
	if r.peek() == '"' {
		s, err := r.text()
		if err != nil {
			return err
		}
		f, ok := map[string]float64{"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)}[s]
		if !ok {
			return serialization("STRING_VALUE can not be converted to a Double")
		}
		v.SetFloat(f)
		return nil
	}
	s, err := r.number()
	if err != nil {
		return err
	}
	f, e := strconv.ParseFloat(s, 64)
	if e != nil {
		return serialization("NUMBER_VALUE can not be converted to a Double")
	}
	v.SetFloat(f)
	return nil
}

func (r *jsonReader) timestamp(sh *Shape, format string, v reflect.Value) *Error {
	var s string
	var err *Error
	if r.peek() == '"' {
		s, err = r.text()
	} else {
		s, err = r.number()
	}
	if err != nil {
		return err
	}
	t, ok := parseTime(s)
	if !ok {
		return serialization("STRING_VALUE can not be converted to a Timestamp")
	}
	v.Set(reflect.ValueOf(t))
	return nil
}

// parseTime reads any of the forms that AWS's clients write.
func parseTime(s string) (time.Time, bool) {
	if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(f) && math.Abs(f) < 1e15 {
		whole := math.Floor(f)
		return time.Unix(int64(whole), int64(math.Round((f-whole)*1e3))*1e6).UTC(), true
	}
	for _, layout := range []string{time.RFC3339Nano, "Mon, 02 Jan 2006 15:04:05 GMT", time.RFC1123} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func (m *Member) wire() string {
	if m.Wire != "" {
		return m.Wire
	}
	return m.Name
}
