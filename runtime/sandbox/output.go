//go:build unix

package sandbox

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
)

// pipeSize is how much a pipe holds, in bytes, unless told otherwise.
const pipeSize = 64 << 10

// An output carries what a process prints, on standard output and on standard
// error alike, through one pipe to a writer: all of one before the other.
type output struct {
	to      io.Writer
	file    *os.File
	raw     syscall.RawConn
	pumping sync.WaitGroup

	mu  sync.Mutex // held from reading a piece until it is written
	buf [16 << 10]byte
}

// newOutput returns an output and the end that the process writes to.
func newOutput(to io.Writer) (*output, *os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	raw, err := r.SyscallConn()
	if err != nil {
		return nil, nil, errors.Join(err, r.Close(), w.Close())
	}
	o := &output{to: to, file: r, raw: raw}
	o.pumping.Go(o.pump)
	return o, w, nil
}

// pump copies output as it comes, until the last writer has closed the pipe.
func (o *output) pump() {
	o.raw.Read(func(fd uintptr) (done bool) {
		for {
			if n, err := o.move(int(fd)); n <= 0 {
				return err != syscall.EAGAIN
			}
		}
	})
}

// drain returns when everything printed until now is written. It does not wait
// for more, and stops after a full pipe: the rest is newer.
func (o *output) drain() {
	o.raw.Control(func(fd uintptr) {
		for moved := 0; moved < pipeSize; {
			n, _ := o.move(int(fd))
			if n <= 0 {
				return
			}
			moved += n
		}
	})
}

// move reads one piece and writes it; n is 0 at the end of the pipe.
func (o *output) move(fd int) (n int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		n, err = syscall.Read(fd, o.buf[:])
		if err == syscall.EINTR {
			continue
		}
		if n > 0 {
			o.to.Write(o.buf[:n])
		}
		return n, err
	}
}

// close ends the output, whoever may still hold the other end.
func (o *output) close() {
	o.file.Close()
	o.pumping.Wait()
}
