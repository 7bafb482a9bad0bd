package kit

import (
	"maps"
	"slices"
	"strings"
)

// TagRules are what a service accepts of tags, and its errors for the rest.
type TagRules struct {
	Max       int                           // how many a resource may have
	Fold      bool                          // keys that differ by their case alone are the same
	Check     func(key, value string) error // refuses a key or a value; nil for none
	Duplicate func() error                  // for a key that is twice in a request
	TooMany   func() error                  // for more than Max
}

// A Tag is a key and a value, in each package that has a type for it.
type Tag interface{ ~struct{ Key, Value string } }

type tag struct{ Key, Value string }

// AddTags returns the tags of a resource with others added to them, or put in the place
// of those with the same key. have is not changed.
func AddTags[T Tag](r TagRules, have, add []T) ([]T, error) {
	tags := slices.Clone(have)
	for i, t := range add {
		same := func(other T) bool { return r.same(tag(other).Key, tag(t).Key) }
		if slices.ContainsFunc(add[:i], same) {
			return nil, r.Duplicate()
		}
		if err := r.check(tag(t).Key, tag(t).Value); err != nil {
			return nil, err
		}
		if at := slices.IndexFunc(tags, same); at >= 0 {
			tags[at] = t
		} else {
			tags = append(tags, t)
		}
	}
	if len(tags) > r.Max {
		return nil, r.TooMany()
	}
	return tags, nil
}

// RemoveTags returns the tags of a resource without those with the keys. have is not
// changed.
func RemoveTags[T Tag](r TagRules, have []T, keys []string) []T {
	return slices.DeleteFunc(slices.Clone(have), func(t T) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return r.same(tag(t).Key, k) })
	})
}

// AddTagMap is AddTags for a resource that keeps its tags in a map. The map that it
// returns is never nil.
func (r TagRules) AddTagMap(have, add map[string]string) (map[string]string, error) {
	tags := map[string]string{}
	maps.Copy(tags, have)
	for _, key := range slices.Sorted(maps.Keys(add)) {
		if err := r.check(key, add[key]); err != nil {
			return nil, err
		}
		tags[key] = add[key]
	}
	if len(tags) > r.Max {
		return nil, r.TooMany()
	}
	return tags, nil
}

// RemoveTagMap is RemoveTags for a resource that keeps its tags in a map.
func (r TagRules) RemoveTagMap(have map[string]string, keys []string) map[string]string {
	tags := maps.Clone(have)
	for _, key := range keys {
		delete(tags, key)
	}
	return tags
}

func (r TagRules) same(a, b string) bool {
	return a == b || r.Fold && strings.EqualFold(a, b)
}

func (r TagRules) check(key, value string) error {
	if r.Check == nil {
		return nil
	}
	return r.Check(key, value)
}

// IsReservedTag reports whether a key has the prefix that is AWS's own, in any case.
func IsReservedTag(key string) bool { return strings.HasPrefix(strings.ToLower(key), "aws:") }
