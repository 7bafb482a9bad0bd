package jetobject

import "sync/atomic"

// A storageCheck calls Config.VerifyStored, which finds out whether the next start would
// find what JetStream acknowledged.
type storageCheck struct {
	verify func() error // nil: nothing is checked
	failed atomic.Bool
	begun  atomic.Uint64 // checks
	passed atomic.Uint64 // the last check that found no error
}

// afterStore is called when an entry is stored, before its callers are answered. since is
// how many checks had begun when it was published. A later check that passed covers all
// that was under way when it began.
func (c *storageCheck) afterStore(since uint64) error {
	if c.verify == nil || c.passed.Load() > since && !c.failed.Load() {
		return nil
	}
	return c.run()
}

// beforeWrite is free until a check has failed; then nothing is written until one passes.
func (c *storageCheck) beforeWrite() error {
	if !c.failed.Load() {
		return nil
	}
	return c.run()
}

func (c *storageCheck) run() error {
	n := c.begun.Add(1)
	err := c.verify()
	c.failed.Store(err != nil)
	if err == nil {
		c.passed.Store(n)
	}
	return err
}
