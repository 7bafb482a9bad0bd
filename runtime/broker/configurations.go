package broker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"millrace/runtime/fault"
	"millrace/runtime/store/record"
)

// Configurations are the configurations of brokers. Safe for concurrent use; Brokers
// has them.
type Configurations struct {
	table     *record.Table[Configuration]
	revisions *record.Table[Revision]
	brokers   *Brokers
}

func newConfigurations(s *record.Store, b *Brokers) *Configurations {
	return &Configurations{record.NewTable[Configuration](s, "brokerconfiguration"), record.NewTable[Revision](s, "brokerrevision"), b}
}

// Create stores a configuration with its first revision, under a new id. The name must be
// free unless the configuration is one that a broker gets for itself.
func (cs *Configurations) Create(ctx context.Context, c Configuration, first Revision, ofBroker bool) (Configuration, error) {
	cs.brokers.mu.Lock()
	defer cs.brokers.mu.Unlock()
	if !ofBroker {
		for _, other := range cs.List(c.Account, c.Region) {
			if other.Name == c.Name {
				return c, refuse(fault.Conflict, "name", "Configuration with name [%s] already exists.", c.Name)
			}
		}
	}
	c.ID = "c-" + uuid.NewString()
	c.Created = time.Now().UTC()
	first.Number, first.Created = 1, c.Created
	// The text first: a record names no text that is not there.
	if err := cs.revisions.Create(ctx, revisionKey(&c, 1), first); err != nil {
		return c, err
	}
	c.Latest = withoutData(first)
	return c, cs.table.Create(ctx, c.key(), c)
}

func withoutData(r Revision) Revision {
	r.Data = nil
	return r
}

// revisionKey orders revisions by their numbers.
func revisionKey(c *Configuration, n int) string { return fmt.Sprintf("%s/%06d", c.key(), n) }

// Get finds a configuration of an account in a region.
func (cs *Configurations) Get(ctx context.Context, account, region, id string) (Configuration, error) {
	c := Configuration{ID: id, Account: account, Region: region}
	if !isID(id, "c-") {
		return c, noConfiguration(id)
	}
	c, err := cs.table.Find(ctx, c.key())
	if errors.Is(err, fault.NotFound) {
		err = noConfiguration(id)
	}
	return c, err
}

// isID reports whether a text has the form of an id, so that it may be a part of a key.
func isID(id, prefix string) bool {
	rest, ok := strings.CutPrefix(id, prefix)
	if !ok || len(rest) != 36 {
		return false
	}
	u, err := uuid.Parse(rest)
	return err == nil && u.String() == rest
}

// List returns the configurations of an account in a region, by name and then id.
func (cs *Configurations) List(account, region string) []Configuration {
	all := cs.table.List(account + "/" + region + "/")
	slices.SortFunc(all, func(a, b Configuration) int { return strings.Compare(a.SortKey(), b.SortKey()) })
	return all
}

// SortKey orders configurations by name and then id.
func (c Configuration) SortKey() string { return c.Name + "/" + c.ID }

// Append stores a new text, as the latest revision. limit bounds their number; 0 for none.
func (cs *Configurations) Append(ctx context.Context, c Configuration, r Revision, limit int) (Configuration, error) {
	for {
		c, err := cs.Get(ctx, c.Account, c.Region, c.ID)
		if err != nil {
			return c, err
		}
		if limit > 0 && c.Latest.Number >= limit {
			return c, refuse(fault.Invalid, "configuration_id", "Configuration [%s] has the maximum of [%d] revisions.", c.ID, limit)
		}
		next := r
		next.Number, next.Created = c.Latest.Number+1, time.Now().UTC()
		// The text first: a record names no text that is not there. What is in its place
		// is another writer's, who may have been killed: its revision is completed, and
		// ours comes behind it.
		mine := true
		if err := cs.revisions.Create(ctx, revisionKey(&c, next.Number), next); errors.Is(err, fault.Exists) {
			mine = false
			next, err = cs.revisions.Find(ctx, revisionKey(&c, next.Number))
			if errors.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return c, err
			}
		} else if err != nil {
			return c, err
		}
		after, err := cs.table.Update(ctx, c.key(), func(now Configuration) (Configuration, error) {
			if now.Latest.Number < next.Number {
				now.Latest = withoutData(next)
			}
			return now, nil
		})
		if errors.Is(err, fault.NotFound) {
			return c, noConfiguration(c.ID)
		}
		if err != nil || mine {
			return after, err
		}
	}
}

// Revision returns a revision with its text.
func (cs *Configurations) Revision(ctx context.Context, c Configuration, n int) (Revision, error) {
	if n < 1 || n > c.Latest.Number {
		return Revision{}, refuse(fault.NotFound, "configuration_revision", "Can't find revision [%d] of configuration [%s].", n, c.ID)
	}
	return cs.revisions.Find(ctx, revisionKey(&c, n))
}

// Revisions returns all revisions in the order of their numbers, without their texts.
func (cs *Configurations) Revisions(c Configuration) (all []Revision) {
	for _, r := range cs.revisions.List(c.key() + "/") {
		if r.Number <= c.Latest.Number {
			all = append(all, withoutData(r))
		}
	}
	return all
}

// Delete removes a configuration that no broker uses.
func (cs *Configurations) Delete(ctx context.Context, c Configuration) error {
	cs.brokers.mu.Lock()
	defer cs.brokers.mu.Unlock()
	for _, b := range cs.brokers.List(c.Account, c.Region) {
		if b.State != Deleting && b.Uses(c.ID) {
			return refuse(fault.Conflict, "", "Configuration [%s] is in use by broker [%s].", c.ID, b.ID)
		}
	}
	if err := cs.table.Delete(ctx, c.key()); err != nil {
		return err
	}
	return cs.sweep(ctx, c)
}

// sweep removes the texts of a configuration that is gone.
func (cs *Configurations) sweep(ctx context.Context, c Configuration) error {
	for _, key := range cs.revisions.Keys(c.key() + "/") {
		if err := cs.revisions.Delete(ctx, key); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// sweepAll removes the texts that a killed runtime left without a configuration. Young
// ones may be those of a configuration that another runtime is about to store.
func (cs *Configurations) sweepAll(ctx context.Context) error {
	known := map[string]bool{}
	for _, key := range cs.table.Keys("") {
		known[key] = true
	}
	for _, key := range cs.revisions.Keys("") {
		if known[key[:strings.LastIndexByte(key, '/')]] {
			continue
		}
		if r, ok := cs.revisions.Get(key); !ok || time.Since(r.Created) < time.Minute {
			continue
		}
		if err := cs.revisions.Delete(ctx, key); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// Tag changes the tags of a configuration.
func (cs *Configurations) Tag(ctx context.Context, c Configuration, change func(map[string]string) (map[string]string, error)) error {
	_, err := cs.table.Update(ctx, c.key(), func(c Configuration) (_ Configuration, err error) {
		c.Tags, err = change(maps.Clone(c.Tags))
		return c, err
	})
	if errors.Is(err, fault.NotFound) {
		err = noConfiguration(c.ID)
	}
	return err
}
