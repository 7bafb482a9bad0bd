package mq

import (
	"regexp"
	"strings"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	api "millrace/services/internal/api/mq"
)

// A form is what names of a kind look like. Their length is no part of the expression:
// those that count take long to compile, and that at every start.
type form struct {
	least, most int // bytes
	of          *regexp.Regexp
}

func (f form) fits(name string) bool {
	return len(name) >= f.least && len(name) <= f.most && f.of.MatchString(name)
}

// lower is how Amazon MQ answers strategies and kinds of storage.
func lower[T ~string](v T) *string { return new(strings.ToLower(string(v))) }

// names are texts as a list that is never left out.
func names[T ~string](all []T) []string {
	list := make([]string, 0, len(all))
	for _, v := range all {
		list = append(list, string(v))
	}
	return list
}

// member reads an enumeration in any case; an absent one is the zero value.
func member[T ~string](name string, value *string, parse func(string) (T, bool)) (v T, err error) {
	if value == nil || *value == "" {
		return v, nil
	}
	v, ok := parse(*value)
	if !ok {
		return v, bad(name, "Invalid value [%.100s] for [%s].", *value, name)
	}
	return v, nil
}

// required refuses the absence of members, given as pairs of a name and whether it is there.
func required(members ...presence) error {
	for _, m := range members {
		if !m.there {
			return bad(m.name, "The parameter [%s] is required.", m.name)
		}
	}
	return nil
}

type presence struct {
	name  string
	there bool
}

func text(name string, v *string) presence { return presence{name, v != nil && *v != ""} }

func revised(r *broker.Revised) *api.ConfigurationId {
	if r == nil || r.ID == "" {
		return nil
	}
	return &api.ConfigurationId{Id: &r.ID, Revision: new(int32(r.Revision))}
}

func window(w broker.Window) *api.WeeklyStartTime {
	return &api.WeeklyStartTime{DayOfWeek: &w.Day, TimeOfDay: &w.Time, TimeZone: &w.Zone}
}

func strategy(s catalog.Strategy) *string {
	if s == "" {
		s = catalog.Simple
	}
	return lower(s)
}
