package docker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

const (
	logFolder   = "/log"                 // below the engine's home
	earlierFile = "earlier.log"          // there: the output of earlier containers
	maxEarlier  = 10 << 20               // of it
	lookForNext = 500 * time.Millisecond // a log that is followed looks for the next container
)

// Log implements driver.Driver. Of a node whose container was removed by somebody else,
// the output is lost.
func (d *Driver) Log(ctx context.Context, node string, follow bool) (io.ReadCloser, error) {
	if err := driver.ValidateName(node); err != nil {
		return nil, err
	}
	if _, here, err := d.current(ctx, node); err != nil {
		return nil, err
	} else if !here {
		return nil, fault.New(fault.NotFound, "there is no node %s", node)
	}
	reading, cancel := context.WithCancel(ctx)
	r, w := io.Pipe()
	l := &logCopy{d: d, node: node, w: w}
	atEnd := []func() bool{
		context.AfterFunc(d.watching, cancel),
		context.AfterFunc(reading, func() { w.CloseWithError(reading.Err()) }), // nobody may be reading
	}
	d.watchers.Go(func() {
		defer cancel()
		err := l.copy(reading, follow)
		for _, stop := range atEnd {
			stop()
		}
		w.CloseWithError(err)
	})
	return &logReader{r, cancel}, nil
}

type logReader struct {
	*io.PipeReader
	cancel context.CancelFunc
}

// Close implements io.Closer.
func (r *logReader) Close() error {
	r.cancel()
	return r.PipeReader.Close()
}

// current is the container of a node, nil when there is none, and whether anything of
// the node is here.
func (d *Driver) current(ctx context.Context, node string) (c *container.Summary, here bool, err error) {
	found, err := d.containers(ctx, node)
	if err != nil {
		return nil, false, err
	}
	for i := range found {
		if c == nil || found[i].State == container.StateRunning {
			c = &found[i]
		}
	}
	if c != nil {
		return c, true, nil
	}
	volumes, err := d.volumes(ctx, d.labels(node))
	return nil, len(volumes) > 0, err
}

// A logCopy copies the output of a node's containers, one after the other.
type logCopy struct {
	d    *Driver
	node string
	w    io.Writer

	id     string // of the container that was read last
	copied int64  // of its output
}

// copy copies all there is, and with follow what comes, until nothing of the node is
// here anymore. An engine that is away is waited for.
func (l *logCopy) copy(ctx context.Context, follow bool) error {
	for {
		c, here, err := l.d.current(ctx, l.node)
		switch {
		case err == nil && !here:
			return nil
		case err == nil && c != nil && (c.ID != l.id || c.State == container.StateRunning):
			err = l.container(ctx, *c, follow)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !follow {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookForNext):
		}
	}
}

// container copies the output of one container, until it ends when it is followed. One
// that was read before goes on where that broke off.
func (l *logCopy) container(ctx context.Context, c container.Summary, follow bool) error {
	if l.id == "" { // what comes later follows what was read
		earlier, err := l.d.earlier(ctx, c)
		if err != nil {
			return err
		}
		if _, err := l.w.Write(earlier); err != nil {
			return err
		}
	}
	if c.ID != l.id {
		l.id, l.copied = c.ID, 0
	}
	output, err := l.d.client.ContainerLogs(ctx, c.ID, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Follow: follow})
	if err != nil {
		return explain(ctx, "reading the log", err)
	}
	defer output.Close()
	to := &skipping{w: l.w, skip: l.copied}
	_, err = stdcopy.StdCopy(to, to, output)
	l.copied += to.copied
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// skipping leaves out the beginning.
type skipping struct {
	w            io.Writer
	skip, copied int64
}

func (s *skipping) Write(p []byte) (int, error) {
	left := min(s.skip, int64(len(p)))
	s.skip -= left
	n, err := s.w.Write(p[left:])
	s.copied += int64(n)
	return int(left) + n, err
}

// earlier is the output of the containers before this one, as it was put there.
func (d *Driver) earlier(ctx context.Context, c container.Summary) ([]byte, error) {
	for _, m := range c.Mounts {
		if m.Name != d.containerName(c.Labels[labelNode]) {
			continue
		}
		text, err := d.readFile(ctx, c.ID, m.Destination+logFolder+"/"+earlierFile, maxEarlier)
		if errdefs.IsNotFound(err) {
			return nil, nil
		}
		return text, err
	}
	return nil, nil
}

// output is the end of all output of a node whose last container has ended, whole lines.
func (d *Driver) output(ctx context.Context, c container.Summary) ([]byte, error) {
	earlier, err := d.earlier(ctx, c)
	if err != nil {
		return nil, err
	}
	last := &tail{text: earlier}
	_, err = call(ctx, d, "reading the log", func(ctx context.Context) (int64, error) {
		r, err := d.client.ContainerLogs(ctx, c.ID, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
		if err != nil {
			return 0, err
		}
		defer r.Close()
		return stdcopy.StdCopy(last, last, r)
	})
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return last.lines(), err
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	if t.text = append(t.text, p...); len(t.text) > 2*maxEarlier {
		t.text = append([]byte(nil), t.text[len(t.text)-maxEarlier:]...)
	}
	return len(p), nil
}

func (t *tail) lines() []byte {
	if len(t.text) <= maxEarlier {
		return t.text
	}
	_, rest, _ := bytes.Cut(t.text[len(t.text)-maxEarlier:], []byte("\n"))
	return rest
}
