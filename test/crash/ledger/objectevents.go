package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// An ObjectEvent is a record of a notification.
type ObjectEvent struct {
	Key       string
	Event     string // "ObjectCreated:Put"
	ETag      string // of what was created
	Version   string // "" where there are none
	Sequencer string // hexadecimal
}

// Told notes that somebody was told of an event: at least once, of each.
func (o *Objects) Told(e ObjectEvent) {
	o.mu.Lock()
	defer o.mu.Unlock()
	k := o.keys[e.Key]
	if k == nil {
		o.breaks("somebody was told of %s of %s, which nobody wrote", e.Event, e.Key)
		return
	}
	if !o.told(e.Key, e.Event) {
		o.breaks("somebody was told of %s of %s, and has not asked for it", e.Event, e.Key)
	}
	if before, ok := k.events[e.Sequencer]; ok && before != e {
		o.breaks("%+v and %+v have the same sequencer", e, before)
	}
	k.events[e.Sequencer] = e
}

// Events is how many different ones somebody was told of.
func (o *Objects) Events() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, k := range o.keys {
		n += len(k.events)
	}
	return n
}

// Untold are the writes that happened and of which nobody was told, and the events that fit
// no write, when those of a key are in the order of their sequencers.
func (o *Objects) Untold() (all []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name, k := range o.keys {
		events := make([]ObjectEvent, 0, len(k.events))
		for _, e := range k.events {
			events = append(events, e)
		}
		slices.SortFunc(events, func(a, b ObjectEvent) int { return compareSequencers(a.Sequencer, b.Sequencer) })
		for _, w := range k.writes {
			if len(events) > 0 && w.causes(events[0]) {
				events = events[1:]
			} else if w.fate == happened && o.told(name, w.Event) && (w.Event != removed || w.sure) {
				all = append(all, fmt.Sprintf("%s: %s %s", name, w.Event, w.Content.ETag))
			}
		}
		for _, e := range events {
			all = append(all, fmt.Sprintf("%s: out of order, or never asked for: %+v", name, e))
		}
	}
	slices.Sort(all)
	return all
}

// causes reports whether an event may be that of a write.
func (w *objectWrite) causes(e ObjectEvent) bool {
	if w.fate == never || w.Event != e.Event || w.creates() && w.Content.ETag != e.ETag {
		return false
	}
	id := w.version
	if w.Event == removed {
		id = w.Version
	}
	return id == "" || id == e.Version
}

// compareSequencers compares two as AWS says: the shorter one as if zeros were in front.
func compareSequencers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}
