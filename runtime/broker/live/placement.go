package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"millrace/runtime/broker"
	"millrace/runtime/ca"
	"millrace/runtime/fault"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
)

// A placement is where a broker runs, for its whole life. It is stored before anything
// of the broker is started, and removed after all of it is gone.
type placement struct {
	ID, Account, Region string

	Driver string              // the one that holds its data
	Folder string              `json:",omitzero"` // of Site.Folder
	Nodes  []map[string]uint16 // ports of each node, by name
	Front  map[string]uint16   // ports of the endpoint before the nodes of a cluster; nil for a single node
	Served bool                // it has served since it was created

	Key []byte // the data key of Box, wrapped
	Box []byte // the secrets, of keys.Box
}

// secrets are what is sealed of a placement.
type secrets struct {
	Seed []byte  // of the engine
	TLS  ca.Pair // of the broker's listeners
}

// seal puts secrets into a placement. The box belongs to the broker's id, so that
// nobody can move it to another one.
func (p *placement) seal(ring broker.Keyring, s secrets) error {
	key, err := ring.DataKey("", p.Account, p.Region)
	if err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	p.Key, p.Box = key.Wrapped, keys.Box(key.AEAD, text, p.ID)
	return nil
}

// open returns the secrets of a placement.
func (p *placement) open(ring broker.Keyring) (s secrets, err error) {
	aead, err := ring.Unwrap(p.Key)
	if err != nil {
		return s, err
	}
	text, err := keys.Unbox(aead, p.Box, p.ID)
	if err != nil {
		return s, fmt.Errorf("the secrets of the broker are damaged: %w", err)
	}
	return s, json.Unmarshal(text, &s)
}

// node names the nodes of a broker for drivers, from 0 on.
func node(id string, n int) string { return fmt.Sprintf("%s-%d", id, n+1) }

// placements are those of all brokers of all runtimes that share the records.
type placements struct{ table *record.Table[placement] }

func newPlacements(records *record.Store) placements {
	return placements{record.NewTable[placement](records, "brokerplacement")}
}

// put stores a placement, new or changed.
func (t placements) put(ctx context.Context, p placement) error {
	err := t.table.Create(ctx, p.ID, p)
	if errors.Is(err, fault.Exists) {
		_, err = t.table.Update(ctx, p.ID, func(placement) (placement, error) { return p, nil })
	}
	return err
}

func (t placements) delete(ctx context.Context, id string) error {
	err := t.table.Delete(ctx, id)
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// taken reports whether a port was given to a broker.
func (t placements) taken(port uint16) bool {
	for _, p := range t.table.List("") {
		if p.has(port) {
			return true
		}
	}
	return false
}

// has reports whether a port was given to the broker.
func (p *placement) has(port uint16) bool {
	for _, ports := range append([]map[string]uint16{p.Front}, p.Nodes...) {
		for _, other := range ports {
			if other == port {
				return true
			}
		}
	}
	return false
}
