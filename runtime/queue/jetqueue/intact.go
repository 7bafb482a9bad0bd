package jetqueue

import "sync/atomic"

// An intact asks Options.Intact whether what JetStream has acknowledged is where
// the next start finds it.
type intact struct {
	ask    func() error // nil: it always is
	failed atomic.Bool
	looks  atomic.Uint64 // that have begun
	well   atomic.Uint64 // the last of them that found all well
}

// stored is asked of each entry before its commands are answered. since is how many
// looks had begun when they were taken on: a later look serves all entries that
// were under way at it, since what happens after it might as well happen after
// their answers.
func (i *intact) stored(since uint64) error {
	if i.ask == nil || i.well.Load() > since && !i.failed.Load() {
		return nil
	}
	return i.look()
}

func (i *intact) look() error {
	n := i.looks.Add(1)
	err := i.ask()
	i.failed.Store(err != nil)
	if err == nil {
		i.well.Store(n)
	}
	return err
}

// begin is asked before a command that writes is taken on. It costs nothing until
// an entry was not stored; then nothing is written until all is well again.
func (i *intact) begin() error {
	if !i.failed.Load() {
		return nil
	}
	return i.look()
}
