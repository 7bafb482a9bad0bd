package docker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

const (
	execTimeout = 2 * time.Minute // where nobody says how long
	maxOutput   = 4 << 20
)

// Exec implements driver.Instance: the command runs in the container, as the user
// that the software runs as. It is over after two minutes at most; 4 MB of its output
// are returned at most.
func (i *instance) Exec(ctx context.Context, stdin io.Reader, command string, args ...string) ([]byte, error) {
	bounded, cancel := context.WithTimeout(ctx, execTimeout)
	defer cancel()
	c := i.d.client
	made, err := call(bounded, i.d, "running "+command, func(ctx context.Context) (client.ExecCreateResult, error) {
		return c.ExecCreate(ctx, i.id, client.ExecCreateOptions{
			User: i.owner.String(), Cmd: append([]string{command}, args...),
			AttachStdin: stdin != nil, AttachStdout: true, AttachStderr: true,
		})
	})
	if err != nil {
		return nil, err
	}
	attached, err := c.ExecAttach(bounded, made.ID, client.ExecAttachOptions{})
	if err != nil {
		return nil, explain(bounded, "running "+command, err)
	}
	defer attached.Close()
	// Nothing else ends what is read or written when ctx ends.
	defer context.AfterFunc(bounded, attached.Close)()
	written := make(chan struct{})
	go func() {
		defer close(written)
		if stdin != nil {
			io.Copy(attached.Conn, stdin) // a command need not read it
		}
		attached.CloseWrite()
	}()
	var stdout, stderr bytes.Buffer
	err = demultiplex(&stdout, &stderr, attached.Reader)
	attached.Close()
	<-written
	if bounded.Err() != nil {
		return nil, fault.Wrap(fault.Of(bounded.Err()), bounded.Err(), "running %s in the container", command)
	}
	if err != nil {
		return nil, explain(bounded, "running "+command, err)
	}
	got, err := call(bounded, i.d, "running "+command, func(ctx context.Context) (client.ExecInspectResult, error) {
		return c.ExecInspect(ctx, made.ID, client.ExecInspectOptions{})
	})
	if err != nil {
		return nil, err
	}
	if got.ExitCode != 0 {
		return stdout.Bytes(), fault.New(fault.Unavailable, "%s ended with exit code %d: %s", command, got.ExitCode, driver.LastLines(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}

// demultiplex takes the two outputs of a container apart. Of each it keeps 4 MB.
func demultiplex(stdout, stderr *bytes.Buffer, r io.Reader) error {
	_, err := stdcopy.StdCopy(limited{stdout}, limited{stderr}, r)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// limited drops what is too much.
type limited struct{ *bytes.Buffer }

func (l limited) Write(p []byte) (int, error) {
	if room := maxOutput - l.Len(); room > 0 {
		l.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
