// Package loss records data losses of the data folder: entries of a queue's log,
// records, code. Whoever detects a loss adds it to the [Log]; it is logged at once,
// shown by `runtime status` and `runtime doctor`, and kept until the operator clears
// the list.
package loss

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"millrace/runtime/store/atomicfile"
)

// The kinds of things that can be lost.
const (
	Queue  = "queue"    // messages, or what happened to them; Name is the ARN
	Topic  = "topic"    // entries of the log of a FIFO topic; Name is the log's
	Bucket = "bucket"   // entries of the log of a bucket, or a content of an object; Name is the bucket's ARN
	Record = "record"   // a queue's, function's, mapping's or role's; Name says which
	Code   = "function" // of a function; Name is its ARN
	File   = "file"     // of the data folder; Name is its path in there
)

// A Loss is one thing that is missing or damaged.
type Loss struct {
	Found time.Time `json:"found"`
	Kind  string    `json:"kind"`
	Name  string    `json:"name"`
	What  string    `json:"what"` // one sentence

	Entries  string `json:"entries,omitempty"`  // of a queue's log: sequences, as in 3,7-9
	Messages uint64 `json:"messages,omitempty"` // how many are lost
	AtMost   bool   `json:"atMost,omitempty"`   // an upper bound: some of them may have been deleted before
	Numbers  string `json:"numbers,omitempty"`  // of those messages, in the order in which they were sent; the first message of a queue is 1

	Repaired bool `json:"repaired,omitempty"` // nothing is missing: it was damaged, and repaired from a copy
}

func (l Loss) String() string { return l.Kind + " " + l.Name + ": " + l.What }

func (l Loss) same(o Loss) bool {
	l.Found, o.Found = time.Time{}, time.Time{}
	return l == o
}

// A Log is the list of known losses, also of earlier starts. It is a file with a line
// of JSON for each.
type Log struct {
	path string
	out  *slog.Logger

	mu  sync.Mutex // guards all, and the file
	all []Loss
}

// Open reads the log at path; the file need not exist. A line that cannot be read is
// added as a loss itself.
func Open(path string, out *slog.Logger) (*Log, error) {
	l := &Log{path: path, out: out}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the log of losses: %w", err)
	}
	bad := 0
	for line := range bytes.Lines(text) {
		var known Loss
		if json.Unmarshal(line, &known) != nil || known.Kind == "" {
			bad++
			continue
		}
		l.all = append(l.all, known)
	}
	if bad > 0 {
		err := l.Add(Loss{Kind: File, Name: "losses.log", What: fmt.Sprintf("%d losses that were known before can no longer be read", bad)})
		if err == nil { // only then are the unreadable lines removed
			err = l.rewrite(l.all)
		}
		if err != nil {
			return nil, err
		}
	}
	return l, nil
}

// Add logs a loss and returns once it is written to the file. It does nothing if the
// loss is known. A zero Found is set to now.
func (l *Log) Add(found Loss) error {
	if found.Found.IsZero() {
		found.Found = time.Now().UTC()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.ContainsFunc(l.all, found.same) {
		return nil
	}
	l.out.Warn("the data folder was damaged", "kind", found.Kind, "name", found.Name, "what", found.What,
		"entries", found.Entries, "messages", found.Messages, "numbers", found.Numbers)
	if err := l.write(found); err != nil {
		return fmt.Errorf("writing the log of losses: %w", err)
	}
	l.all = append(l.all, found)
	return nil
}

// write adds a line to the file, or leaves it as it was.
func (l *Log) write(found Loss) error {
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekEnd)
	var line []byte
	if last := make([]byte, 1); err == nil && size > 0 {
		if _, err = f.ReadAt(last, size-1); last[0] != '\n' {
			line = append(line, '\n') // a crash left half a line
		}
	}
	if err == nil {
		text, _ := json.Marshal(found) // always can be
		_, err = f.Write(append(append(line, text...), '\n'))
		if err = errors.Join(err, f.Sync()); err != nil {
			err = errors.Join(err, f.Truncate(size)) // Add may be called again
		}
	}
	return errors.Join(err, f.Close())
}

// All returns the losses that are known, the oldest first.
func (l *Log) All() []Loss {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// Forget clears the list, after the operator has read it.
func (l *Log) Forget() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.rewrite(nil); err != nil {
		return fmt.Errorf("emptying the log of losses: %w", err)
	}
	l.all = nil
	return nil
}

func (l *Log) rewrite(all []Loss) error {
	if len(all) == 0 {
		if err := os.Remove(l.path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	var text bytes.Buffer
	for _, known := range all {
		line, _ := json.Marshal(known)
		text.Write(append(line, '\n'))
	}
	return atomicfile.Write(l.path, text.Bytes())
}
