package jetobject_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/object"
	"millrace/runtime/object/jetobject"
)

// state is what JetStream has of the log of the only bucket.
func (e *env) state() (s jetstream.StreamState) {
	e.Helper()
	for i := range e.backbone.JetStream().ListStreams(ctx).Info() {
		if strings.HasPrefix(i.Config.Name, "MILLRACE_BUCKET_") {
			s = i.State
		}
	}
	return s
}

// What is overwritten does not stay in the log, though old objects are in its way; and those
// are read wherever they have been moved to.
func TestLogIsTrimmedAndCompacted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := start(t, jetobject.Config{CacheBytes: 1})
		b := e.create(object.Settings{})
		const size = 60_000
		old := map[string]object.Object{}
		for i := range 20 {
			key := fmt.Sprint("old", i)
			old[key] = put(e, b, key, text(i, size))
			for range 10 {
				put(e, b, "hot", text(i, size))
			}
		}
		for i := range 1000 {
			put(e, b, "hot", text(i, size))
		}
		settle()
		if s := e.state(); s.Bytes > 32<<20 { // 16 MiB are dead before anything is moved, and 4 more before they are purged
			t.Errorf("the log has %d bytes in %d entries for 21 objects of %d", s.Bytes, s.Msgs, size)
		}
		check := func() {
			t.Helper()
			b := e.bucket()
			for i := range 20 {
				key := fmt.Sprint("old", i)
				want(e, b, key, text(i, size))
				if got, err := readRange(b, old[key], 10, 20, nil); err != nil || string(got) != string(text(i, size)[10:20]) {
					t.Errorf("%s as it was looked up before it was moved: %v", key, err)
				}
			}
			want(e, b, "hot", text(999, size))
		}
		check()
		e.kill()
		check()
		e.reopen()
		check()
		if len(e.losses) > 0 {
			t.Errorf("losses: %v", e.losses)
		}
	})
}
