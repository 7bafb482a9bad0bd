package backbone

import (
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
)

// A keeper reopens the embedded store when a write to it has failed: the server
// keeps the first error of each stream forever (setWriteErr of its file store), even
// when the disk works again. It does nothing while all is well.
//
//	Report ─→ run ─ reopen   until it succeeds: twice a second, as long as the disk fails
type keeper struct {
	b     *Backbone
	fsync func(*os.File) error

	failures chan struct{} // the state is broken
	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{} // closed when run has ended

	lastReopened time.Time // guarded by run: when the store was last reopened
}

const (
	probeEvery = 500 * time.Millisecond
	// stableAfter is how long a reopened store must work before a new error is logged.
	stableAfter = 10 * time.Second
	// maxOpenTries is how often streams that fail to open are tried before the others
	// are served without them.
	maxOpenTries = 6
)

func startKeeper(b *Backbone, fsync func(*os.File) error) *keeper {
	k := &keeper{b: b, fsync: fsync, failures: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	for try := 1; !k.allOpen(try); try++ { // a stream may have wanted what there is a moment later
		time.Sleep(probeEvery)
		k.reopen()
	}
	go k.run()
	return k
}

// Report says that JetStream failed to store something or does not answer. The
// embedded server's store is then reopened; Report does not wait for that.
func (b *Backbone) Report(cause error) {
	if b.keeper == nil {
		return
	}
	b.condition.change(func(s *state) {
		if s.broken == nil {
			s.broken = errBroken(cause)
		}
	})
	select {
	case b.keeper.failures <- struct{}{}:
	default:
	}
}

func (k *keeper) run() {
	defer close(k.done)
	for {
		select {
		case <-k.stop:
			return
		case <-k.failures:
		}
		cause := k.b.condition.now.Load().broken
		if cause == nil {
			continue // reported twice
		}
		log := k.b.log
		again := time.Since(k.lastReopened) < stableAfter
		if !again {
			log.Error("the store failed to write or sync; it is reopened as soon as its disk can be written: make room, or see what is wrong with it",
				"dir", k.b.srv.dir, "err", reason(cause))
		}
		began := time.Now()
		for try := 1; again || !k.reopen() || !k.allOpen(try); try++ {
			again = false
			select {
			case <-k.stop:
				return
			case <-time.After(probeEvery):
			}
		}
		k.lastReopened = time.Now()
		k.b.condition.change(func(s *state) { s.broken = nil })
		log.Warn("the store works again", "after", time.Since(began).Round(time.Millisecond))
	}
}

// reopen reports whether the store was reopened.
func (k *keeper) reopen() bool {
	b := k.b
	b.Drain(entrySlack)
	err := probe(b.srv.dir, k.fsync)
	if err == nil {
		err = b.folders.relink()
	}
	if err == nil {
		err = b.srv.reopen()
	}
	if err != nil {
		b.log.Debug("the store is not opened yet", "err", err)
	}
	return err == nil
}

// allOpen reports whether all streams are open that should be, or those that are not
// were tried often enough.
func (k *keeper) allOpen(try int) bool {
	b := k.b
	open, err := b.srv.open()
	var unopened []string
	if err == nil {
		unopened, err = b.folders.unopened(open)
	}
	switch {
	case err == nil && len(unopened) == 0:
		return true
	case try < maxOpenTries:
		b.log.Debug("streams could not be opened yet", "streams", unopened, "err", err)
		return false
	default:
		b.log.Error("streams could not be opened, their files are left as they are; restart the runtime to have them repaired", "streams", unopened, "err", err)
		return true
	}
}

func (k *keeper) close() {
	if k == nil {
		return
	}
	k.stopOnce.Do(func() { close(k.stop) })
	<-k.done
}

// writeErrors are parts of the lines that the server logs when a stream can no longer
// store messages (setWriteErr, setWriteErrLocked, handleOutOfSpace,
// handleWritePermissionError and their callers, nats-server 2.15.2). The server does
// not answer the publisher then.
var writeErrors = []string{"ritical write error", "failed to store a msg", "disabling JetStream", "will be DISABLED"}

func isWriteError(line string) bool {
	for _, s := range writeErrors {
		if strings.Contains(line, s) {
			return true
		}
	}
	return false
}

// isUnavailable reports whether an error means that JetStream is not running.
func isUnavailable(err error) bool {
	return errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders)
}

// reason is the cause in a fault.State.
func reason(err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Err
	}
	return err
}
