package object

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"

	"millrace/runtime/object/checksum"
)

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
