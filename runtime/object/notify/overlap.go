package notify

import "strings"

// checkEvents refuses event names that S3 does not know, and those that stand for the same
// event twice: S3 counts each event of a configuration like one of its own.
func (d *Destination) checkEvents() error {
	for i, event := range d.Events {
		types := typesOf(event)
		if types == 0 {
			return refuse(UnknownEvent, "Event", event)
		}
		for _, other := range d.Events[:i] {
			if types&typesOf(other) != 0 {
				return sharedEvent(other, event)
			}
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
			a, b := &all[j], &all[i]
			if types[j]&types[i] == 0 || !shareKeys(a, b) {
				continue
			}
			if len(a.Filter) == 0 && len(b.Filter) == 0 {
				return sharedEvent(commonEvents(a, b))
			}
			return &Error{Reason: OverlappingRule}
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

// commonEvents are the first two event names by which two destinations meet.
func commonEvents(a, b *Destination) (string, string) {
	for _, of := range a.Events {
		for _, other := range b.Events {
			if typesOf(of)&typesOf(other) != 0 {
				return of, other
			}
		}
	}
	return "", ""
}

func sharedEvent(a, b string) error { return refuse(SharedEvent, "Event", a+", "+b) }
