package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/services/gateway/http1"
)

// A door serves HTTP on a listener, which it closes. It runs once, as its server does.
type door struct {
	server   server
	listener net.Listener
	drain    func() // has the requests answered that wait for something; called by the Stop
	log      *slog.Logger
	life     lifecycle.Once
}

// Start implements lifecycle.Part.
func (d *door) Start(ctx context.Context) error {
	return d.life.Start(ctx, func(_ context.Context, run *lifecycle.Run) error {
		// Requests that come are served until the Stop, and waited for there: neither is
		// over when the run is halted.
		served := make(chan struct{})
		go func() {
			defer close(served)
			if err := d.server.Serve(d.listener); !errors.Is(err, http.ErrServerClosed) {
				d.log.Error("serving", "err", err)
			}
		}()
		run.Cleanup(func(ctx context.Context) error {
			d.drain()
			err := d.server.Shutdown(ctx)
			if err != nil {
				d.server.Close()
			}
			<-served
			return fault.Wrap(fault.Timeout, err, "requests were cut off")
		})
		return nil
	})
}

// Stop takes no more requests, and waits for those under way. It implements
// lifecycle.Part.
func (d *door) Stop(ctx context.Context) error { return d.life.Stop(ctx, "requests") }

// A server serves HTTP; an *http.Server does.
type server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
	Close() error
}

// newServer makes the server that was chosen. AWS's SDKs keep connections idle for
// 90 s at most (Go; Java 60 s, Node for as long as they may): one that the server
// ended first would cost a request.
func newServer(kind string, h http.Handler, log *slog.Logger) server {
	std := &http.Server{
		Handler: h, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	if kind == HTTPStd {
		return std
	}
	return http1.New(std)
}
