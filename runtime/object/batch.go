package object

import (
	"time"

	"millrace/runtime/object/notify"
)

// An Env is what a batch is decided with, beside the state.
type Env struct {
	Now        time.Time
	Versioning Versioning
	Matcher    *notify.Matcher // nil when nobody is to be told of anything
	Account    string          // that owns the bucket
	Region     string
	Bucket     string
	MaxEntry   int // how long an entry may become, in bytes; 0 for DefaultMaxEntry
}

// DefaultMaxEntry leaves room for what goes with an entry in a message of 1 MiB, the
// largest that a NATS server takes by default.
const DefaultMaxEntry = 1<<20 - 64<<10

// recordReserve is more than one command adds to an entry beside its content, in bytes.
const recordReserve = 64 << 10

// A Command is a change that is asked for: a Put, Delete, PutTags, CreateUpload, PutPart,
// Complete, Abort, HandedOver, Move or Close. Its Err says what it was refused with; then
// nothing of it is stored. Its results are valid after Applied, until it is added to
// another batch.
type Command interface {
	// decide says what happens, in records. An error is a refusal.
	decide(b *Batch) error
	// conflicts reports whether the command has to wait for the next batch, and else
	// claims what it touches.
	conflicts(b *Batch) bool
	// content is what goes into the entry with it; nil for nothing.
	content() []byte
	// applied fills in what only the applied entry says.
	applied(m *Machine)
	// refused keeps the error of decide.
	refused(err error)
	isRefused() bool
}

// An Outcome is what every command has: what it was refused with; nil if it was not.
type Outcome struct{ Err error }

func (o *Outcome) refused(err error) { o.Err = err }
func (o *Outcome) isRefused() bool   { return o.Err != nil }
func (o *Outcome) content() []byte   { return nil }
func (o *Outcome) applied(*Machine)  {}

// A Batch decides commands that become one entry. All of them are decided on the state
// before the batch, so no two of them may touch the same.
type Batch struct {
	m        *Machine
	env      Env
	commands []Command
	records  []byte
	contents [][]byte
	size     int  // of records and contents
	full     bool // nothing more may be added

	touched    map[string]bool // keys, uploads and parts; false for a key of which only named versions are touched
	lastNumber uint64
	lastEvent  uint64
	handedOver uint64
}

// Begin starts a batch on the present state. It has to be applied, or given up, before
// the state changes otherwise.
func (m *Machine) Begin(env Env) *Batch {
	if env.MaxEntry == 0 {
		env.MaxEntry = DefaultMaxEntry
	}
	return &Batch{m: m, env: env, touched: map[string]bool{}, lastNumber: m.lastNumber, lastEvent: m.lastEvent, handedOver: m.handedOver}
}

// Add decides a command, and reports whether it belongs to the batch: false says that it
// touches what an earlier one does, or that the entry is full, so it has to be added to the
// next batch. An empty batch takes any command.
func (b *Batch) Add(c Command) bool {
	if b.full || b.size > 0 && b.size+len(c.content())+recordReserve > b.env.MaxEntry {
		return false
	}
	if c.conflicts(b) {
		return false
	}
	b.commands = append(b.commands, c)
	err := error(ErrClosed)
	if !b.m.closed || worksClosed(c) {
		err = c.decide(b)
	}
	c.refused(err)
	return true
}

// worksClosed reports whether a command also works on a bucket that was deleted: its last
// events are still handed over.
func worksClosed(c Command) bool {
	_, handing := c.(*HandedOver)
	return handing
}

// Entry is what has to be stored and applied; nil when no command changes anything.
func (b *Batch) Entry() []byte {
	if len(b.records) == 0 {
		return nil
	}
	e := Entry{Time: b.env.Now, FirstLive: b.m.log.base, lastNumber: b.lastNumber, lastEvent: b.lastEvent, handedOver: b.handedOver}
	return appendEntry(make([]byte, 0, b.size+64), &e, b.records, b.contents)
}

// Applied fills in the results of the commands: call it after the entry was applied, or
// when there was none.
func (b *Batch) Applied() {
	for _, c := range b.commands {
		if !c.isRefused() {
			c.applied(b.m)
		}
	}
}

// emit adds a record, and its content if that is to be in the entry.
func (b *Batch) emit(r record, content []byte) {
	if content != nil {
		r.flags |= flagInline
		r.content.Length = uint32(len(content))
		b.contents = append(b.contents, content)
	}
	if r.content.Blob != "" {
		r.flags |= flagBlob
	}
	n := len(b.records)
	b.records = r.append(b.records)
	b.size += len(b.records) - n + len(content)
}

// newNumber draws the number of a version, an upload or a removal.
func (b *Batch) newNumber() uint64 {
	b.lastNumber = max(b.lastNumber+1, uint64(max(0, b.env.Now.UnixMicro())))
	return b.lastNumber
}

// claim reports whether what a command touches was claimed before, and claims it.
func (b *Batch) claim(what string) (before bool) {
	_, before = b.touched[what]
	b.touched[what] = true
	return before
}

// What commands claim: a key, a version of it, an upload, a part.
func keyClaim(key string) string { return "k" + key }

func versionClaim(key string, v Version) string {
	return string(position("v"+key, v.Number).text) + map[bool]string{true: "n"}[v.Null]
}
