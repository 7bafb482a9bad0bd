package wire

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Validate checks an input against the model's constraints and answers, in
// AWS's generic words, everything that is wrong; nil when nothing is.
func Validate(op *Operation, in any) error {
	var c checker
	c.structure(op.Input, "", reflect.ValueOf(in).Elem())
	if len(c.found) == 0 {
		return nil
	}
	noun := "error"
	if len(c.found) > 1 {
		noun = "errors"
	}
	return &Error{Code: "ValidationException", QueryCode: "ValidationError", Status: 400,
		Message: fmt.Sprintf("%d validation %s detected: %s", len(c.found), noun, strings.Join(c.found, "; "))}
}

type checker struct{ found []string }

func (c *checker) fail(value, path, rule string) {
	c.found = append(c.found, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", value, path, rule))
}

func (c *checker) structure(sh *Shape, path string, v reflect.Value) {
	for i, m := range sh.Members {
		f := v.Field(i)
		at := strings.ToLower(m.Name[:1]) + m.Name[1:]
		if path != "" {
			at = path + "." + at
		}
		if f.IsNil() {
			if m.Required {
				c.fail("null", at, "Member must not be null")
			}
			continue
		}
		c.value(m.Shape, at, f)
	}
}

func (c *checker) value(sh *Shape, path string, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	switch sh.Kind {
	case Structure:
		c.structure(sh, path, v)
	case List:
		c.length(sh, fmt.Sprint(v.Interface()), path, v.Len())
		for i := range v.Len() {
			c.value(sh.Element.Shape, path+"."+strconv.Itoa(i+1)+".member", v.Index(i))
		}
	case Map:
		c.length(sh, fmt.Sprint(v.Interface()), path, v.Len())
		for _, k := range sortedKeys(v) {
			c.value(sh.Value.Shape, path+"."+k+".member", v.MapIndex(reflect.ValueOf(k)))
		}
	case String:
		s := v.String()
		quoted := "'" + s + "'"
		if len(sh.Enum) > 0 {
			if !slices.Contains(sh.Enum, s) {
				c.fail(quoted, path, "Member must satisfy enum value set: ["+strings.Join(sh.Enum, ", ")+"]")
			}
			return
		}
		c.length(sh, quoted, path, utf8.RuneCountInString(s))
		if sh.Pattern != "" && !matches(sh.Pattern, s) {
			c.fail(quoted, path, "Member must satisfy regular expression pattern: "+sh.Pattern)
		}
	case Blob:
		c.length(sh, "java.nio.HeapByteBuffer[pos=0 lim="+strconv.Itoa(v.Len())+" cap="+strconv.Itoa(v.Len())+"]", path, v.Len())
	case Integer, Long:
		n := v.Int()
		if sh.Min != nil && float64(n) < *sh.Min {
			c.fail("'"+strconv.FormatInt(n, 10)+"'", path, "Member must have value greater than or equal to "+bound(*sh.Min))
		}
		if sh.Max != nil && float64(n) > *sh.Max {
			c.fail("'"+strconv.FormatInt(n, 10)+"'", path, "Member must have value less than or equal to "+bound(*sh.Max))
		}
	}
}

func (c *checker) length(sh *Shape, value, path string, n int) {
	if !strings.HasPrefix(value, "'") && sh.Kind != Blob {
		value = "'" + value + "'"
	}
	if sh.Min != nil && float64(n) < *sh.Min {
		c.fail(value, path, "Member must have length greater than or equal to "+bound(*sh.Min))
	}
	if sh.Max != nil && float64(n) > *sh.Max {
		c.fail(value, path, "Member must have length less than or equal to "+bound(*sh.Max))
	}
}

func bound(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

var patterns sync.Map // of *regexp.Regexp, nil where Go's syntax cannot say it

// matches tells whether all of s fits a pattern of the model.
func matches(pattern, s string) bool {
	re, ok := patterns.Load(pattern)
	if !ok {
		compiled, err := regexp.Compile("^(?:" + pattern + ")$")
		if err != nil {
			compiled = nil
		}
		re, _ = patterns.LoadOrStore(pattern, compiled)
	}
	compiled := re.(*regexp.Regexp)
	return compiled == nil || compiled.MatchString(s)
}
