// Package output is what processes print, for tests that wait for words of it.
package output

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"millrace/test/patience"
)

// A Text grows as a process prints it. It is an io.Writer.
type Text struct {
	mu    sync.Mutex
	said  bytes.Buffer
	ended bool
	more  chan struct{} // closed and replaced whenever the text grows or ends
}

// New returns a Text without a word.
func New() *Text { return &Text{more: make(chan struct{})} }

// Write implements io.Writer.
func (t *Text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said.Write(p)
	t.wakeLocked()
	return len(p), nil
}

// End says that nothing more comes.
func (t *Text) End() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	t.wakeLocked()
}

func (t *Text) wakeLocked() {
	close(t.more)
	t.more = make(chan struct{})
}

// String is all that has been printed.
func (t *Text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.said.String()
}

// Lines says how much has been printed.
func (t *Text) Lines() string { return fmt.Sprintf("%d lines", strings.Count(t.String(), "\n")) }

// Await returns the first match of re in the text, waiting for it for as long as the
// text grows. An error says that it ended, or came to rest, without one.
func (t *Text) Await(re *regexp.Regexp) ([]string, error) {
	limit := patience.New(fmt.Sprintf("%q to be printed", re), func() any { return t.Lines() })
	for {
		t.mu.Lock()
		found, ended, more := re.FindStringSubmatch(t.said.String()), t.ended, t.more
		t.mu.Unlock()
		switch {
		case found != nil:
			return found, nil
		case ended:
			return nil, errors.New("it ended without a word of it")
		}
		select {
		case <-more:
		case <-limit.Turn():
			if err := limit.Struck(); err != nil {
				return nil, err
			}
		}
	}
}
