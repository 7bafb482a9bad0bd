package jetqueue

import "sync/atomic"

// An intact asks Options.Intact whether what JetStream has acknowledged is where
// the next start finds it.
type intact struct {
	ask    func() error // nil: it always is
	failed atomic.Bool
}

// stored is asked of each entry before its commands are answered.
func (i *intact) stored() error {
	if i.ask == nil {
		return nil
	}
	err := i.ask()
	i.failed.Store(err != nil)
	return err
}

// begin is asked before a command that writes is taken on. It costs nothing until
// an entry was not stored; then nothing is written until all is well again.
func (i *intact) begin() error {
	if !i.failed.Load() {
		return nil
	}
	return i.stored()
}
