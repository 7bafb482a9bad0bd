// Package damage keeps account of what the data folder has lost: entries of a
// queue's log, records, code. Whoever finds a loss adds it to the [Log]; it is
// logged at once, shown by `runtime status` and `runtime doctor`, and kept until
// somebody forgets it.
package damage

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// The kinds of things that can be lost.
const (
	Queue  = "queue"    // messages, or what happened to them; Name is the ARN
	Record = "record"   // a queue's, function's, mapping's or role's; Name says which
	Code   = "function" // of a function; Name is its ARN
	File   = "file"     // of the data folder; Name is its path in there
)

// A Loss is one thing that is not there, or not as it was.
type Loss struct {
	Found time.Time `json:"found"`
	Kind  string    `json:"kind"`
	Name  string    `json:"name"`
	What  string    `json:"what"` // one sentence

	Entries  string `json:"entries,omitempty"`  // of a queue's log: sequences, as in 3,7-9
	Messages uint64 `json:"messages,omitempty"` // how many are lost
	AtMost   bool   `json:"atMost,omitempty"`   // some of them may have been deleted before
	Numbers  string `json:"numbers,omitempty"`  // of those messages, in the order in which they were sent; the first message of a queue is 1

	Repaired bool `json:"repaired,omitempty"` // nothing is missing: it was damaged, and put right from a copy
}

func (l Loss) String() string { return l.Kind + " " + l.Name + ": " + l.What }

func (l Loss) same(o Loss) bool {
	l.Found, o.Found = time.Time{}, time.Time{}
	return l == o
}

// A Log is the losses that are known, also from earlier starts. It is a file
// with a line of JSON for each.
type Log struct {
	path string
	out  *slog.Logger

	mu  sync.Mutex // guards all, and the file
	all []Loss
}

// Open reads the log at path, where there need not be one. A line that cannot be
// read is a loss itself.
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
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var known Loss
		if json.Unmarshal(lines.Bytes(), &known) != nil || known.Kind == "" {
			bad++
			continue
		}
		l.all = append(l.all, known)
	}
	if bad > 0 {
		if err := l.rewrite(); err != nil {
			return nil, err
		}
		return l, l.Add(Loss{Kind: File, Name: "losses.log", What: fmt.Sprintf("%d losses that were known before cannot be read anymore", bad)})
	}
	return l, nil
}

// Add takes a loss in, unless it is known: logs it, and returns once it is
// written down. Found is set when it is zero.
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
	l.all = append(l.all, found)
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		line, _ := json.Marshal(found) // always can be
		_, err = f.Write(append(line, '\n'))
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		return fmt.Errorf("writing the log of losses: %w", err)
	}
	return nil
}

// All returns the losses that are known, the oldest first.
func (l *Log) All() []Loss {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// Forget empties the log: somebody has taken note.
func (l *Log) Forget() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = nil
	return l.rewrite()
}

func (l *Log) rewrite() error {
	if len(l.all) == 0 {
		if err := os.Remove(l.path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	var text bytes.Buffer
	for _, known := range l.all {
		line, _ := json.Marshal(known)
		text.Write(append(line, '\n'))
	}
	fresh := l.path + ".new"
	if err := os.WriteFile(fresh, text.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, l.path)
}
