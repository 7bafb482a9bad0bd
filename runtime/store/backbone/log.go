package backbone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// serverLog passes on the embedded server's warnings and errors. It drops notices, which
// a user of the runtime could not act on. A line that says that a stream can no longer
// store messages also goes to onWriteError.
type serverLog struct {
	log          *slog.Logger
	onWriteError atomic.Pointer[func(error)] // nil for none
	failed       atomic.Pointer[string]      // what the server could not start for
}

func (l *serverLog) Warnf(format string, v ...any)  { l.write(slog.LevelWarn, format, v...) }
func (l *serverLog) Errorf(format string, v ...any) { l.write(slog.LevelError, format, v...) }
func (l *serverLog) Noticef(string, ...any)         {}
func (l *serverLog) Debugf(string, ...any)          {}
func (l *serverLog) Tracef(string, ...any)          {}

func (l *serverLog) Fatalf(format string, v ...any) {
	line := fmt.Sprintf(format, v...)
	l.failed.Store(&line)
}

func (l *serverLog) write(level slog.Level, format string, v ...any) {
	line := fmt.Sprintf(format, v...)
	if report := l.onWriteError.Load(); report != nil && isWriteError(line) {
		level = slog.LevelDebug // the keeper logs it once
		(*report)(errors.New(line))
	}
	l.log.Log(context.Background(), level, "nats: "+line)
}

// startError is why the server did not start; nil when it did.
func (l *serverLog) startError() error {
	if line := l.failed.Load(); line != nil {
		return errors.New(*line)
	}
	return nil
}

// connHandlers tells the condition when the connection is lost and found.
func (b *Backbone) connHandlers() []nats.Option {
	return []nats.Option{
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if b.stopping.Load() {
				return
			}
			b.log.Warn("the connection to NATS was lost; it is being made again", "err", err)
			b.condition.change(func(s *state) { s.disconnected = errDisconnected(err) })
		}),
		nats.ReconnectHandler(func(c *nats.Conn) {
			b.condition.change(func(s *state) { s.disconnected = nil })
			b.log.Warn("connected to NATS again", "url", c.ConnectedUrlRedacted())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { b.log.Warn("nats: " + err.Error()) }),
		nats.ClosedHandler(func(c *nats.Conn) {
			if b.stopping.Load() {
				return
			}
			err := fmt.Errorf("NATS ended the connection for good: %w", c.LastError())
			b.condition.change(func(s *state) { s.disconnected = errDisconnected(err) })
			select {
			case b.failed <- err:
			default:
			}
		}),
	}
}
