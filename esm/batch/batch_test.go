package batch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"millrace/esm/batch"
)

// A transcript is a conversation with an assembler: what is done at which
// second, and which batch comes out.
func TestAssembler(t *testing.T) {
	const mb = 1 << 20
	type step struct {
		at    int // seconds
		add   string
		bytes int
		want  string // the batch that ends, records joined by blanks
	}
	for _, c := range []struct {
		rule   string
		size   int
		window time.Duration
		steps  []step
	}{
		{"a batch ends when it is full", 2, time.Minute, []step{
			{0, "a", 1, ""}, {0, "b", 1, "a b"}, {0, "c", 1, ""},
		}},
		{"a window ends a batch", 10, 5 * time.Second, []step{
			{0, "a", 1, ""}, {4, "b", 1, ""}, {4, "", 0, ""}, {5, "", 0, "a b"}, {9, "", 0, ""},
		}},
		{"a window starts with its first record", 10, 5 * time.Second, []step{
			{0, "a", 1, ""}, {5, "", 0, "a"}, {100, "b", 1, ""}, {104, "", 0, ""}, {105, "", 0, "b"},
		}},
		{"without a window a batch is due at once", 10, 0, []step{
			{0, "a", 1, ""}, {0, "b", 1, ""}, {0, "", 0, "a b"},
		}},
		{"six megabytes end a batch before the record that is too much", 10, time.Minute, []step{
			{0, "a", 3 * mb, ""}, {0, "b", 2 * mb, ""}, {0, "c", mb, "a b"}, {60, "", 0, "c"},
		}},
		{"the event around the records weighs too", 10, 0, []step{
			{0, "a", 3 * mb, ""}, {0, "b", 3*mb - 12, "a"},
		}},
		{"six megabytes exactly", 10, 0, []step{
			{0, "a", 3 * mb, ""}, {0, "b", 3*mb - 2 - 12, ""}, {0, "", 0, "a b"},
		}},
		{"a record that never fits goes alone", 10, 0, []step{
			{0, "a", 7 * mb, ""}, {0, "b", 1, "a"}, {0, "", 0, "b"},
		}},
		{"batches of one", 1, 0, []step{
			{0, "a", 7 * mb, "a"}, {0, "b", 1, "b"}, {0, "", 0, ""},
		}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			a := batch.New[string](c.size, c.window, 12)
			for i, s := range c.steps {
				now := time.Unix(int64(s.at), 0)
				var ended []string
				if s.add != "" {
					ended = a.Add(now, s.add, s.bytes)
				} else {
					ended = a.FlushDue(now)
				}
				if got := strings.Join(ended, " "); got != s.want {
					t.Fatalf("step %d: %q ended, want %q", i, got, s.want)
				}
			}
		})
	}
}

func TestAssemblerSaysWhatItWaitsFor(t *testing.T) {
	a := batch.New[string](3, 5*time.Second, 0)
	if _, open := a.WindowEnd(); open || a.Free() != 3 {
		t.Fatal("a new assembler holds a batch")
	}
	a.Add(time.Unix(10, 0), "a", 1)
	if ends, open := a.WindowEnd(); !open || !ends.Equal(time.Unix(15, 0)) || a.Free() != 2 {
		t.Errorf("ends %v, open %t, room %d", ends, open, a.Free())
	}
}

// Whatever is added, nothing is lost, doubled or reordered, and no batch is too
// large unless it is a single record.
func TestAssemblerKeepsEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 20).Draw(t, "size")
		weights := rapid.SliceOf(rapid.IntRange(1, 4<<20)).Draw(t, "weights")
		a := batch.New[int](size, time.Second, 12)
		var out []int
		check := func(b []int) {
			total := 12
			for _, i := range b {
				total += weights[i] + 1
			}
			if len(b) > size || len(b) > 1 && total > batch.MaxBytes {
				t.Fatalf("a batch of %d records, %d bytes", len(b), total)
			}
			out = append(out, b...)
		}
		for i, w := range weights {
			check(a.Add(time.Unix(0, 0), i, w))
			if a.Free() < 1 {
				t.Fatal("an open batch without room")
			}
		}
		check(a.Flush())
		for i := range weights {
			if out[i] != i {
				t.Fatalf("record %d came out at %d", out[i], i)
			}
		}
		if len(out) != len(weights) {
			t.Fatalf("%d of %d records", len(out), len(weights))
		}
	})
}

func TestFailures(t *testing.T) {
	none, all := []bool{false, false, false}, []bool{true, true, true}
	for _, c := range []struct {
		rule, reply string
		want        []bool
	}{
		{"nothing said", ``, none},
		{"null", `null`, none},
		{"an empty string", `""`, none},
		{"an empty object", `{}`, none},
		{"an object about something else", `{"status":"ok"}`, none},
		{"a null list", `{"batchItemFailures":null}`, none},
		{"an empty list", `{"batchItemFailures":[]}`, none},
		{"one failed", `{"batchItemFailures":[{"itemIdentifier":"b"}]}`, []bool{false, true, false}},
		{"two failed, one named twice", `{"batchItemFailures":[{"itemIdentifier":"c"},{"itemIdentifier":"a"},{"itemIdentifier":"c"}]}`, []bool{true, false, true}},
		{"all failed", `{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"},{"itemIdentifier":"c"}]}`, all},
		{"not JSON", `oops`, all},
		{"JSON, but no object", `"oops"`, all},
		{"an array", `[]`, all},
		{"a list that is none", `{"batchItemFailures":"a"}`, all},
		{"an item that is no object", `{"batchItemFailures":["a"]}`, all},
		{"an item without the key", `{"batchItemFailures":[{"foo":"notvalid"}]}`, all},
		{"the key in another case", `{"batchItemFailures":[{"ItemIdentifier":"a"}]}`, all},
		{"an empty id", `{"batchItemFailures":[{"itemIdentifier":""}]}`, all},
		{"a null id", `{"batchItemFailures":[{"itemIdentifier":null}]}`, all},
		{"a number for an id", `{"batchItemFailures":[{"itemIdentifier":1}]}`, all},
		{"an unknown id", `{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"z"}]}`, all},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := batch.Failures([]byte(c.reply), []string{"a", "b", "c"}); !slices.Equal(got, c.want) {
				t.Errorf("%s: got %v", c.reply, got)
			}
		})
	}
}

// A function may answer anything; what it says about one record never depends
// on luck: either all failed, or those it names.
func FuzzFailures(f *testing.F) {
	f.Add([]byte(`{"batchItemFailures":[{"itemIdentifier":"a"}]}`))
	f.Add([]byte(`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":null}],"batchItemFailures":[]}`))
	f.Fuzz(func(t *testing.T, reply []byte) {
		ids := []string{"a", "b"}
		failed := batch.Failures(reply, ids)
		for i, id := range ids {
			named := strings.Contains(string(reply), fmt.Sprintf("%q", id)) || strings.Contains(string(reply), `\u`)
			if failed[i] && !named && !slices.Equal(failed, []bool{true, true}) {
				t.Errorf("%s failed unnamed: %s", id, reply)
			}
		}
	})
}
