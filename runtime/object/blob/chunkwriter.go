package blob

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
)

// window is how many chunks of a blob are under way. With it and the one that is
// being filled an upload has 640 KiB in memory.
const window = 4

// Create implements Store.
func (s *Chunks) Create(ctx context.Context, bucket string) (Writer, error) {
	if err := errors.Join(checkBucket(bucket), ctx.Err()); err != nil {
		return nil, err
	}
	if _, err := s.ensure(ctx, bucket); err != nil {
		return nil, err
	}
	name := newName("") // of no process: several share the stream
	s.mu.Lock()
	s.writing[name] = true
	s.mu.Unlock()
	return &chunkWriter{s: s, ctx: ctx, bucket: bucket, name: name, subject: subjectOf(bucket, name), end: end{chunk: int64(s.chunk)}}, nil
}

type chunkWriter struct {
	s                     *Chunks
	ctx                   context.Context
	bucket, name, subject string
	end                   end
	buf                   *[]byte // what is not published yet; nil when nothing is
	n                     int     // bytes in it
	pending               []pendingChunk
	published             bool
	err                   error // lasting; errEnded after Commit and Discard
}

type pendingChunk struct {
	ack jetstream.PubAckFuture
	buf *[]byte   // which the client may publish again until it is acknowledged
	at  *[]uint64 // where its sequence goes
}

func (w *chunkWriter) Write(p []byte) (n int, err error) {
	if w.err != nil {
		return 0, w.err
	}
	for n < len(p) {
		if w.buf == nil {
			w.buf, w.n = w.s.buffers.Get().(*[]byte), 0
		}
		m := copy((*w.buf)[w.n:], p[n:])
		w.n += m
		n += m
		w.end.size += int64(m)
		if w.n == len(*w.buf) {
			if err := w.flush(&w.end.seqs); err != nil {
				w.fail(err)
				return n, w.err
			}
		}
	}
	return n, nil
}

// flush publishes what is buffered. Its sequence is appended to seqs when it is
// acknowledged; what was published before has been by then.
func (w *chunkWriter) flush(seqs *[]uint64) error {
	if w.buf == nil {
		return nil
	}
	if len(w.pending) == window {
		if err := w.await(); err != nil {
			return err
		}
	}
	w.published = true
	ack, err := w.s.js.PublishMsgAsync(&nats.Msg{Subject: w.subject, Data: (*w.buf)[:w.n]}, jetstream.WithExpectStream(streamOf(w.bucket)))
	if err != nil {
		return err
	}
	w.pending = append(w.pending, pendingChunk{ack, w.buf, seqs})
	w.buf = nil
	return nil
}

var errNoAck = errors.New("NATS has not acknowledged a chunk in time")

// await waits for the oldest acknowledgement.
func (w *chunkWriter) await() error {
	oldest := w.pending[0]
	timeout := time.NewTimer(responseTimeout)
	defer timeout.Stop()
	select {
	case ack := <-oldest.ack.Ok():
		*oldest.at = append(*oldest.at, ack.Sequence)
		w.pending = w.pending[1:]
		w.s.buffers.Put(oldest.buf)
		return nil
	case err := <-oldest.ack.Err():
		w.pending = w.pending[1:]
		return err
	case <-w.ctx.Done():
		return w.ctx.Err()
	case <-timeout.C:
		return errNoAck
	}
}

func (w *chunkWriter) awaitAll() error {
	for len(w.pending) > 0 {
		if err := w.await(); err != nil {
			return err
		}
	}
	return nil
}

func (w *chunkWriter) Commit() (string, error) {
	if w.err != nil {
		return "", w.err
	}
	if err := w.commit(); err != nil {
		w.fail(err)
		return "", w.err
	}
	w.err = errEnded
	w.s.written(w.name)
	return w.name, nil
}

func (w *chunkWriter) commit() error {
	err := w.ctx.Err()
	if err == nil {
		err = w.flush(&w.end.seqs)
	}
	if err == nil {
		err = w.awaitAll()
	}
	if err == nil {
		err = w.writeIndex()
	}
	if err != nil {
		return err
	}
	last := &nats.Msg{Subject: w.subject, Header: nats.Header{endHeader: {endVersion}}, Data: w.end.encode()}
	w.published = true
	ctx, cancel := context.WithTimeout(w.ctx, responseTimeout)
	defer cancel()
	_, err = w.s.js.PublishMsg(ctx, last, jetstream.WithExpectStream(streamOf(w.bucket)))
	return err
}

// writeIndex writes the index, if the sequences of all chunks are more than an end has
// room for.
func (w *chunkWriter) writeIndex() error {
	seqs := encodeSeqs(w.end.seqs)
	if len(seqs) <= w.s.chunk-messageSlack/2 {
		return nil
	}
	for len(seqs) > 0 {
		w.buf = w.s.buffers.Get().(*[]byte)
		w.n = copy(*w.buf, seqs)
		seqs = seqs[w.n:]
		if err := w.flush(&w.end.index); err != nil {
			return err
		}
	}
	return w.awaitAll()
}

func (w *chunkWriter) Discard() {
	if w.err == nil {
		w.err = errEnded
		w.remove()
	}
}

func (w *chunkWriter) fail(err error) {
	if w.err = w.s.failed(w.ctx, err); errors.Is(w.err, fault.Unavailable) {
		w.s.learn(w.bucket, nil) // it may be gone
	}
	w.remove()
}

// remove removes what was published. Messages that are under way would be stored
// behind that; what is all the same is swept.
func (w *chunkWriter) remove() {
	defer w.s.written(w.name)
	if !w.published {
		return
	}
	timeout := time.NewTimer(responseTimeout)
	defer timeout.Stop()
	for _, p := range w.pending {
		select {
		case <-p.ack.Ok():
		case <-p.ack.Err():
		case <-timeout.C:
			return // there is no server that would purge it
		}
	}
	w.pending = nil
	w.s.purgeLater(w.bucket, w.name)
}

// written ends that a blob is being written.
func (s *Chunks) written(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.writing, name)
}
