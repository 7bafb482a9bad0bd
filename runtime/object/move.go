package object

// A Move writes what is still live of an old entry into a new one, in its present state.
// From the new entry on it counts instead, wherever a reading of the log ends.
//
// Moves come before all other commands of their batch. An entry that has grown since, by
// tags, may not fit into one: what is left of it is still Movable then.
type Move struct {
	Seq   uint64
	Entry []byte // as the log has it

	Outcome
}

func (c *Move) conflicts(b *Batch) bool {
	for _, earlier := range b.commands {
		if _, moves := earlier.(*Move); !moves {
			return true
		}
	}
	return false
}

func (c *Move) content() []byte { return c.Entry }

func (c *Move) decide(b *Batch) error {
	e, err := ReadEntry(c.Entry)
	if err != nil {
		return err
	}
	for i := range e.records {
		if b.size > 0 && b.size+int(e.records[i].content.Length)+recordReserve > b.env.MaxEntry {
			return nil
		}
		c.move(b, &e.records[i])
	}
	return nil
}

func (c *Move) move(b *Batch, r *record) {
	switch r.kind {
	case kindVersion, kindCompleted:
		if it, ok := b.m.objects.get(r.key, newestFirst(r.number)); ok {
			c.moveItem(b, kindVersion, r, it, keyClaim(r.key))
		}
	case kindUpload:
		if it, ok := b.m.uploads.get(r.key, r.number); ok {
			c.moveItem(b, kindUpload, r, it, "u"+partKey(r.number))
		}
	case kindPart:
		if it, ok := b.m.parts.get(r.key, r.number); ok {
			c.moveItem(b, kindPart, r, it, "u"+r.key)
		}
	case kindEvent:
		b.moveEvent(c.Seq, r.number)
	}
}

// moveItem copies an item if its record or its content is in the entry. It claims what
// else would have to be decided on the item's old place.
func (c *Move) moveItem(b *Batch, k kind, r *record, it item, claim string) {
	p := it.place()
	here := p.flags&flagInline != 0 && p.content.Entry == c.Seq
	if p.entry != c.Seq && !here || b.claim(movedClaim(k, r)) {
		return
	}
	b.claim(claim)
	now := record{kind: k, key: r.key, number: r.number, flags: p.flags, content: p.content, rest: p.rest}
	var content []byte
	if from, to := int(p.content.Offset), int(p.content.Offset)+int(p.content.Length); here && to <= len(c.Entry) {
		now.content = Content{}
		content = c.Entry[from:to]
	} else if p.flags&flagInline != 0 {
		now.flags |= flagReference
	}
	b.emit(now, content)
}

// movedClaim is claimed once by what is moved: its record and its content may be in two
// entries.
func movedClaim(k kind, r *record) string {
	return string([]byte{'m', byte(k)}) + position(r.key, r.number).text
}

func (b *Batch) moveEvent(seq, number uint64) {
	if i, ok := b.m.findEvent(number); ok && b.m.pending[i].entry == seq {
		b.emit(record{kind: kindEvent, number: number, rest: b.m.pending[i].data}, nil)
	}
}
