package object

// A Machine is the index of one bucket. Lookups may run beside each other; Begin, Apply
// and Snapshot run alone.
type Machine struct {
	IDs

	objects *index // by key, then newest first
	uploads *index // under way: by key, then oldest first
	parts   *index // by upload, then part number; also of what was completed

	nulls    map[string]uint64 // number of the null version, of keys whose newest version is another one
	versions int               // without delete markers
	pending  []pendingEvent    // by number
	log      logIndex

	lastEntry  uint64
	lastNumber uint64 // of a version, an upload or a removal
	lastEvent  uint64
	handedOver uint64 // events up to this number have been handed over
	closed     bool
}

// New returns the machine of an empty bucket. The secret makes its version and upload
// ids; no other bucket has the same.
func New(secret [16]byte) *Machine {
	return &Machine{
		objects: newIndex(), uploads: newIndex(), parts: newIndex(),
		nulls: map[string]uint64{}, IDs: NewIDs(secret),
	}
}

// Len is how many versions of objects there are, without delete markers.
func (m *Machine) Len() int { return m.versions }

// Empty reports whether there is no version and no delete marker. Uploads under way do
// not count, as in S3's DeleteBucket.
func (m *Machine) Empty() bool { return m.objects.Len() == 0 }

// Closed reports whether a Close was applied.
func (m *Machine) Closed() bool { return m.closed }

// LastEntry is the sequence of the last entry that was applied; 0 for none.
func (m *Machine) LastEntry() uint64 { return m.lastEntry }

// Effects are what an entry asks to be done outside.
type Effects struct {
	Garbage []string // blobs that nothing names any more
	Events  int      // how many events are new: see Pending
}

// Apply takes in the entry that is stored as seq, which is greater than those before it;
// the log may have gaps. A fresh entry and one that is read again are the same to it. An
// error says that the entry cannot be read: then nothing of it has been applied.
func (m *Machine) Apply(seq uint64, entry []byte) (Effects, error) {
	e, err := ReadEntry(entry)
	if err != nil {
		return Effects{}, err
	}
	m.lastEntry = seq
	m.log.addEntry(seq)
	a := applying{Machine: m, seq: seq}
	for i := range e.records {
		a.apply(&e.records[i])
	}
	m.lastNumber = max(m.lastNumber, e.lastNumber)
	m.lastEvent = max(m.lastEvent, e.lastEvent)
	m.handedOver = max(m.handedOver, e.handedOver)
	m.log.finishEntry(seq, len(entry))
	return a.effects, nil
}

// An applying is an entry that is being applied.
type applying struct {
	*Machine
	seq     uint64
	effects Effects
}

func (a *applying) apply(r *record) {
	switch r.kind {
	case kindVersion:
		a.applyVersion(r)
	case kindRemoved:
		a.applyRemoved(r)
	case kindUpload:
		a.insert(a.uploads, r)
	case kindAborted:
		a.endUpload(r.key, r.number)
		a.removeParts(r.number, nil)
	case kindPart:
		a.insert(a.parts, r)
	case kindCompleted:
		a.applyVersion(r)
		a.endUpload(r.key, r.upload)
		a.removeParts(r.upload, r.parts)
	case kindEvent:
		a.applyEvent(r)
	case kindHandedOver:
		a.applyHandedOver(r.number)
	case kindClosed:
		a.closed = true
	}
}
