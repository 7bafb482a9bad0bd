package signing

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"millrace/runtime/lifecycle"
	"millrace/runtime/topic/envelope"
)

// What serving certificates may take.
const (
	connections = 64
	headerBytes = 8 << 10
	headerWait  = 5 * time.Second
	answerWait  = 10 * time.Second
	idleWait    = 30 * time.Second
	listenAgain = time.Second // after an address could not be listened at
)

// A server serves certificates. It listens from the first time that it is told to.
type server struct {
	config Config
	keys   *keyStore
	names  names
	leaves *leaves
	certs  *certificates
	life   lifecycle.StartStop

	mu       sync.Mutex   // guards what follows
	listener net.Listener // nil while it does not listen
	failed   time.Time    // when it last could not; zero for never
	told     bool         // the log has it that it cannot
	port     string       // that it listened at last; "" for none
}

func newServer(c Config, k *keyStore) *server {
	n := namesOf(c)
	return &server{config: c, keys: k, names: n, leaves: newLeaves(c.Authority, n), certs: newCertificates(c, k)}
}

// Start implements lifecycle.Part. It listens if there is a key: then there are messages
// that name the address. An address that is taken keeps nothing from starting.
func (s *server) Start(ctx context.Context) error {
	return s.life.Start(ctx, func(_ context.Context, run *lifecycle.Run) error {
		if s.keys.any() {
			s.listenIn(run)
		}
		return nil
	})
}

// Stop implements lifecycle.Part.
func (s *server) Stop(ctx context.Context) error {
	return s.life.Stop(ctx, "requests for certificates")
}

// url is where the certificate of a key is served.
func (s *server) url(keyID, region string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "https://" + s.names.host(region, s.port) + "/" + envelope.CertFile(keyID)
}

// listen listens, if it runs, and does not listen already.
func (s *server) listen() {
	if run := s.life.Current(); run != nil {
		s.listenIn(run)
	}
}

func (s *server) listenIn(run *lifecycle.Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.config.Now()
	if d := now.Sub(s.failed); s.listener != nil || !s.failed.IsZero() && d >= 0 && d < listenAgain {
		return
	}
	l, err := s.open(run.Halted())
	if err != nil {
		if s.failed = now; !s.told && run.Halted().Err() == nil {
			s.told = true
			s.config.Log.Error("the certificate of SNS signatures cannot be served: end what else listens there, or choose another address; it is tried again",
				"address", s.config.Address, "err", err)
		}
		return
	}
	if !run.Go(func() { s.serve(run, l) }) {
		_ = l.Close()
		return
	}
	s.listener, s.failed, s.told = l, time.Time{}, false
	if _, port, err := net.SplitHostPort(l.Addr().String()); err == nil {
		s.port = port
	}
}

func (s *server) open(ctx context.Context) (net.Listener, error) {
	if s.config.Listen != nil {
		return s.config.Listen(ctx)
	}
	var c net.ListenConfig
	return c.Listen(ctx, "tcp", s.config.Address)
}

// serve answers until the run is halted, or the listener fails.
func (s *server) serve(run *lifecycle.Run, l net.Listener) {
	web := &http.Server{
		Handler:           s.certs,
		TLSConfig:         &tls.Config{GetCertificate: s.leaves.get, MinVersion: tls.VersionTLS12},
		Protocols:         new(http.Protocols),
		ReadHeaderTimeout: headerWait,
		ReadTimeout:       headerWait,
		WriteTimeout:      answerWait,
		IdleTimeout:       idleWait,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(s.config.Log.Handler(), slog.LevelDebug), // what strangers do at a port
	}
	web.Protocols.SetHTTP1(true)
	ended := make(chan struct{})
	closing := run.Go(func() {
		select {
		case <-run.Halted().Done():
		case <-ended:
		}
		if web.Shutdown(run.Work()) != nil {
			_ = web.Close()
		}
	})
	if !closing { // halted in the meantime
		_ = l.Close()
	}
	err := web.ServeTLS(netutil.LimitListener(l, connections), "", "")
	close(ended)
	if !errors.Is(err, http.ErrServerClosed) && closing {
		s.config.Log.Warn("the certificate of SNS signatures is not served until a message names it again", "err", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener = nil
}

// stripPort takes the port off a host; hosts without one stay as they are.
func stripPort(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}
