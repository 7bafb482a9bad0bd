package s3

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// A range is within the object, and none of nothing.
func FuzzRange(f *testing.F) {
	for _, text := range []string{"bytes=0-3", "bytes=-1", "bytes=5-", "bytes=9-5", "bytes=0-1,2-3", "bytes=-0", "lines=1-2", "bytes=18446744073709551616-", "bytes=--1"} {
		f.Add(text, int64(10))
	}
	f.Fuzz(func(t *testing.T, text string, size int64) {
		if size = size & (1<<45 - 1); size < 0 {
			t.Skip()
		}
		if r, ok, err := parseRange(text, size); ok && err == nil && (r.from < 0 || r.from >= r.to || r.to > size) {
			t.Errorf("%q of %d bytes: %+v", text, size, r)
		}
		if r, err := parseSourceRange(text, size); err == nil && (r.from < 0 || r.from >= r.to || r.to > size) {
			t.Errorf("the source %q of %d bytes: %+v", text, size, r)
		}
	})
}

// A source names a bucket and a key, whatever was sent.
func FuzzCopySource(f *testing.F) {
	for _, text := range []string{"b/k", "/b/k", "b/k?versionId=v", "b/%20%2F", "b/a?b", "b/", "/", "b/%", "?versionId="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		bucket, key, _, err := parseSource(text)
		if err == nil && (bucket == "" || key == "" || strings.Contains(bucket, "/")) {
			t.Errorf("%q: bucket %q, key %q", text, bucket, key)
		}
	})
}

// Tags that are accepted are few, apart, in order and of the right characters.
func FuzzHeaderTags(f *testing.F) {
	for _, text := range []string{"a=1&b=2", "a", "=x", "a=%zz", "a=1&a=2", "%C3%A4=%F0%9F%98%80", "aws:x=1", "a=+"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tags, err := headerTags(&text)
		if err != nil {
			return
		}
		for i, tag := range tags {
			if tag.Key == "" || !utf8.ValidString(tag.Key+tag.Value) || i > 0 && tags[i-1].Key >= tag.Key || i >= maxObjectTags {
				t.Errorf("%q: %q", text, tags)
			}
		}
	})
}

// Any text is an ETag or none; a token is what was made of a key.
func FuzzConditionsAndTokens(f *testing.F) {
	f.Add(`"a", W/"b"`)
	f.Add("*")
	f.Fuzz(func(t *testing.T, text string) {
		matchesETag(text, "0123456789abcdef0123456789abcdef")
		if text == "" {
			return
		}
		if after, err := parseToken(continuationToken(text)); err != nil || after != text {
			t.Errorf("%q came back as %q, %v", text, after, err)
		}
	})
}
