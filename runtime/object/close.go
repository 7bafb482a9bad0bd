package object

// A Close ends an empty bucket: all commands that come later are refused with ErrClosed.
// What was decided before it and is stored behind it cannot be: the log refuses it.
type Close struct{ Outcome }

func (c *Close) conflicts(b *Batch) bool { return len(b.commands) > 0 }

func (c *Close) decide(b *Batch) error {
	if !b.m.Empty() {
		return ErrNotEmpty
	}
	b.emit(record{kind: kindClosed}, nil)
	b.full = true
	return nil
}
