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

// Validate checks an input against the model's constraints and says everything
// that is wrong, in the words that AWS's services have in common; nil when
// nothing is. Not every service of AWS checks this way: see
// Service.GenericChecks.
func Validate(op *Operation, in any) error {
	var c checker
	c.structure(op.Input, "", reflect.ValueOf(in).Elem())
	switch n := len(c.found); n {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: " + c.found[0])
	default:
		return invalid(strconv.Itoa(n) + " validation errors detected: " + strings.Join(c.found, "; "))
	}
}

func invalid(text string) *Error {
	return &Error{Code: "ValidationException", QueryCode: "ValidationError", Status: 400, Message: text}
}

// A checker collects what is wrong.
type checker struct{ found []string }

// fail notes that the value at path breaks a rule. A secret is not repeated.
func (c *checker) fail(sh *Shape, path, shown, rule string) {
	if shown != "null" {
		shown = "'" + shown + "'"
	}
	value := "Value " + shown
	if sh.Sensitive && shown != "null" {
		value = "Value"
	}
	c.found = append(c.found, value+" at '"+path+"' failed to satisfy constraint: "+rule)
}

func (c *checker) structure(sh *Shape, path string, v reflect.Value) {
	if path != "" {
		path += "."
	}
	for i, m := range sh.Members {
		at := path + strings.ToLower(m.Name[:1]) + m.Name[1:]
		switch f := v.Field(i); {
		case m.Location == "stream": // is read only later; none at all is an empty one
		case !f.IsNil():
			c.value(m.Shape, at, f)
		case m.Required:
			c.fail(m.Shape, at, "null", "Member must not be null")
		}
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
		c.own(sh, path, v)
		c.list(sh, path, v)
	case Map:
		c.own(sh, path, v)
		c.mapping(sh, path, v)
	default:
		c.own(sh, path, v)
	}
}

// own checks the value itself, not what is in it.
func (c *checker) own(sh *Shape, path string, v reflect.Value) {
	for _, r := range sh.rules() {
		if !r.holds(sh, v) {
			c.fail(sh, path, shown(v), r.text)
		}
	}
}

// list checks the elements. Structures are named by their place; of scalars the
// whole list is shown, with all that each must be.
func (c *checker) list(sh *Shape, path string, v reflect.Value) {
	element := sh.Element.Shape
	for i := range v.Len() {
		if !element.scalar() {
			c.value(element, path+"."+strconv.Itoa(i+1)+".member", v.Index(i))
		} else if !element.fits(v.Index(i)) {
			c.fail(sh, path, shown(v), "Member must satisfy constraint: "+element.allRules())
			return
		}
	}
}

func (c *checker) mapping(sh *Shape, path string, v reflect.Value) {
	key, value := sh.Key.Shape, sh.Value.Shape
	badKey, badValue := false, false
	for _, k := range sortedKeys(v) {
		name := reflect.ValueOf(k)
		badKey = badKey || !key.fits(name)
		if !value.scalar() {
			c.value(value, path+"."+k+".member", v.MapIndex(name))
		} else {
			badValue = badValue || !value.fits(v.MapIndex(name))
		}
	}
	if badKey {
		c.fail(sh, path, shown(v), "Map keys must satisfy constraint: "+key.allRules())
	}
	if badValue {
		c.fail(sh, path, shown(v), "Map value must satisfy constraint: "+value.allRules())
	}
}

func (sh *Shape) scalar() bool { return sh.Kind != Structure && sh.Kind != List && sh.Kind != Map }

func (sh *Shape) fits(v reflect.Value) bool {
	return !slices.ContainsFunc(sh.rules(), func(r rule) bool { return !r.holds(sh, v) })
}

// allRules is what Lambda says of the members of a list or a map, broken or not.
func (sh *Shape) allRules() string {
	var b strings.Builder
	for _, r := range sh.rules() {
		b.WriteString(r.text + ", ")
	}
	return "[" + b.String() + "Member must not be null]"
}

// A rule is one constraint of a shape.
type rule struct {
	text  string
	holds func(sh *Shape, v reflect.Value) bool
}

// rules are the shape's constraints. Blobs have none that were ever met with
// here: what bounds a zip file has its own words.
func (sh *Shape) rules() (all []rule) {
	if len(sh.Enum) > 0 {
		return []rule{{"Member must satisfy enum value set: [" + strings.Join(sh.Enum, ", ") + "]", inEnum}}
	}
	what := "value"
	switch sh.Kind {
	case Blob:
		return nil
	case String, List, Map:
		what = "length"
	}
	if sh.Max != nil {
		all = append(all, rule{"Member must have " + what + " less than or equal to " + sh.bound(*sh.Max), notOver})
	}
	if sh.Min != nil {
		all = append(all, rule{"Member must have " + what + " greater than or equal to " + sh.bound(*sh.Min), notUnder})
	}
	if sh.Pattern != "" {
		all = append(all, rule{"Member must satisfy regular expression pattern: " + sh.Pattern, inPattern})
	}
	return all
}

func inEnum(sh *Shape, v reflect.Value) bool    { return slices.Contains(sh.Enum, v.String()) }
func notOver(sh *Shape, v reflect.Value) bool   { return measure(v) <= *sh.Max }
func notUnder(sh *Shape, v reflect.Value) bool  { return measure(v) >= *sh.Min }
func inPattern(sh *Shape, v reflect.Value) bool { return matches(sh.Pattern, v.String()) }

// measure is what a bound bounds: a length in characters or entries, or a value.
func measure(v reflect.Value) float64 {
	switch v.Kind() {
	case reflect.String:
		return float64(utf8.RuneCountInString(v.String()))
	case reflect.Slice, reflect.Map:
		return float64(v.Len())
	case reflect.Float64:
		return v.Float()
	}
	return float64(v.Int())
}

// bound writes a bound as Java would.
func (sh *Shape) bound(n float64) string {
	s := strconv.FormatFloat(n, 'f', -1, 64)
	if (sh.Kind == Float || sh.Kind == Double) && !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// shown writes a value as Java would: [a, b] and {k=v}.
func shown(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "null"
		}
		v = v.Elem()
	}
	var parts []string
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			parts = append(parts, shown(v.Index(i)))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Map:
		for _, k := range sortedKeys(v) {
			parts = append(parts, k+"="+shown(v.MapIndex(reflect.ValueOf(k))))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v.Interface())
}

// patterns holds a *regexp.Regexp for each pattern met so far.
var patterns sync.Map

// matches reports whether all of s fits a pattern of the model. The patterns are
// Java's; the few that look around themselves, which Go's do not, fit anything.
func matches(pattern, s string) bool {
	re, ok := patterns.Load(pattern)
	if !ok {
		compiled, err := compile(pattern)
		if err != nil {
			compiled = nil
		}
		re, _ = patterns.LoadOrStore(pattern, compiled)
	}
	compiled := re.(*regexp.Regexp)
	return compiled == nil || compiled.MatchString(s)
}

var javaEscape = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)

func compile(pattern string) (*regexp.Regexp, error) {
	return regexp.Compile(`^(?:` + javaEscape.ReplaceAllString(pattern, `\x{$1}`) + `)$`)
}
