package backbone

import (
	"sync"
	"sync/atomic"
	"time"

	"millrace/runtime/store/backbone/direct"
)

// entries is the connection for log entries to the embedded server. When it is lost
// the session ends, and the next one begins when it is back.
type entries struct {
	b    *Backbone
	conn atomic.Pointer[direct.Conn]

	dialing   sync.Mutex // held until a new connection is in conn
	stop      chan struct{}
	once      sync.Once
	redialing sync.WaitGroup // the goroutine that reconnects
}

func startEntries(b *Backbone) (*entries, error) {
	e := &entries{b: b, stop: make(chan struct{})}
	return e, e.dial()
}

func (e *entries) dial() error {
	e.dialing.Lock()
	defer e.dialing.Unlock()
	pipe, err := e.b.srv.InProcessConn()
	if err != nil {
		return err
	}
	c, err := direct.New(pipe, e.redial)
	if err == nil {
		e.conn.Store(c)
	}
	return err
}

// redial reconnects, and retries until it succeeds.
func (e *entries) redial(err error) {
	select {
	case <-e.stop:
		return
	default:
	}
	e.b.log.Warn("the connection for log entries was lost; it is being made again", "err", err)
	e.b.condition.change(func(s *state) { s.entriesDisconnected = errDisconnected(err) })
	e.redialing.Go(func() {
		for err := e.dial(); err != nil; err = e.dial() {
			select {
			case <-e.stop:
				return
			case <-time.After(reconnectWait):
			}
		}
		e.b.condition.change(func(s *state) { s.entriesDisconnected = nil })
		e.b.log.Warn("log entries have a connection again")
	})
}

func (e *entries) close() {
	if e == nil {
		return
	}
	e.once.Do(func() { close(e.stop) })
	e.closeConn() // which waits for redial
	e.redialing.Wait()
	e.closeConn() // the one that was made in the meantime
}

func (e *entries) closeConn() {
	if c := e.conn.Load(); c != nil {
		c.Close()
	}
}

// Direct is the fastest connection to the embedded server, valid in this session; nil
// with an external server. Callers that publish to a stream with it must call Wrote.
func (b *Backbone) Direct() *direct.Conn {
	if b.entries == nil {
		return nil
	}
	return b.entries.conn.Load()
}
