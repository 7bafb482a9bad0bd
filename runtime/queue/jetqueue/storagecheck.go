package jetqueue

import "sync/atomic"

// A storageCheck calls Options.VerifyStored, which finds out whether the next start
// would find what JetStream acknowledged.
type storageCheck struct {
	verify     func() error // nil: nothing is checked
	failed     atomic.Bool
	started    atomic.Uint64 // checks begun so far
	lastPassed atomic.Uint64 // the last check that found no error
}

// afterStore is called for each stored entry before its commands are answered. since
// is how many checks had begun when the entry was appended. A later check that
// passed covers all entries that were under way when it began: what happens
// afterwards might as well happen after the answers.
func (i *storageCheck) afterStore(since uint64) error {
	if i.verify == nil || i.lastPassed.Load() > since && !i.failed.Load() {
		return nil
	}
	return i.run()
}

func (i *storageCheck) run() error {
	n := i.started.Add(1)
	err := i.verify()
	i.failed.Store(err != nil)
	if err == nil {
		i.lastPassed.Store(n)
	}
	return err
}

// beforeWrite is called before a command that writes. It is free until a check has
// failed; then nothing is written until a check passes.
func (i *storageCheck) beforeWrite() error {
	if !i.failed.Load() {
		return nil
	}
	return i.run()
}
