package streams

import "sync/atomic"

// A StorageCheck asks Verify whether the next start would find what JetStream acknowledged.
type StorageCheck struct {
	Verify func() error // nil: nothing is checked

	failed atomic.Bool
	begun  atomic.Uint64 // checks
	passed atomic.Uint64 // the last check that found no error
}

// Begun is how many checks have begun: what is published now needs a later one.
func (c *StorageCheck) Begun() uint64 { return c.begun.Load() }

// AfterStore is called when an entry is stored, before its callers are answered. since is
// what Begun was when it was published. A later check that passed covers all that was
// under way when it began: what happens afterwards might as well happen after the answers.
func (c *StorageCheck) AfterStore(since uint64) error {
	if c.Verify == nil || c.passed.Load() > since && !c.failed.Load() {
		return nil
	}
	return c.run()
}

// BeforeWrite is called before anything is written. It is free until a check has failed;
// then nothing is written until one passes.
func (c *StorageCheck) BeforeWrite() error {
	if !c.failed.Load() {
		return nil
	}
	return c.run()
}

func (c *StorageCheck) run() error {
	n := c.begun.Add(1)
	err := c.Verify()
	c.failed.Store(err != nil)
	if err == nil {
		c.passed.Store(n)
	}
	return err
}
