package object

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"millrace/runtime/object/checksum"
	"millrace/runtime/object/notify"
	"millrace/test/transcript"
)

// TestTranscripts talks to a bucket. A transcript is commands, each followed by a line ----
// and the answer; lines that begin with # are for the reader. Versions are called v1, v2, …
// and uploads u1, u2, … in the order in which they were first answered.
//
//	versioning Enabled|Suspended
//	put key body [if-match=body|none] [if-none-match]
//	copy key body                       a put that CopyObject makes
//	delete key [v1|null] [if-match=body|*]
//	tag key a=1 …, untag key            both: [version=v1|null]
//	create key [composite=SHA256] [full=CRC32]
//	part u1 1 body [size=5]             of 5 MiB, unless a size in bytes is said
//	complete u1 1 2 … [if-match=body] [if-none-match] [size=5] [wrong=2]  the ETag of part 2 is wrong
//	abort u1
//	get key [v1|null]
//	list, versions, uploads             [prefix=p] [delimiter=/] [max=2]: all pages
//	parts u1
//	events                              that wait, and hands them over
//	together                            the lines behind it, up to an empty one, in one batch
//	restart                             replays the log
func TestTranscripts(t *testing.T) {
	transcript.Play(t, "testdata/transcripts/*.txt", func(t *testing.T, text string) string {
		s := &transcriptRunner{bucket: newBucket(t, Unversioned), bodies: map[checksum.ETag]string{}}
		s.env.Matcher = notify.Compile(notify.Configuration{Destinations: []notify.Destination{{
			Kind: notify.Queue, ID: "1", ARN: "arn:aws:sqs:us-east-1:000000000000:q",
			Events: []string{"s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"},
		}}})
		return s.run(text)
	})
}

type transcriptRunner struct {
	*bucket
	versions []uint64
	uploads  []string
	bodies   map[checksum.ETag]string
	out      strings.Builder
}

func (s *transcriptRunner) run(text string) string {
	var told strings.Builder
	for i, ask := range transcript.Blocks(text) {
		if i > 0 {
			told.WriteString("\n")
		}
		told.WriteString(ask + "\n")
		lines := slices.DeleteFunc(strings.Split(ask, "\n"), func(line string) bool { return strings.HasPrefix(line, "#") })
		if len(lines) > 0 {
			s.out.Reset()
			s.env.Now = s.env.Now.Add(time.Second)
			s.runCommands(lines)
			told.WriteString("----\n" + s.out.String())
		}
	}
	return told.String()
}

func (s *transcriptRunner) printf(format string, args ...any) {
	fmt.Fprintf(&s.out, format+"\n", args...)
}

// runCommands runs lines one after another, or those behind "together" in one batch.
func (s *transcriptRunner) runCommands(lines []string) {
	if lines[0] != "together" {
		for _, line := range lines {
			if c, then := s.command(line); c != nil {
				s.do(c)
				s.answer(c, then)
			}
		}
		return
	}
	batch := s.m.Begin(s.env)
	var answers []func()
	for _, line := range lines[1:] {
		c, then := s.command(line)
		if !batch.Add(c) {
			answers = append(answers, func() { s.printf("waits for the next batch") })
			continue
		}
		answers = append(answers, func() { s.answer(c, then) })
	}
	s.store(batch.Entry())
	batch.Applied()
	for _, answer := range answers {
		answer()
	}
}

func (s *transcriptRunner) answer(c Command, then func()) {
	if err := errOf(c); err != nil {
		kind := strings.TrimPrefix(fmt.Sprintf("%T", err), "*object.")
		if strings.HasPrefix(kind, "*fault") {
			kind = ""
		}
		s.printf("%s", strings.TrimSpace(kind+" "+err.Error()))
		return
	}
	then()
}

// words splits a command into its words and its options.
func words(line string) (rest []string, options map[string]string) {
	options = map[string]string{}
	for _, w := range strings.Fields(line) {
		if k, v, ok := strings.Cut(w, "="); ok {
			options[k] = v
		} else {
			rest = append(rest, w)
		}
	}
	return rest, options
}

// command makes the command of a line, and what it answers; nil when it has done
// everything itself.
func (s *transcriptRunner) command(line string) (Command, func()) {
	w, options := words(line)
	key := ""
	if len(w) > 1 {
		key = w[1]
	}
	condition := Condition{IfMatch: options["if-match"], IfNoneMatch: slices.Contains(w, "if-none-match")}
	if condition.IfMatch != "" && condition.IfMatch != "*" {
		condition.IfMatch = etagOf(condition.IfMatch).String()
	}
	if v := options["version"]; v != "" {
		w = append(w, v)
	}
	switch w[0] {
	case "put", "copy":
		c := put(key, w[2])
		c.Condition, s.bodies[c.Object.ETag] = condition, w[2]
		if w[0] == "copy" {
			c.Event = notify.ObjectCreatedCopy
		}
		return c, func() { s.printf("%s", s.name(c.Stored)) }
	case "delete":
		c := &Delete{Key: key, Condition: condition, Version: s.version(w)}
		return c, func() { s.deleted(c) }
	case "tag", "untag":
		c := &PutTags{Key: key, Version: s.version(w), Delete: w[0] == "untag"}
		for k, v := range options {
			if k != "version" {
				c.Tags = append(c.Tags, Tag{k, v})
			}
		}
		return c, func() { s.printf("%s", s.name(c.Stored)) }
	case "create", "part", "complete", "abort", "parts":
		return s.uploadCommand(w, options, condition)
	}
	s.look(w, options)
	return nil, nil
}

func (s *transcriptRunner) uploadCommand(w []string, options map[string]string, condition Condition) (Command, func()) {
	if w[0] == "create" {
		u := Upload{Key: w[1], Created: s.env.Now}
		if a, ok := checksum.ParseAlgorithm(options["composite"]); ok {
			u.Algorithm, u.Type = a, checksum.Composite
		} else if a, ok := checksum.ParseAlgorithm(options["full"]); ok {
			u.Algorithm, u.Type = a, checksum.FullObject
		}
		c := &CreateUpload{Upload: u}
		return c, func() {
			s.uploads = append(s.uploads, c.Created.ID)
			s.printf("u%d", len(s.uploads))
		}
	}
	i, err := strconv.Atoi(w[1][1:])
	if err != nil || i > len(s.uploads) {
		s.Fatalf("%v", w)
	}
	id := s.uploads[i-1]
	number, _ := s.m.parseUploadID(id)
	key, algorithm := "", checksum.CRC64NVME
	s.m.uploads.Scan(func(it item) bool {
		if u := s.m.upload(it); u.Number == number {
			if key = u.Key; u.Algorithm != checksum.None {
				algorithm = u.Algorithm
			}
		}
		return true
	})
	if key == "" {
		key = "k" // of an upload that has ended
	}
	switch w[0] {
	case "part":
		n, _ := strconv.Atoi(w[2])
		p := Part{Number: n, ETag: etagOf(w[3]), Size: MinPartSize, Modified: s.env.Now}
		if options["size"] != "" {
			p.Size, _ = strconv.ParseInt(options["size"], 10, 64)
		}
		h := checksum.New(algorithm)
		h.Write([]byte(w[3]))
		p.Checksum = checksum.Of(algorithm, h.Sum(nil))
		s.bodies[p.ETag] = w[3]
		return &PutPart{Key: key, Upload: id, Part: p, Inline: []byte(w[3])}, func() { s.printf("stored") }
	case "complete":
		c := &Complete{Key: key, Upload: id, Modified: s.env.Now, Size: -1, Condition: condition}
		if options["size"] != "" {
			c.Size, _ = strconv.ParseInt(options["size"], 10, 64)
		}
		for _, text := range w[2:] {
			n, err := strconv.Atoi(text)
			if err != nil {
				continue
			}
			p := CompletedPart{Number: n, ETag: "?"}
			if it, ok := s.m.parts.get(partKey(number), uint64(n)); ok && options["wrong"] != text {
				p.ETag = readPart(it).ETag.String()
				if options["no-checksum"] != text {
					p.Checksum = readPart(it).Checksum
				}
			}
			c.Parts = append(c.Parts, p)
		}
		return c, func() {
			s.printf("%s, %d bytes, %s checksum %s %s", s.name(c.Stored), c.Stored.Size, c.Stored.ETag, c.Stored.Checksum.Algorithm, c.Stored.Checksum.Type)
		}
	case "abort":
		return &Abort{Key: key, Upload: id}, func() { s.printf("aborted") }
	}
	page, ok := s.m.ListParts(key, id, 0, 1000)
	if !ok {
		s.printf("no such upload")
	}
	for _, p := range page.Parts {
		s.printf("%d %s", p.Number, s.bucket.body(p.Content))
	}
	return nil, nil
}

func (s *transcriptRunner) deleted(c *Delete) {
	switch {
	case c.Marker != nil:
		s.printf("put %s", s.name(*c.Marker))
	case c.Removed != nil:
		s.printf("removed %s", s.name(*c.Removed))
	default:
		s.printf("nothing to remove")
	}
}

// version is the version that a command names: v1, null or none.
func (s *transcriptRunner) version(w []string) (v Version) {
	for _, text := range w[2:] {
		if text == "null" {
			return Version{Null: true}
		}
		if n, err := strconv.Atoi(strings.TrimPrefix(text, "v")); err != nil {
			continue
		} else if n > len(s.versions) {
			return Version{Number: 1} // none has it
		} else {
			return Version{Number: s.versions[n-1]}
		}
	}
	return v
}

// name is how a transcript calls a version.
func (s *transcriptRunner) name(o Object) string {
	i := slices.Index(s.versions, o.Number)
	if i < 0 {
		i = len(s.versions)
		s.versions = append(s.versions, o.Number)
	}
	name := fmt.Sprintf("%s v%d", o.Key, i+1)
	if o.Null {
		name += " null"
	}
	if o.Marker {
		name += " marker"
	}
	if o.Latest {
		name += " latest"
	}
	return name
}

func (s *transcriptRunner) look(w []string, options map[string]string) {
	most := 1000
	if options["max"] != "" {
		most, _ = strconv.Atoi(options["max"])
	}
	switch w[0] {
	case "versioning":
		s.env.Versioning = Versioning(w[1])
	case "get":
		o, ok := s.m.Get(w[1], s.version(w))
		if !ok {
			s.printf("nothing")
			return
		}
		text := s.name(o)
		if len(o.Parts) == 0 && !o.Marker {
			text += " " + s.bucket.body(o.Content)
		}
		for _, p := range o.Parts {
			text += " " + s.bucket.body(p.Content)
		}
		for _, tag := range o.Tags {
			text += " " + tag.Key + "=" + tag.Value
		}
		s.printf("%s", text)
	case "list":
		q := ListQuery{Prefix: options["prefix"], Delimiter: options["delimiter"], After: options["after"], Max: most}
		for more := true; more; {
			page := s.m.List(q)
			for _, o := range page.Objects {
				s.printf("%s", s.name(o))
			}
			for _, p := range page.Prefixes {
				s.printf("%s group", p)
			}
			if q.After, more = page.Next, page.More; more {
				s.printf("-- after %s", q.After)
			}
		}
	case "versions":
		q := VersionsQuery{Prefix: options["prefix"], Delimiter: options["delimiter"], Max: most}
		for more := true; more; {
			page := s.m.ListVersions(q)
			for _, o := range page.Versions {
				s.printf("%s", s.name(o))
			}
			for _, p := range page.Prefixes {
				s.printf("%s group", p)
			}
			q.After, q.AfterVersion, more = page.Next, page.NextVersion, page.More
			if more {
				s.printf("-- after %s", q.After)
			}
		}
	case "uploads":
		for _, u := range s.m.ListUploads(UploadsQuery{Prefix: options["prefix"], Delimiter: options["delimiter"], Max: most}).Uploads {
			s.printf("%s u%d", u.Key, slices.Index(s.uploads, u.ID)+1)
		}
	case "events":
		var last uint64
		for _, p := range s.m.Pending(0, 100) {
			e := p.Event
			text := e.Type.String() + " " + e.Key
			if e.VersionID != "" {
				v, err := s.m.ParseVersionID(e.VersionID)
				if o, ok := s.m.Get(e.Key, v); err == nil && ok && v.Number != 0 {
					text += " " + s.name(Object{Number: o.Number})[1:]
				} else if v.Null {
					text += " null"
				} else {
					text += " version"
				}
			}
			if e.Sequencer == 0 {
				text += " without sequencer"
			}
			s.printf("%s", text)
			last = p.Number
		}
		s.do(&HandedOver{UpTo: last})
	case "restart":
		m := s.replay(New([16]byte{1}), s.m.FirstLive())
		if string(stateOf(s.T, m)) != string(stateOf(s.T, s.m)) {
			s.Error("after a restart the state is another one")
		}
		s.m = m
	default:
		s.Fatal(errors.New("unknown command: " + w[0]))
	}
}
