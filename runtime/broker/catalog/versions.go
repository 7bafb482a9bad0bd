package catalog

import (
	"slices"
	"strings"
)

// A Version is one that brokers can be created with.
type Version struct {
	Name string // "3.13": what requests and the catalogue operations say
	Full string // "3.13.7": what DescribeBroker shows
}

// Newest first. Amazon publishes no list of the patches that it runs. 3.13.7 is what
// its brokers show; 5.18.4 and 5.19.1 are the versions of the schemas in its
// Developer Guide; 4.2.1 and 4.3.0 are RabbitMQ's own when Amazon MQ got those series.
var versions = map[Engine][]Version{
	RabbitMQ: {{"4.3", "4.3.0"}, {"4.2", "4.2.1"}, {"3.13", "3.13.7"}},
	ActiveMQ: {{"5.19", "5.19.1"}, {"5.18", "5.18.4"}},
}

// Versions are those of an engine, newest first; none for an unknown engine.
func Versions(e Engine) []Version { return slices.Clone(versions[e]) }

// Full is the version that DescribeBroker shows for the name of one; the name itself
// when the catalogue does not have it.
func Full(e Engine, name string) string {
	if i := age(e, name); i >= 0 {
		return versions[e][i].Full
	}
	return name
}

// Series is the major version: "3" of "3.13". RabbitMQ's limits, policies and
// configuration keys depend on it.
func Series(version string) string {
	major, _, _ := strings.Cut(version, ".")
	return major
}

// age is the place of a version among those of its engine, 0 for the newest; -1 when
// there is no such version.
func age(e Engine, name string) int {
	return slices.IndexFunc(versions[e], func(v Version) bool { return v.Name == name })
}

func versionNames(e Engine) []string {
	var names []string
	for _, v := range versions[e] {
		names = append(names, v.Name)
	}
	return names
}
