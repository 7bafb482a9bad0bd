package ledger

import (
	"slices"
	"strings"
	"testing"
)

const (
	created = "ObjectCreated:Put"
	anyKey  = "k"
)

// shelf is a bucket with one key, and events in their order.
type shelf struct {
	*Objects
	seq byte
}

func contentOf(etag string) Content { return Content{ETag: etag, Size: 1} }

func (s *shelf) asks(etag string) func(string) {
	return s.Writing(ObjectWrite{Key: anyKey, Event: created, Content: contentOf(etag)})
}

func (s *shelf) put(etag, version string) { s.asks(etag)(version) }

func (s *shelf) reads(etag string) {
	if c := contentOf(etag); etag == "" {
		s.Read(anyKey, nil)
	} else {
		s.Read(anyKey, &c)
	}
}

func (s *shelf) told(event, etag, version string) {
	s.seq++
	s.Told(ObjectEvent{Key: anyKey, Event: event, ETag: etag, Version: version, Sequencer: string('a' + rune(s.seq))})
}

func (s *shelf) deletes() func(string) {
	return s.Writing(ObjectWrite{Key: anyKey, Event: removed})
}

func (s *shelf) unversions(id string) func(string) {
	return s.Writing(ObjectWrite{Key: anyKey, Event: removed, Version: id})
}

func (s *shelf) lists(versions ...string) { // "id etag", the newest first
	var all []Version
	for i, v := range versions {
		id, etag, _ := strings.Cut(v, " ")
		size := int64(1)
		if etag == "" {
			size = 0
		}
		all = append(all, Version{ID: id, ETag: etag, Size: size, Latest: i == 0})
	}
	at := slices.IndexFunc(all, func(v Version) bool { return v.ETag != "" }) // markers are the newest here
	if at < 0 {
		at = len(all)
	}
	s.Versions(anyKey, all[at:], all[:at])
}

func TestObjects(t *testing.T) {
	for name, test := range map[string]struct {
		story  func(s *shelf)
		untold []string
		err    string // a part of it; "" for none
	}{
		"all is well": {func(s *shelf) { s.put("a", ""); s.reads("a"); s.told(created, "a", "") }, nil, ""},
		"lost":        {func(s *shelf) { s.put("a", ""); s.reads(""); s.told(created, "a", "") }, nil, "k is not there"},
		"invented":    {func(s *shelf) { s.reads("a") }, nil, "nobody wrote"},
		"old": {func(s *shelf) {
			s.put("a", "")
			s.put("b", "")
			s.reads("a")
			s.told(created, "a", "")
			s.told(created, "b", "")
		}, nil, "not b"},
		"returned": {func(s *shelf) {
			s.put("a", "")
			s.deletes()("")
			s.reads("a")
			s.told(created, "a", "")
			s.told(removed, "", "")
		}, nil, "k is a"},
		"no answer, happened": {func(s *shelf) {
			s.put("a", "")
			s.asks("b")
			s.reads("b")
			s.told(created, "a", "")
			s.told(created, "b", "")
		}, nil, ""},
		"no answer, happened, untold":  {func(s *shelf) { s.asks("b"); s.reads("b") }, []string{"k: " + created + " b"}, ""},
		"no answer, did not happen":    {func(s *shelf) { s.put("a", ""); s.asks("b"); s.reads("a"); s.told(created, "a", "") }, nil, ""},
		"it did, after it had not":     {func(s *shelf) { s.asks("b"); s.reads(""); s.reads("b") }, nil, "nobody wrote"},
		"told of what did not happen":  {func(s *shelf) { s.asks("b"); s.reads(""); s.told(created, "b", "") }, []string{"k: out of order"}, ""},
		"told in another order":        {func(s *shelf) { s.put("a", ""); s.put("b", ""); s.told(created, "b", ""); s.told(created, "a", "") }, []string{"k: ObjectCreated:Put a", "k: out of order"}, ""},
		"told of a removal of nothing": {func(s *shelf) { s.deletes()(""); s.deletes()("") }, nil, ""},
		"untold of a removal":          {func(s *shelf) { s.put("a", ""); s.deletes()(""); s.told(created, "a", "") }, []string{"k: ObjectRemoved:Delete"}, ""},
		"damaged":                      {func(s *shelf) { s.asks("a"); s.Read(anyKey, &Content{ETag: "a", Size: 2}) }, []string{"k: " + created + " a"}, "2 bytes"},
		"a tag": {func(s *shelf) {
			s.put("a", "")
			s.Tagging(anyKey, "x")()
			s.Read(anyKey, &Content{ETag: "a", Size: 1, Tag: "x"})
			s.told(created, "a", "")
		}, nil, ""},
		"a tag that is lost": {func(s *shelf) { s.put("a", ""); s.Tagging(anyKey, "x")(); s.reads("a"); s.told(created, "a", "") }, nil, "has the tag"},
		"a tag, no answer":   {func(s *shelf) { s.put("a", ""); s.Tagging(anyKey, "x"); s.reads("a"); s.told(created, "a", "") }, nil, ""},
	} {
		t.Run(name, func(t *testing.T) { tellShelf(t, false, test.story, test.untold, test.err) })
	}
}

func TestVersionsOfObjects(t *testing.T) {
	for name, test := range map[string]struct {
		story  func(s *shelf)
		untold []string
		err    string
	}{
		"all is well": {func(s *shelf) {
			s.put("a", "1")
			s.put("b", "2")
			s.lists("2 b", "1 a")
			s.told(created, "a", "1")
			s.told(created, "b", "2")
		}, nil, ""},
		"lost": {func(s *shelf) {
			s.put("a", "1")
			s.put("b", "2")
			s.lists("2 b")
			s.told(created, "a", "1")
			s.told(created, "b", "2")
		}, nil, "lost version 1"},
		"order": {func(s *shelf) {
			s.put("a", "1")
			s.put("b", "2")
			s.lists("1 a", "2 b")
			s.told(created, "a", "1")
			s.told(created, "b", "2")
		}, nil, "lost version 1"},
		"no answer, happened": {func(s *shelf) {
			s.put("a", "1")
			s.asks("b")
			s.lists("2 b", "1 a")
			s.told(created, "a", "1")
			s.told(created, "b", "2")
		}, nil, ""},
		"no answer, did not": {func(s *shelf) { s.put("a", "1"); s.asks("b"); s.lists("1 a"); s.told(created, "a", "1") }, nil, ""},
		"removed": {func(s *shelf) {
			s.put("a", "1")
			s.unversions("1")("")
			s.lists()
			s.told(created, "a", "1")
			s.told(removed, "", "1")
		}, nil, ""},
		"removed, and again": {func(s *shelf) {
			s.put("a", "1")
			s.unversions("1")("")
			s.lists("1 a")
			s.told(created, "a", "1")
			s.told(removed, "", "1")
		}, nil, "again"},
		"removal, no answer": {func(s *shelf) { s.put("a", "1"); s.unversions("1"); s.lists(); s.told(created, "a", "1") }, []string{"k: ObjectRemoved:Delete"}, ""},
		"removal did not":    {func(s *shelf) { s.put("a", "1"); s.unversions("1"); s.lists("1 a"); s.told(created, "a", "1") }, nil, ""},
		"a marker": {func(s *shelf) {
			s.put("a", "1")
			s.Writing(ObjectWrite{Key: anyKey, Event: marked})("2")
			s.lists("2 ", "1 a")
			s.told(created, "a", "1")
			s.told(marked, "", "2")
		}, nil, ""},
		"a marker, no answer": {func(s *shelf) {
			s.Writing(ObjectWrite{Key: anyKey, Event: marked})
			s.lists("2 ")
			s.told(marked, "", "2")
		}, nil, ""},
		"told of another version": {func(s *shelf) { s.put("a", "1"); s.told(created, "a", "2") }, []string{"k: ObjectCreated:Put a", "k: out of order"}, ""},
	} {
		t.Run(name, func(t *testing.T) { tellShelf(t, true, test.story, test.untold, test.err) })
	}
}

// tellShelf tells a story, and holds what the books say of it against what they should.
func tellShelf(t *testing.T, versioned bool, story func(*shelf), untold []string, want string) {
	t.Helper()
	s := &shelf{Objects: NewObjects(versioned, func(string, string) bool { return true })}
	story(s)
	got := s.Untold()
	if len(got) != len(untold) || !slices.EqualFunc(got, untold, strings.HasPrefix) {
		t.Errorf("untold are %q, want %q", got, untold)
	}
	switch err := s.Err(); {
	case want == "" && err != nil:
		t.Errorf("wrong is %v, want nothing", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("wrong is %v, want %q", err, want)
	}
}

func TestUploadsOfObjects(t *testing.T) {
	one := map[string]string{"u": anyKey}
	for name, test := range map[string]struct {
		story func(s *shelf)
		err   string
	}{
		"open":               {func(s *shelf) { s.Creating(anyKey)("u"); s.ListedUploads(one) }, ""},
		"lost":               {func(s *shelf) { s.Creating(anyKey)("u"); s.ListedUploads(nil) }, "is listed: false"},
		"invented":           {func(s *shelf) { s.ListedUploads(one) }, "nobody made"},
		"no answer":          {func(s *shelf) { s.Creating(anyKey); s.ListedUploads(one) }, ""},
		"aborted, and there": {func(s *shelf) { s.Creating(anyKey)("u"); s.Aborting("u")(); s.ListedUploads(one) }, "has ended"},
		"abort without word": {func(s *shelf) { s.Creating(anyKey)("u"); s.Aborting("u"); s.ListedUploads(one) }, ""},
		"a part": {func(s *shelf) {
			s.Creating(anyKey)("u")
			s.Uploading("u", 1, "a")()
			s.ListedParts("u", map[int]string{1: "a"})
		}, ""},
		"a part that is lost": {func(s *shelf) { s.Creating(anyKey)("u"); s.Uploading("u", 1, "a")(); s.ListedParts("u", nil) }, "is lost"},
		"a part, no answer":   {func(s *shelf) { s.Creating(anyKey)("u"); s.Uploading("u", 1, "a"); s.ListedParts("u", nil) }, ""},
		"a part of nobody":    {func(s *shelf) { s.Creating(anyKey)("u"); s.ListedParts("u", map[int]string{1: "a"}) }, "part 1"},
		"object and upload": {func(s *shelf) {
			s.Creating(anyKey)("u")
			s.Completing("u", ObjectWrite{Key: anyKey, Event: created, Content: contentOf("a")})
			s.reads("a")
			s.ListedUploads(one)
		}, "has ended"},
		"neither object nor upload": {func(s *shelf) {
			s.Creating(anyKey)("u")
			s.Completing("u", ObjectWrite{Key: anyKey, Event: created, Content: contentOf("a")})
			s.reads("")
			s.ListedUploads(nil)
		}, "is listed: false"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &shelf{Objects: NewObjects(false, func(string, string) bool { return false })}
			test.story(s)
			switch err := s.Err(); {
			case test.err == "" && err != nil:
				t.Errorf("wrong is %v, want nothing", err)
			case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
				t.Errorf("wrong is %v, want %q", err, test.err)
			}
		})
	}
}
