package notify

import "strings"

// checkEvents refuses event names that S3 does not know. A family may stand beside one of
// its members: both are one event of one configuration.
func (d *Destination) checkEvents() error {
	for _, event := range d.Events {
		if typesOf(event) == 0 {
			return refuse(UnknownEvent, "Event", event)
		}
	}
	return nil
}

// checkOverlap refuses two destinations that one event of one key would both concern.
// Whether they are of one kind does not matter.
func checkOverlap(all []Destination) error {
	types := make([]typeSet, len(all))
	for i := range all {
		types[i] = all[i].types()
		for j := range i {
			if types[j]&types[i] != 0 && shareKeys(&all[j], &all[i]) {
				return &Error{Reason: OverlappingRule}
			}
		}
	}
	return nil
}

// shareKeys reports whether there is a key that the filters of both destinations let
// through. One that begins with the longer prefix and ends with the longer suffix is such
// a key, if there is any: so it is enough to compare prefixes and suffixes.
func shareKeys(a, b *Destination) bool {
	return havePrefix(a.prefix(), b.prefix()) && haveSuffix(a.suffix(), b.suffix())
}

// havePrefix reports whether one of two texts begins with the other.
func havePrefix(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

// haveSuffix reports whether one of two texts ends with the other.
func haveSuffix(a, b string) bool { return strings.HasSuffix(a, b) || strings.HasSuffix(b, a) }
