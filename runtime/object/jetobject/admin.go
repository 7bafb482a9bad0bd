package jetobject

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/object"
	"millrace/runtime/object/notify"
)

// A Draft is a bucket that is to be made.
type Draft struct {
	ID       object.ID
	Settings object.Settings
}

// Create makes a bucket. When the name is taken it returns the bucket that has it, and
// fault.Exists.
func (bs *Buckets) Create(ctx context.Context, d Draft) (*Bucket, error) {
	if _, err := bs.run(); err != nil {
		return nil, err
	}
	bs.adminMu.Lock()
	defer bs.adminMu.Unlock()
	there, err := bs.find(ctx, d.ID.Name)
	if err == nil {
		return there, fault.New(fault.Exists, "bucket %s exists already", d.ID.Name)
	}
	if !errors.Is(err, fault.NotFound) {
		return nil, err
	}
	if err := bs.config.Gate.Admit(0); err != nil {
		return nil, err
	}
	r := bucketRecord{ID: d.ID, Created: bs.config.Now().UTC().Truncate(time.Millisecond), Generation: newGeneration(), Secret: make([]byte, 16), Settings: d.Settings}
	rand.Read(r.Secret) // never fails
	err = bs.table.Create(ctx, d.ID.Name, r)
	if errors.Is(err, fault.Exists) { // another runtime was first
		if there, e := bs.Find(ctx, d.ID.Name); e == nil {
			return there, err
		}
	}
	if err != nil {
		return nil, err
	}
	return bs.add(r), nil
}

// find is Find, after the removal of a bucket that is deleted was finished. It is called with
// adminMu held.
func (bs *Buckets) find(ctx context.Context, name string) (*Bucket, error) {
	if b := bs.lookup(name); b != nil && b.removed.Load() {
		if err := bs.removeBucket(ctx, b); err != nil {
			return nil, err
		}
	}
	return bs.Find(ctx, name)
}

func newGeneration() uint64 {
	var b [8]byte
	rand.Read(b[:])                             // never fails
	return binary.BigEndian.Uint64(b[:])>>1 | 1 // never 0
}

// Find finds a bucket: fault.NotFound when there is none of this name.
func (bs *Buckets) Find(ctx context.Context, name string) (*Bucket, error) {
	if b := bs.lookup(name); b != nil {
		if b.removed.Load() {
			return nil, notFound(name)
		}
		return b, nil
	}
	if bs.config.Cluster == nil {
		return nil, notFound(name)
	}
	r, err := bs.table.Find(ctx, name) // another runtime may just have made it
	if errors.Is(err, fault.NotFound) {
		return nil, notFound(name)
	}
	if err != nil {
		return nil, err
	}
	return bs.add(r), nil
}

// All are the buckets of all accounts, by name.
func (bs *Buckets) All() []Info {
	var all []Info
	for _, b := range bs.all() {
		if !b.removed.Load() {
			all = append(all, b.Info())
		}
	}
	slices.SortFunc(all, func(a, b Info) int { return cmp.Compare(a.ID.Name, b.ID.Name) })
	return all
}

// Count is how many buckets there are, and how many versions of objects in those that were
// used since the start: to count the others, their logs would have to be read.
func (bs *Buckets) Count() (buckets, objects int) {
	for _, b := range bs.all() {
		if b.removed.Load() {
			continue
		}
		buckets++
		b.mu.RLock()
		if b.state.machine != nil {
			objects += b.state.machine.Len()
		}
		b.mu.RUnlock()
	}
	return buckets, objects
}

// Delete deletes a bucket: fault.NotFound when there is none, fault.Conflict when there is an
// object in it, a version of one, or a delete marker. Uploads under way end with it.
func (bs *Buckets) Delete(ctx context.Context, name string) error {
	if _, err := bs.run(); err != nil {
		return err
	}
	bs.adminMu.Lock()
	defer bs.adminMu.Unlock()
	b, err := bs.find(ctx, name)
	if err != nil {
		return err
	}
	if err := b.close(ctx); err != nil {
		return err
	}
	if err := b.handOverRest(ctx); err != nil {
		return err
	}
	return bs.removeBucket(ctx, b)
}

// close ends the log of a bucket if it is empty. Its record tells the next start to look
// whether it did.
func (b *Bucket) close(ctx context.Context) error {
	empty := false
	err := b.view(ctx, func(m *object.Machine) { empty = m.Empty() })
	if errors.Is(err, fault.NotFound) {
		return nil // it was closed before, and is to be removed
	}
	if err == nil && !empty {
		err = object.ErrNotEmpty
	}
	if err == nil {
		err = b.setDeleting(ctx, true)
	}
	if err != nil {
		return err
	}
	last := &object.Close{}
	if err := b.submit(ctx, &request{commands: []object.Command{last}}); err != nil {
		return err
	}
	if last.Err != nil && !errors.Is(last.Err, object.ErrClosed) {
		return errors.Join(last.Err, b.setDeleting(ctx, false))
	}
	return nil
}

func (b *Bucket) setDeleting(ctx context.Context, deleting bool) error {
	_, err := b.buckets.table.Unguarded().Update(ctx, b.ID().Name, func(r bucketRecord) (bucketRecord, error) {
		if r.Generation != b.generation {
			return r, b.gone()
		}
		r.Deleting = deleting
		return r, nil
	})
	return err
}

// removeBucket removes all that there is of a bucket, the record after the log: a log without
// a record is one that lost it.
func (bs *Buckets) removeBucket(ctx context.Context, b *Bucket) error {
	b.handover.cut()
	if err := b.remove(ctx); err != nil {
		return err
	}
	if err := bs.table.Delete(ctx, b.ID().Name); err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	bs.drop(b)
	err := errors.Join(bs.config.Blobs.RemoveBucket(ctx, b.blobs.bucket), bs.removeSnapshot(b), bs.checkpoints.remove(b.generation))
	if err != nil {
		bs.config.Log.Warn("removing what a deleted bucket has left failed: the next start tries again", "bucket", b.ID().Name, "err", err)
	}
	return nil
}

// remove has nothing be read or written anymore, and removes the log.
func (b *Bucket) remove(ctx context.Context) error {
	return b.submit(ctx, &request{alone: func(ctx context.Context) error {
		b.removed.Store(true)
		b.publisher.close()
		b.forget()
		if err := b.stream.remove(ctx); err != nil {
			return fault.Wrap(fault.Unavailable, err, "removing the log of bucket %s", b.ID().Name)
		}
		return nil
	}})
}

// Reset deletes all buckets with all that is in them.
func (bs *Buckets) Reset(ctx context.Context) error {
	bs.adminMu.Lock()
	defer bs.adminMu.Unlock()
	for _, b := range bs.all() {
		if err := bs.removeBucket(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// onRecord hears that another runtime has written or removed the record of a bucket.
func (bs *Buckets) onRecord(name string) {
	b := bs.lookup(name)
	r, ok := bs.table.Get(name)
	if b != nil && (!ok || r.Generation != b.generation) {
		b.removed.Store(true)
		bs.drop(b)
		b = nil
	}
	if !ok {
		return
	}
	if b == nil {
		bs.add(r)
		return
	}
	b.setRecord(r)
}

// bucketARN is the name of a bucket in the world.
func bucketARN(name string) string { return notify.BucketARN(name) }

// ARN is the bucket's name in the world.
func (b *Bucket) ARN() string { return bucketARN(b.ID().Name) }
