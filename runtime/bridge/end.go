package bridge

import (
	"context"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	closeTimeout = 2 * time.Second // for the broker to say goodbye
	endTimeout   = 3 * time.Second // until the connection is cut
)

// fail ends the link, if it has not ended. Everything of it is soon over.
func (l *link) fail(r Reason, cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failLocked(r, cause)
}

func (l *link) failLocked(r Reason, cause error) {
	if l.err != nil {
		return
	}
	l.err = &Error{Reason: r, Queue: l.spec.Queue, Err: cause, Changed: l.changed}
	l.ready, l.kept = nil, nil
	if l.watched != nil {
		l.watched.Stop()
	}
	l.room.Broadcast()
	wake(l.readable)
	close(l.ended)
	go l.end()
}

// guard ends the link when the broker ends the connection, the channel or the consumer,
// and when another runtime is to bridge the queue.
func (l *link) guard(connection, channel <-chan *amqp.Error, cancelled <-chan string) {
	for {
		mine, changed := l.bridges.owns(l.spec.Queue)
		if !mine {
			l.fail(moved, nil)
			return
		}
		select {
		case <-changed:
		case <-l.ended:
			return
		case <-cancelled:
			l.fail(Lost, errCancelled)
			return
		case e := <-connection:
			l.fail(Lost, said(e))
			return
		case e := <-channel:
			l.fail(Lost, said(e))
			return
		}
	}
}

// said is the broker's word, if there is one.
func said(e *amqp.Error) error {
	if e == nil {
		return nil
	}
	return e
}

// end takes the link down, and gives its deliveries back.
func (l *link) end() {
	defer close(l.over)
	ctx, cancel := context.WithTimeout(context.Background(), apiTimeout)
	defer cancel()
	if l.reading != nil {
		_ = l.reading.Unsubscribe() // of a connection to NATS that is closed
		_ = l.stream.js.DeleteConsumer(ctx, l.stream.name, l.id)
	}
	if l.wire != nil {
		cut := time.AfterFunc(endTimeout, l.cut)
		l.wire.release()
		if l.conn != nil {
			_ = l.conn.CloseDeadline(time.Now().Add(closeTimeout)) // also when it has ended already
		}
		cut.Stop()
		l.cut()
	}
	l.parts.Wait()
	if l.stream != nil {
		if err := l.bridges.leave(ctx, l); err != nil {
			l.log.Debug("the stream of a queue was not removed", "err", err)
		}
	}
}

// cut ends the connection to the broker without a word.
func (l *link) cut() {
	l.wire.release()
	_ = l.wire.Conn.Close() // it may be closed
}
