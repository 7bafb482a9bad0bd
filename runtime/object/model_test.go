package object

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/runtime/object/checksum"
	"millrace/runtime/object/notify"
)

// A model is what a bucket should be, in maps.
type model struct {
	versions map[string][]modelVersion // newest first
	uploads  map[string]*modelUpload   // by id
	events   []string
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

// A player plays random commands to a bucket and its model.
type player struct {
	*bucket
	*rand.Rand
	model   model
	uploads []string
	blobs   int
	bodies  map[string]string // by blob
}

// What random commands are about. Few keys meet often, and group in several ways.
var playedKeys = []string{"a", "a/", "a/b", "a/b/c", "a/b/d", "a//", "b", "b/x", "b/y", "\xff", "\xff\xff/1", "ä/ö", "c", "c\x00", "c\x00/z"}

func (p *player) pick(from []string) string {
	if len(from) == 0 {
		return ""
	}
	return from[p.IntN(len(from))]
}

func (p *player) body() (body string, inline []byte, content Content) {
	body = fmt.Sprintf("body %d", p.IntN(1000))
	switch p.IntN(4) {
	case 0:
		p.blobs++
		name := fmt.Sprintf("blob%d", p.blobs)
		p.bodies[name] = body
		return body, nil, Content{Blob: name}
	default:
		return body, []byte(body), Content{}
	}
}

func (p *player) version(key string) (v Version) {
	all := p.model.versions[key]
	switch n := p.IntN(4); {
	case n == 0:
		return Version{Null: true}
	case n == 1 && len(all) > 0:
		return Version{Number: all[p.IntN(len(all))].number}
	case n == 2:
		return Version{Number: 77}
	}
	return v
}

func (p *player) condition(key string) (c Condition) {
	switch p.IntN(8) {
	case 0:
		c.IfNoneMatch = true
	case 1:
		c.IfMatch = etagOf("other").String()
	case 2:
		if v := p.model.current(key); v != nil && v.parts == "" {
			c.IfMatch = etagOf(v.body).String()
		}
	}
	return c
}

// command makes a random command, and what it does to the model when it is done.
func (p *player) command() (Command, func()) {
	key := p.pick(playedKeys)
	switch n := p.IntN(20); {
	case n < 7:
		body, inline, content := p.body()
		c := put(key, body)
		c.Inline, c.Object.Content, c.Condition, c.By.Caller = inline, content, p.condition(key), "AWS:me"
		c.Object.Tags = []Tag{{"t", body}}
		return c, func() { p.donePut(c, body) }
	case n < 11:
		c := &Delete{Key: key, Version: p.version(key)}
		if p.IntN(4) == 0 {
			c.Condition = p.condition(key)
			c.Condition.IfNoneMatch = false
		}
		return c, func() { p.doneDelete(c) }
	case n < 12:
		c := &PutTags{Key: key, Version: p.version(key), Tags: []Tag{{"t", fmt.Sprint("tag ", p.IntN(9))}}}
		return c, func() { p.doneTags(c) }
	case n < 14:
		c := &CreateUpload{Upload: Upload{Key: key, Created: epoch, Initiator: "me"}}
		return c, func() {
			p.model.uploads[c.Created.ID] = &modelUpload{key: key, number: c.Created.Number, parts: map[int]string{}}
			p.uploads = append(p.uploads, c.Created.ID)
		}
	case n < 17:
		id := p.pick(p.uploads)
		if u := p.model.uploads[id]; u != nil {
			key = u.key
		}
		body, inline, content := p.body()
		sum := checksum.Of(checksum.CRC64NVME, []byte("12345678"))
		c := &PutPart{Key: key, Upload: id, Part: Part{Number: 1 + p.IntN(5), Size: MinPartSize, ETag: etagOf(body), Checksum: sum, Modified: epoch, Content: content}, Inline: inline}
		return c, func() {
			u := p.model.uploads[id]
			if (u == nil) != (c.Err == ErrNoSuchUpload) {
				p.Fatalf("part of %q: %v", id, c.Err)
			}
			if u != nil {
				u.parts[c.Part.Number] = body
			}
		}
	case n < 18:
		id := p.pick(p.uploads)
		if u := p.model.uploads[id]; u != nil {
			key = u.key
		}
		c := &Abort{Key: key, Upload: id}
		return c, func() {
			if (p.model.uploads[id] == nil) != (c.Err == ErrNoSuchUpload) {
				p.Fatalf("abort of %q: %v", id, c.Err)
			}
			delete(p.model.uploads, id)
		}
	default:
		return p.complete()
	}
}

func (p *player) complete() (Command, func()) {
	id := p.pick(p.uploads)
	u := p.model.uploads[id]
	c := &Complete{Key: p.pick(playedKeys), Upload: id, Modified: epoch, Size: -1}
	var bodies []string
	if u != nil {
		c.Key = u.key
		for _, n := range slices.Sorted(maps.Keys(u.parts)) {
			if p.IntN(5) > 0 {
				c.Parts = append(c.Parts, CompletedPart{Number: n, ETag: etagOf(u.parts[n]).String()})
				bodies = append(bodies, u.parts[n])
			}
		}
	}
	c.Condition = p.condition(c.Key)
	return c, func() { p.doneComplete(c, bodies) }
}

func (p *player) doneComplete(c *Complete, bodies []string) {
	u, want := p.model.uploads[c.Upload], error(nil)
	if u == nil {
		want = ErrNoSuchUpload
	} else if len(bodies) == 0 {
		want = ErrNoParts
	} else if v := p.model.current(c.Key); c.Condition.IfNoneMatch && v == nil && u.deleted {
		want = &ConcurrentWriteError{IfNoneMatch, c.Key}
	} else if c.Condition.IfMatch != "" && v != nil && v.number > u.number {
		want = &ConcurrentWriteError{IfMatch, c.Key}
	} else {
		want = p.check(c.Key, c.Condition)
	}
	if !reflect.DeepEqual(c.Err, want) {
		p.Fatalf("complete %q %+v: %v, want %v", c.Key, c.Condition, c.Err, want)
	}
	if want == nil {
		delete(p.model.uploads, c.Upload)
		p.model.put(c.Key, modelVersion{number: c.Stored.Number, null: c.Stored.Null, parts: strings.Join(bodies, "+")})
	}
}

func (p *player) check(key string, c Condition) error {
	v := p.model.current(key)
	switch {
	case c.IfNoneMatch && v != nil:
		return &PreconditionError{IfNoneMatch}
	case c.IfMatch == "":
		return nil
	case v == nil:
		return ErrNoSuchKey
	case v.parts != "" || c.IfMatch != etagOf(v.body).String():
		return &PreconditionError{IfMatch}
	}
	return nil
}

func (p *player) donePut(c *Put, body string) {
	if want := p.check(c.Object.Key, c.Condition); !reflect.DeepEqual(c.Err, want) {
		p.Fatalf("put %q %+v: %v, want %v", c.Object.Key, c.Condition, c.Err, want)
	}
	if c.Err == nil {
		p.model.put(c.Object.Key, modelVersion{number: c.Stored.Number, null: p.env.Versioning != VersioningEnabled, body: body, tag: body})
	}
}

func (p *player) doneDelete(c *Delete) {
	want := p.check(c.Key, c.Condition)
	if all := p.model.versions[c.Key]; want == ErrNoSuchKey && len(all) > 0 {
		want = &PreconditionError{IfMatch} // a delete marker
	}
	if !reflect.DeepEqual(c.Err, want) {
		p.Fatalf("delete %q %+v: %v, want %v", c.Key, c.Condition, c.Err, want)
	}
	if c.Err != nil {
		return
	}
	if c.Version == (Version{}) && p.env.Versioning != Unversioned {
		p.model.deleted(c.Key)
		p.model.put(c.Key, modelVersion{number: c.Marker.Number, null: c.Marker.Null, marker: true})
		return
	}
	i := p.model.find(c.Key, c.Version)
	if (i >= 0) != (c.Removed != nil) {
		p.Fatalf("delete %q %+v removed %+v of %+v", c.Key, c.Version, c.Removed, p.model.versions[c.Key])
	}
	if i >= 0 {
		p.model.remove(c.Key, i)
	}
}

func (p *player) doneTags(c *PutTags) {
	var want error
	i := p.model.find(c.Key, c.Version)
	switch {
	case i < 0 && c.Version == Version{}:
		want = ErrNoSuchKey
	case i < 0:
		want = ErrNoSuchVersion
	case p.model.versions[c.Key][i].marker:
		want = ErrIsMarker
	default:
		p.model.versions[c.Key][i].tag = c.Tags[0].Value
	}
	if c.Err != want {
		p.Fatalf("tag %q %+v: %v, want %v", c.Key, c.Version, c.Err, want)
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

// compare checks all that lookups say.
func (p *player) compare() {
	p.Helper()
	var all []string
	versions := 0
	for _, key := range slices.Sorted(maps.Keys(p.model.versions)) {
		for i, v := range p.model.versions[key] {
			all = append(all, p.showModel(key, v, i == 0))
			if !v.marker {
				versions++
			}
			got, ok := p.m.Get(key, Version{Number: v.number, Null: v.null && p.IntN(2) == 0})
			if want := p.showModel(key, v, i == 0); !ok || p.show(got) != want {
				p.Fatalf("got %s, want %s", p.show(got), want)
			}
		}
		null, ok := p.m.Get(key, Version{Null: true})
		if i := p.model.find(key, Version{Null: true}); (i >= 0) != ok || ok && null.Number != p.model.versions[key][i].number {
			p.Fatalf("null version of %q: %v %+v", key, ok, null)
		}
	}
	if p.m.Len() != versions || p.m.Empty() != (len(all) == 0) {
		p.Fatalf("%d versions, want %d", p.m.Len(), versions)
	}
	var listed []string
	for q := (VersionsQuery{Max: 1 + p.IntN(5)}); ; {
		page := p.m.ListVersions(q)
		for _, o := range page.Versions {
			full, _ := p.m.Get(o.Key, Version{Number: o.Number})
			if o.Latest != full.Latest || o.ETag != full.ETag || o.Size != full.Size {
				p.Fatalf("listed %+v, got %+v", o, full)
			}
			listed = append(listed, p.show(full))
		}
		if q.After, q.AfterVersion = page.Next, page.NextVersion; !page.More {
			break
		}
	}
	if !slices.Equal(listed, all) {
		p.Fatalf("versions:\n%s\nwant:\n%s", strings.Join(listed, "\n"), strings.Join(all, "\n"))
	}
	p.compareUploads()
	p.compareBlobs()
	for range 4 {
		p.compareList()
	}
}

func (p *player) showModel(key string, v modelVersion, latest bool) string {
	content := v.body
	if v.parts != "" {
		content = v.parts
	}
	if v.marker {
		content = ""
	}
	return fmt.Sprintf("%q %d null=%v marker=%v latest=%v %q %q", key, v.number, v.null, v.marker, latest, content, v.tag)
}

func (p *player) show(o Object) string {
	content, tag := "", ""
	switch {
	case len(o.Parts) > 0:
		var parts []string
		for _, part := range o.Parts {
			parts = append(parts, p.read(part.Content))
		}
		content = strings.Join(parts, "+")
	case !o.Marker:
		content = p.read(o.Content)
	}
	if len(o.Tags) > 0 {
		tag = o.Tags[0].Value
	}
	return fmt.Sprintf("%q %d null=%v marker=%v latest=%v %q %q", o.Key, o.Number, o.Null, o.Marker, o.Latest, content, tag)
}

// read reads a content, from an entry that must not have been purged.
func (p *player) read(c Content) string {
	if c.Blob != "" {
		if p.garbage[c.Blob] {
			p.Fatalf("blob %s is garbage", c.Blob)
		}
		return p.bodies[c.Blob]
	}
	if c.Entry < p.m.FirstLive() {
		p.Fatalf("content in entry %d, before the first live one %d", c.Entry, p.m.FirstLive())
	}
	return p.bucket.body(c)
}

func (p *player) compareUploads() {
	p.Helper()
	ids := slices.SortedFunc(maps.Keys(p.model.uploads), func(x, y string) int {
		u, v := p.model.uploads[x], p.model.uploads[y]
		return cmp.Or(strings.Compare(u.key, v.key), cmp.Compare(u.number, v.number))
	})
	var listed []string
	for q := (UploadsQuery{Max: 1 + p.IntN(3)}); ; {
		page := p.m.ListUploads(q)
		for _, u := range page.Uploads {
			listed = append(listed, u.ID)
		}
		if q.After, q.AfterUpload = page.Next, page.NextUpload; !page.More {
			break
		}
	}
	if !slices.Equal(listed, ids) {
		p.Fatalf("uploads %v, want %v", listed, ids)
	}
	for id, u := range p.model.uploads {
		got := map[int]string{}
		for after := 0; ; {
			page, ok := p.m.ListParts(u.key, id, after, 2)
			if !ok {
				p.Fatalf("no upload %s", id)
			}
			for _, part := range page.Parts {
				got[part.Number] = p.read(part.Content)
			}
			if after = page.Next; !page.More {
				break
			}
		}
		if !maps.Equal(got, u.parts) {
			p.Fatalf("parts %v, want %v", got, u.parts)
		}
	}
}

// compareBlobs checks that a blob that is not garbage is needed.
func (p *player) compareBlobs() {
	p.Helper()
	needed := map[string]bool{}
	p.m.Blobs(func(name string) bool {
		if needed[name] || p.garbage[name] {
			p.Fatalf("blob %s is needed twice, or garbage", name)
		}
		needed[name] = true
		return true
	})
}

// compareList checks the pages of a random listing against all keys.
func (p *player) compareList() {
	p.Helper()
	q := ListQuery{Prefix: p.pick([]string{"", "", "a", "a/", "b", "\xff", "c\x00"}), Delimiter: p.pick([]string{"", "/", "/", "b", "//", "\xff"}), Max: 1 + p.IntN(4)}
	q.After = p.pick(append([]string{"", "", "a/b/", "zzz", "a/a"}, playedKeys...))
	group := func(key string) string {
		rest, ok := strings.CutPrefix(key, q.Prefix)
		if i := strings.Index(rest, q.Delimiter); ok && q.Delimiter != "" && i >= 0 {
			return q.Prefix + rest[:i] + q.Delimiter
		}
		return ""
	}
	var want []string
	for _, key := range slices.Sorted(maps.Keys(p.model.versions)) {
		g := group(key)
		if p.model.current(key) == nil || !strings.HasPrefix(key, q.Prefix) || q.After != "" && key <= q.After || g != "" && group(q.After) == g {
			continue
		}
		if g == "" {
			want = append(want, key)
		} else if !slices.Contains(want, g+" group") {
			want = append(want, g+" group")
		}
	}
	start, got := q.After, []string(nil)
	for {
		page := p.m.List(q)
		var items []string
		for _, o := range page.Objects {
			items = append(items, o.Key)
		}
		for _, g := range page.Prefixes {
			items = append(items, g+" group")
		}
		slices.SortFunc(items, func(x, y string) int {
			return strings.Compare(strings.TrimSuffix(x, " group"), strings.TrimSuffix(y, " group"))
		})
		if got = append(got, items...); !page.More {
			break
		}
		if len(items) != q.Max {
			p.Fatalf("a page of %d, and there is more", len(items))
		}
		q.After = page.Next
	}
	if !slices.Equal(got, want) {
		p.Fatalf("list of %+v from %q: %q, want %q", q, start, got, want)
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
