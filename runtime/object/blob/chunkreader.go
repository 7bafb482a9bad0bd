package blob

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/store/streams"
)

// ahead is how many chunks are read before they are asked for, by who reads one after
// the other.
const ahead = 3

// Open implements Store.
func (s *Chunks) Open(ctx context.Context, bucket, name string) (Reader, error) {
	release, err := s.pins.openNamed(ctx, bucket, name)
	if err != nil {
		return nil, err
	}
	r := &chunkReader{s: s, bucket: bucket, name: name, release: release, next: -1, fetches: map[int64]*fetch{}}
	r.ctx, r.cancel = context.WithCancel(ctx)
	if err := r.open(); err != nil {
		r.Close()
		return nil, r.failed(err)
	}
	return r, nil
}

type chunkReader struct {
	s            *Chunks
	bucket, name string
	stream       jetstream.Stream
	end          *end
	ctx          context.Context
	cancel       context.CancelFunc
	release      func()
	fetching     sync.WaitGroup // the goroutines of fetches

	mu      sync.Mutex // guards the rest
	closed  bool
	next    int64 // the chunk that follows what was read last; -1 before anything was
	fetches map[int64]*fetch
}

// A fetch is a chunk that is being read, or was.
type fetch struct {
	done chan struct{} // closed when data or err is set
	data []byte
	err  error
}

// open reads what the blob consists of.
func (r *chunkReader) open() (err error) {
	if r.stream, err = r.s.find(r.ctx, r.bucket); err != nil {
		return err
	}
	subject := subjectOf(r.bucket, r.name)
	m, err := r.stream.GetLastMsgForSubject(r.ctx, subject)
	if isMissing(err) || err == nil && m.Header.Get(endHeader) == "" { // that replica may lag behind
		m, err = r.s.leaders(r.ctx, streamOf(r.bucket), streams.Request{Last: subject})
	}
	switch {
	case err != nil:
		return err
	case m.Header.Get(endHeader) != endVersion:
		return jetstream.ErrMsgNotFound
	}
	if r.end, err = decodeEnd(m.Data); err != nil || len(r.end.index) == 0 {
		return err
	}
	var index []byte
	for _, seq := range r.end.index {
		part, err := r.read(seq)
		if err != nil {
			return err
		}
		index = append(index, part...)
	}
	seqs, err := decodeSeqs(index)
	if err == nil {
		err = r.end.set(seqs)
	}
	return err
}

// read reads the message with a sequence.
func (r *chunkReader) read(seq uint64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(r.ctx, responseTimeout)
	defer cancel()
	m, err := r.s.message(ctx, r.stream, seq)
	if err != nil {
		return nil, err
	}
	if m.Subject != subjectOf(r.bucket, r.name) {
		return nil, errEnd
	}
	return m.Data, nil
}

// failed is what a failed read means to the caller: without one of its messages the blob
// is lost.
func (r *chunkReader) failed(err error) error {
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound), errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, errEnd), errors.Is(err, fault.NotFound):
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			r.s.learn(r.bucket, nil)
		}
		return notFound(err, r.bucket, r.name)
	}
	return r.s.failed(r.ctx, err)
}

func (r *chunkReader) Size() int64 { return r.end.size }

func (r *chunkReader) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("blob: negative offset")
	}
	for n < len(p) && off < r.end.size {
		i := off / r.end.chunk
		data, err := r.chunk(i)
		if err != nil {
			return n, r.failed(err)
		}
		m := copy(p[n:], data[off-i*r.end.chunk:])
		n += m
		off += int64(m)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

var errClosed = fault.New(fault.Internal, "the blob is closed")

// chunk returns a chunk. Of who reads in order it begins to read the next ones.
func (r *chunkReader) chunk(i int64) ([]byte, error) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil, errClosed
	}
	last := i
	if i == r.next || i == r.next-1 && r.fetches[i+1] != nil {
		last = min(i+ahead, int64(len(r.end.seqs))-1)
	}
	r.next = i + 1
	for j := range r.fetches {
		if j < i || j > i+ahead {
			delete(r.fetches, j)
		}
	}
	for j := i; j <= last; j++ {
		if r.fetches[j] == nil {
			r.fetches[j] = r.fetch(j)
		}
	}
	f := r.fetches[i]
	r.mu.Unlock()
	select {
	case <-f.done:
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	}
	if f.err != nil { // who reads again tries again
		r.mu.Lock()
		if r.fetches[i] == f {
			delete(r.fetches, i)
		}
		r.mu.Unlock()
	}
	return f.data, f.err
}

// fetch begins to read a chunk. Called with mu held.
func (r *chunkReader) fetch(i int64) *fetch {
	f := &fetch{done: make(chan struct{})}
	r.fetching.Go(func() {
		defer close(f.done)
		f.data, f.err = r.read(r.end.seqs[i])
		if want := min(r.end.chunk, r.end.size-i*r.end.chunk); f.err == nil && int64(len(f.data)) != want {
			f.err = errEnd
		}
	})
	return f
}

// Close returns when nothing is being read anymore.
func (r *chunkReader) Close() error {
	r.mu.Lock()
	r.closed = true // nothing begins from here on
	r.mu.Unlock()
	r.cancel()
	r.fetching.Wait()
	r.release()
	return nil
}
