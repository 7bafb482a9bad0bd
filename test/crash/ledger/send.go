package ledger

import "time"

// A Send is a send that is on its way.
type Send struct {
	l      *Ledger
	m      *message
	repeat bool
	floor  string // every sequence number acknowledged before it left
}

// Sending notes that a message is about to be sent. One that was sent before, a
// retry within the deduplication window, must add nothing.
func (l *Ledger) Sending(m Message, now time.Time) *Send {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.families[m.Queue]
	have, repeat := l.byBody[m.Body]
	if !repeat {
		have = &message{Message: m, family: f, until: now.Add(m.Delay)}
		l.byBody[m.Body] = have
		f.messages = append(f.messages, have)
	}
	return &Send{l, have, repeat, f.lastSeq}
}

// Done notes the answer: from now on the message must not be lost.
func (s *Send) Done(id, sequence string) {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	first := s.m.id == ""
	s.l.identify(s.m, id, sequence)
	if !s.repeat && first && sequence != "" && sequence <= s.floor {
		s.l.breaks(s.m, "sequence number %s after %s was given", sequence, s.floor)
	}
	s.m.family.lastSeq = max(s.m.family.lastSeq, sequence)
}

// identify joins what an answer says of a message to what is known of it. An
// empty sequence number says nothing: a dead-letter queue counts anew.
func (l *Ledger) identify(m *message, id, sequence string) {
	m.known = true
	switch {
	case m.id == "":
		m.id = id
		if other := l.byID[id]; other != nil {
			l.breaks(m, "its id is also that of %s", shorten(other.Body))
		}
		l.byID[id] = m
	case m.id != id:
		l.breaks(m, "it is there twice, also as %s", id)
		return
	}
	switch {
	case sequence == "" || m.seq == sequence:
	case m.seq == "":
		m.seq = sequence
		g := m.family.group(m.Group)
		g.messages = append(g.messages, m)
	default:
		l.breaks(m, "its sequence number was %s and is %s", m.seq, sequence)
	}
}

func (f *family) group(name string) *group {
	g := f.groups[name]
	if g == nil {
		g = &group{}
		f.groups[name] = g
	}
	return g
}
