package sandbox

import (
	"bytes"
	"fmt"
	"sync"
	"time"
)

const (
	tailSize = 4 << 10   // how much of an event's log Lambda returns
	maxLine  = 256 << 10 // a longer line is split, as CloudWatch Logs splits it
)

// A journal is the log of one environment: it splits output into lines, and keeps the
// tail of the current event.
type journal struct {
	emit func(Line) // gets every line, in order, with mu held
	head Line       // what all lines have in common

	mu   sync.Mutex
	id   string // of the current event, "" between events
	tail []byte // of the current event; may be longer than tailSize
	part []byte // the unfinished last line
}

// begin starts the log of an event.
func (j *journal) begin(id, version string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.endLine()
	j.id, j.tail = id, j.tail[:0]
	j.line(true, "START RequestId: %s Version: %s", id, version)
}

// end returns the tail of the event's log.
func (j *journal) end() []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.endLine()
	j.id = ""
	return bytes.Clone(j.tail[max(0, len(j.tail)-tailSize):])
}

// platform adds a line of Lambda's own (START, END, REPORT); failure, one about a failure.
func (j *journal) platform(format string, args ...any) { j.print(true, format, args...) }
func (j *journal) failure(format string, args ...any)  { j.print(false, format, args...) }

func (j *journal) print(platform bool, format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.endLine()
	j.line(platform, format, args...)
}

// Write takes what a function prints, in pieces of any size.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.keep(p)
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		j.part = append(j.part, line...)
		if ended || len(j.part) >= maxLine {
			j.flush(false)
		}
		rest = after
	}
	return len(p), nil
}

// line, endLine, keep and flush are called with mu held.

func (j *journal) line(platform bool, format string, args ...any) {
	j.part = fmt.Appendf(j.part, format, args...)
	j.keep(j.part)
	j.keep([]byte("\n"))
	j.flush(platform)
}

// endLine ends an unfinished line.
func (j *journal) endLine() {
	if len(j.part) > 0 {
		j.keep([]byte("\n"))
		j.flush(false)
	}
}

func (j *journal) keep(p []byte) {
	if j.id == "" {
		return
	}
	j.tail = append(j.tail, p[max(0, len(p)-tailSize):]...)
	if len(j.tail) > 4*tailSize {
		j.tail = append(j.tail[:0], j.tail[len(j.tail)-tailSize:]...)
	}
}

func (j *journal) flush(platform bool) {
	if j.emit != nil {
		l := j.head
		l.RequestID, l.Time, l.Text, l.Platform = j.id, time.Now(), j.part, platform
		j.emit(l)
	}
	j.part = j.part[:0]
}
