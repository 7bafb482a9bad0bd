package backbone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// serverLog passes on what the embedded server warns of. Its notices are about
// itself and nothing a user of the runtime could act on. What says that a stream
// can store nothing anymore goes to whoever mends that.
type serverLog struct {
	log    *slog.Logger
	mend   atomic.Pointer[func(error)] // nil until somebody does
	failed atomic.Pointer[string]      // what the server could not start for
}

func (l *serverLog) Warnf(format string, v ...any)  { l.say(slog.LevelWarn, format, v...) }
func (l *serverLog) Errorf(format string, v ...any) { l.say(slog.LevelError, format, v...) }
func (l *serverLog) Noticef(string, ...any)         {}
func (l *serverLog) Debugf(string, ...any)          {}
func (l *serverLog) Tracef(string, ...any)          {}

func (l *serverLog) Fatalf(format string, v ...any) {
	line := fmt.Sprintf(format, v...)
	l.failed.Store(&line)
}

func (l *serverLog) say(level slog.Level, format string, v ...any) {
	line := fmt.Sprintf(format, v...)
	if mend := l.mend.Load(); mend != nil && isWriteError(line) {
		level = slog.LevelDebug // the keeper says it, once
		(*mend)(errors.New(line))
	}
	l.log.Log(context.Background(), level, "nats: "+line)
}

// fatal is why the server did not start; nil when it did.
func (l *serverLog) fatal() error {
	if line := l.failed.Load(); line != nil {
		return errors.New(*line)
	}
	return nil
}

// watching tells the condition when the connection is lost and found.
func (b *Backbone) watching() []nats.Option {
	return []nats.Option{
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if b.stopping.Load() {
				return
			}
			b.log.Warn("the connection to NATS was lost; it is being made again", "err", err)
			b.condition.change(func(s *state) { s.away = away(err) })
		}),
		nats.ReconnectHandler(func(c *nats.Conn) {
			b.condition.change(func(s *state) { s.away = nil })
			b.log.Warn("connected to NATS again", "url", c.ConnectedUrlRedacted())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { b.log.Warn("nats: " + err.Error()) }),
		nats.ClosedHandler(func(c *nats.Conn) {
			if b.stopping.Load() {
				return
			}
			err := fmt.Errorf("NATS ended the connection for good: %w", c.LastError())
			b.condition.change(func(s *state) { s.away = away(err) })
			select {
			case b.failed <- err:
			default:
			}
		}),
	}
}
