package object

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"millrace/runtime/object/notify"
)

// A model is what a bucket should be, in maps.
type model struct {
	versions map[string][]modelVersion // newest first
	uploads  map[string]*modelUpload   // by id
}

type modelVersion struct {
	number       uint64
	null, marker bool
	body, tag    string
	parts        string
}

type modelUpload struct {
	key     string
	number  uint64
	deleted bool
	parts   map[int]string
}

func (m *model) current(key string) *modelVersion {
	if all := m.versions[key]; len(all) > 0 && !all[0].marker {
		return &all[0]
	}
	return nil
}

func (m *model) find(key string, v Version) int {
	return slices.IndexFunc(m.versions[key], func(have modelVersion) bool {
		return v == Version{} || v.Number == have.number || v.Null && have.null
	})
}

func (m *model) put(key string, v modelVersion) {
	all := m.versions[key]
	if v.null {
		all = slices.DeleteFunc(all, func(old modelVersion) bool { return old.null })
	}
	m.versions[key] = slices.Insert(all, 0, v)
}

func (m *model) deleted(key string) {
	for _, u := range m.uploads {
		u.deleted = u.deleted || u.key == key
	}
}

func (m *model) remove(key string, i int) {
	if i == 0 && !m.versions[key][0].marker {
		m.deleted(key)
	}
	if m.versions[key] = slices.Delete(m.versions[key], i, i+1); len(m.versions[key]) == 0 {
		delete(m.versions, key)
	}
}

// round plays one batch.
func (p *player) round() {
	p.env.Now = p.env.Now.Add(time.Duration(p.IntN(2000)-500) * time.Microsecond) // clocks also go back
	if p.IntN(50) == 0 && p.env.Versioning == Unversioned || p.IntN(20) == 0 && p.env.Versioning != Unversioned {
		p.env.Versioning = []Versioning{VersioningEnabled, VersioningSuspended}[p.IntN(2)]
	}
	batch := p.m.Begin(p.env)
	var done []func()
	if p.IntN(3) == 0 {
		for _, seq := range p.m.Movable(1 + p.IntN(4000)) {
			batch.Add(&Move{Seq: seq, Entry: p.log[seq-1]})
		}
	}
	for range 1 + p.IntN(4) {
		// All that a command is made of is of the state before the batch.
		c, then := p.command()
		if batch.Add(c) {
			done = append(done, then)
		}
	}
	if p.IntN(5) == 0 {
		if pending := p.m.Pending(0, 3); len(pending) > 0 {
			batch.Add(&HandedOver{UpTo: pending[len(pending)-1].Number})
		}
	}
	p.store(batch.Entry())
	batch.Applied()
	for _, then := range done {
		then()
	}
}

// stateOf is all that a machine holds, but for what only says how it came there.
func stateOf(t *testing.T, m *Machine) []byte {
	t.Helper()
	was := m.log.dead
	defer func() { m.log.dead = was }()
	m.log.dead = 0
	var b bytes.Buffer
	if err := m.Snapshot()(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// replay reads the log again from an entry on.
func (b *bucket) replay(m *Machine, from uint64) *Machine {
	b.Helper()
	for seq := from; seq <= uint64(len(b.log)); seq++ {
		if _, err := m.Apply(seq, b.log[seq-1]); err != nil {
			b.Fatal(err)
		}
	}
	return m
}

func TestModel(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			v := []Versioning{Unversioned, VersioningEnabled, VersioningSuspended}[seed%3]
			p := &player{bucket: newBucket(t, v), Rand: rand.New(rand.NewPCG(seed, 1)), bodies: map[string]string{}}
			p.model = model{versions: map[string][]modelVersion{}, uploads: map[string]*modelUpload{}}
			p.env.Matcher = notify.Compile(notify.Configuration{Destinations: []notify.Destination{
				{Kind: notify.Queue, ID: "1", ARN: "arn:aws:sqs:us-east-1:000000000000:q", Events: []string{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}, Filter: []notify.FilterRule{{Name: notify.Prefix, Value: "a"}}},
			}})
			var snapshot *Machine
			for i := range 400 {
				p.round()
				if i%10 == 0 {
					p.compare()
				}
				if i == 200 {
					write := p.m.Snapshot()
					p.round() // beside later batches
					var b bytes.Buffer
					if err := write(&b); err != nil {
						t.Fatal(err)
					}
					var err error
					if snapshot, err = Restore([16]byte{1}, &b); err != nil {
						t.Fatal(err)
					}
				}
			}
			want := stateOf(t, p.m)
			for name, m := range map[string]*Machine{
				"the whole log":             p.replay(New([16]byte{1}), 1),
				"the log from FirstLive on": p.replay(New([16]byte{1}), p.m.FirstLive()),
				"a snapshot and the rest":   p.replay(snapshot, snapshot.LastEntry()+1),
			} {
				if !bytes.Equal(stateOf(t, m), want) || !maps.Equal(m.nulls, p.m.nulls) {
					t.Errorf("after %s the state is another one", name)
				}
				live := p.m
				p.m = m
				p.compare()
				p.m = live
			}
		})
	}
}
