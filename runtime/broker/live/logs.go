package live

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"millrace/runtime/fault"
)

// Log implements broker.Runner.
func (r *Runner) Log(ctx context.Context, id, which string, follow bool, w io.Writer) error {
	p, drv, err := r.placed(ctx, id)
	if err != nil {
		return err
	}
	if drv == nil {
		return fault.New(fault.NotFound, "The broker has no log: nothing of it was started yet.")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var logs []nodeLog
	for n := range p.Nodes {
		if name := node(id, n); which == "" || which == strconv.Itoa(n+1) || which == name || strings.HasPrefix(which, name+"@") {
			logs = append(logs, nodeLog{name: name, number: n + 1})
		}
	}
	if len(logs) == 0 {
		return fault.New(fault.NotFound, "The broker has no node [%s]: name one of %d by its number.", which, len(p.Nodes))
	}
	for i := range logs {
		text, err := drv.Log(ctx, logs[i].name, follow)
		if err != nil {
			return err
		}
		defer text.Close()
		logs[i].text = text
	}
	switch {
	case len(logs) == 1:
		_, err = io.Copy(w, logs[0].text)
		return err
	case !follow:
		for _, l := range logs {
			err = errors.Join(err, l.copy(w))
		}
		return err
	}
	to := &lockedWriter{w: w}
	failed := make([]error, len(logs))
	var all sync.WaitGroup
	for i, l := range logs {
		all.Go(func() {
			if failed[i] = l.copy(to); failed[i] != nil {
				cancel() // one that is missing should not go unnoticed
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

// A nodeLog is the log of one of several nodes.
type nodeLog struct {
	name   string
	number int
	text   io.Reader
}

// maxLine bounds a line. A longer one becomes several.
const maxLine = 64 << 10

// copy copies the log line by line, each in one write, with the number of the node in front.
func (l nodeLog) copy(w io.Writer) error {
	lines := bufio.NewReaderSize(l.text, maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			whole := fmt.Appendf(nil, "[%d] %s", l.number, line)
			if line[len(line)-1] != '\n' {
				whole = append(whole, '\n')
			}
			if _, err := w.Write(whole); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil && err != bufio.ErrBufferFull:
			return err
		}
	}
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
