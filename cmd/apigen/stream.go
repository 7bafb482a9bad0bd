package main

import (
	"fmt"
	"maps"
)

// stream is the place of a member that streams.
const stream = "stream"

// placeStreams puts what the model says of streams where the codecs look for it: a
// blob that is the whole body and streams, and a stream of events, have a place of
// their own; headers and payloads of events are placed as those of requests; what
// may end a stream of events is no event. The blobs of the operations in whole do not
// stream.
func (m *model) placeStreams(whole []string) error {
	isWhole := map[*shape]bool{}
	for _, name := range whole {
		op := m.Operations[name]
		isWhole[m.Shapes[op.Input.Shape]], isWhole[m.Shapes[op.Output.Shape]] = true, true
	}
	for _, s := range m.Shapes {
		for member, r := range s.Members {
			target := m.Shapes[r.Shape]
			switch {
			case target.EventStream, target.Type == "blob" && (r.Streaming || target.Streaming) && s.Payload == member && !isWhole[s]:
				r.Location = stream
			case r.EventHeader:
				r.Location = "header"
			case r.EventPayload:
				s.Payload = member
			}
		}
		if s.EventStream {
			s.exceptions = map[string]*ref{}
			maps.Copy(s.exceptions, s.Members)
			maps.DeleteFunc(s.exceptions, func(_ string, r *ref) bool { return !m.Shapes[r.Shape].Exception })
			maps.DeleteFunc(s.Members, func(_ string, r *ref) bool { return m.Shapes[r.Shape].Exception })
		}
	}
	for name, op := range m.Operations {
		if m.streams(m.Shapes[op.Input.Shape], func(t *shape) bool { return t.EventStream }) {
			return fmt.Errorf("%s: its input is a stream of events, which the codecs do not read", name)
		}
	}
	return nil
}

// streams reports whether a member of a structure is a stream of the kind.
func (m *model) streams(s *shape, kind func(*shape) bool) bool {
	for _, r := range s.Members {
		if r.Location == stream && kind(m.Shapes[r.Shape]) {
			return true
		}
	}
	return false
}
