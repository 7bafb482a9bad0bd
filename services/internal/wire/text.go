package wire

import (
	"encoding/base64"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Forms, headers, URIs and XML hold scalars as bare texts. These two turn a text
// into a scalar and back.

// setText reads a text into v: a field, an element of a list or a value of a map.
func setText(text string, sh *Shape, v reflect.Value) *Error {
	if v.Kind() == reflect.Pointer {
		p := reflect.New(v.Type().Elem())
		v.Set(p)
		v = p.Elem()
	}
	switch sh.Kind {
	case String:
		v.SetString(text)
		return nil
	case Boolean:
		switch strings.ToLower(text) {
		case "true", "1":
			v.SetBool(true)
			return nil
		case "false", "0":
			v.SetBool(false)
			return nil
		}
	case Integer, Long:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(n)
		if err == nil {
			return nil
		}
	case Float, Double:
		n, err := strconv.ParseFloat(text, 64)
		v.SetFloat(n)
		if err == nil && !strings.ContainsAny(text, "xX_") {
			return nil
		}
	case Blob:
		b, err := fromBase64([]byte(text))
		v.SetBytes(b)
		return err
	case Timestamp:
		t, ok := parseTime(text)
		v.Set(reflect.ValueOf(t))
		if ok {
			return nil
		}
	}
	return serialization("STRING_VALUE can not be converted to " + sh.article())
}

// article is what the sentences about conversions call a shape.
func (sh *Shape) article() string {
	switch sh.Kind {
	case Boolean:
		return "a Boolean"
	case Integer:
		return "an Integer"
	case Long:
		return "a Long"
	case Float, Double:
		return "a Double"
	case Timestamp:
		return "a Timestamp"
	}
	return "a structure or map"
}

// scalarText is a scalar as text; usual is the place's own timestamp format.
func scalarText(sh *Shape, format, usual string, v reflect.Value) string {
	if sh.Kind == String {
		return reflect.Indirect(v).String()
	}
	return string(appendScalar(nil, sh, format, usual, v))
}

// appendScalar appends what scalarText says.
func appendScalar(b []byte, sh *Shape, format, usual string, v reflect.Value) []byte {
	v = reflect.Indirect(v)
	switch sh.Kind {
	case String:
		return append(b, v.String()...)
	case Boolean:
		return strconv.AppendBool(b, v.Bool())
	case Integer, Long:
		return strconv.AppendInt(b, v.Int(), 10)
	case Float, Double:
		return append(b, floatText(v.Float())...)
	case Blob:
		return base64.StdEncoding.AppendEncode(b, v.Bytes())
	case Timestamp:
		return appendTime(b, timeOf(v), first(format, sh.Format, usual))
	}
	return b
}

// timeOf is a timestamp's value, which most have a pointer to: that spares a copy on the heap.
func timeOf(v reflect.Value) time.Time {
	if v.CanAddr() {
		return *v.Addr().Interface().(*time.Time)
	}
	return v.Interface().(time.Time)
}
