package object

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

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
