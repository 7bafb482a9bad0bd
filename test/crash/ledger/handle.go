package ledger

import "time"

// A Delete is a delete that is on its way.
type Delete struct {
	l *Ledger
	m *message
	d Delivery
}

// Deleting notes that a delivery is about to be deleted. It must be of a
// message that the ledger has seen.
func (l *Ledger) Deleting(d Delivery) *Delete {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.byBody[d.Body]
	m.deleting++
	return &Delete{l, m, d}
}

// Done notes a success. It is final if the delivery was in force: a handle whose
// time is over may delete or not.
func (d *Delete) Done(now time.Time) {
	d.l.mu.Lock()
	defer d.l.mu.Unlock()
	if d.m.deleted == 0 && d.m.held(d.d.Handle, now) {
		d.m.deleted = d.l.next()
	}
}

// Refused notes an error: nothing was deleted.
func (d *Delete) Refused(now time.Time, err error) {
	d.l.mu.Lock()
	defer d.l.mu.Unlock()
	d.m.deleting--
	if d.m.held(d.d.Handle, now) {
		d.l.breaks(d.m, "its delete was refused: %v", err)
	}
}

// A Hide is a change of visibility that is on its way.
type Hide struct {
	l       *Ledger
	m       *message
	handle  string
	began   time.Time
	d       time.Duration
	was     time.Time
	version int
}

// Hiding notes that a delivery is about to be hidden for d from now on; 0 puts
// it back.
func (l *Ledger) Hiding(d Delivery, hide time.Duration, now time.Time) *Hide {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.byBody[d.Body]
	h := &Hide{l: l, m: m, handle: d.Handle, began: now, d: hide, was: m.until}
	if end := now.Add(hide); end.Before(m.until) {
		m.until = end
	}
	m.version++
	h.version = m.version
	m.doubt = h
	return h
}

// Done notes a success.
func (h *Hide) Done(now time.Time) {
	h.l.mu.Lock()
	defer h.l.mu.Unlock()
	h.settle()
	if h.undisturbed(now) {
		h.m.until = h.began.Add(h.d)
	}
}

// Refused notes an error: nothing was changed.
func (h *Hide) Refused(now time.Time, err error) {
	h.l.mu.Lock()
	defer h.l.mu.Unlock()
	h.settle()
	if h.undisturbed(now) {
		h.m.until = h.was
		h.l.breaks(h.m, "its change of visibility was refused: %v", err)
	}
}

func (h *Hide) settle() {
	if h.m.doubt == h {
		h.m.doubt = nil
	}
}

// undisturbed tells that the delivery was in force all the while, and that
// nothing else was asked of it.
func (h *Hide) undisturbed(now time.Time) bool {
	return h.m.version == h.version && h.m.handle == h.handle && now.Before(h.was)
}

// held tells that nobody else can have the message: handle is of its latest
// delivery, whose time is not over.
func (m *message) held(handle string, now time.Time) bool {
	return m.handle == handle && now.Before(m.until)
}

// Held returns the latest deliveries that stay in force until the given time:
// their handles must work.
func (l *Ledger) Held(queue string, until time.Time) []Delivery {
	return l.deliveries(queue, func(m *message) bool { return m.there() && until.Before(m.until) })
}

// Doubtful returns the latest deliveries whose change of visibility was never
// answered: they may be hidden for longer than anybody knows.
func (l *Ledger) Doubtful(queue string) []Delivery {
	return l.deliveries(queue, func(m *message) bool { return m.there() && m.doubt != nil })
}

func (l *Ledger) deliveries(queue string, of func(*message) bool) (all []Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.families[queue].messages {
		if m.handle != "" && of(m) {
			all = append(all, Delivery{m.place, m.id, m.Body, m.handle, m.Group, m.seq, m.latest})
		}
	}
	return all
}

// Sent returns the messages that exist or existed for sure, and those whose send
// was never answered and which nobody has seen.
func (l *Ledger) Sent(queue string) (known, unknown []Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.families[queue].messages {
		if m.known {
			known = append(known, m.Message)
		} else {
			unknown = append(unknown, m.Message)
		}
	}
	return known, unknown
}

// Received is how many deliveries there were.
func (l *Ledger) Received(queue string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.families[queue].messages {
		n += len(m.seen)
	}
	return n
}
