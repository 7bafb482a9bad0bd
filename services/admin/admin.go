// Package admin is the runtime's own API, under /_runtime: how it is, what it
// holds, and, where allowed, how to empty it. It is not AWS's, so it speaks
// plain JSON.
//
//	GET  /_runtime/health   200 {"status":"ok"} while calls are served; else 503, and why in "message"
//	GET  /_runtime/status   what Status describes
//	POST /_runtime/reset    removes everything; 403 unless allowed
//	POST /_runtime/forget   empties the list of what is missing or damaged
package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"

	"millrace/runtime/store/loss"
)

// A Status is what the runtime says of itself.
type Status struct {
	Version  string  `json:"version"`
	Endpoint string  `json:"endpoint"`
	Health   string  `json:"health"`  // Healthy, or why calls would fail
	Data     string  `json:"data"`    // the data folder, or the URL of an external NATS server
	Folder   string  `json:"folder"`  // the data folder, an absolute path, also with an external NATS server
	PID      int     `json:"pid"`     // of the process
	Started  string  `json:"started"` // RFC 3339
	Uptime   float64 `json:"uptimeSeconds"`
	Stored   Stored  `json:"stored"`

	Losses []loss.Loss `json:"losses,omitempty"` // what is missing or damaged, the oldest first
}

// Healthy is the Health of a runtime that serves all calls.
const Healthy = "ok"

// Healthy reports whether all calls are served.
func (s Status) Healthy() bool { return s.Health == Healthy }

// A Count is how many there are of something that is stored.
type Count struct {
	Of string // "eventSourceMappings"
	N  int
}

// Stored counts what is held. In JSON it is an object, with the counts in their order.
type Stored []Count

// N is the count of something; 0 when nobody counts it.
func (s Stored) N(of string) int {
	for _, c := range s {
		if c.Of == of {
			return c.N
		}
	}
	return 0
}

// MarshalJSON writes the object.
func (s Stored) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, c := range s {
		if i > 0 {
			out = append(out, ',')
		}
		out = fmt.Appendf(out, "%q:%d", c.Of, c.N)
	}
	return append(out, '}'), nil
}

// UnmarshalJSON reads what MarshalJSON wrote, in its order.
func (s *Stored) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		of, err := d.Token()
		if err != nil {
			return err
		}
		c := Count{Of: fmt.Sprint(of)}
		if err := d.Decode(&c.N); err != nil {
			return err
		}
		*s = append(*s, c)
	}
	return nil
}

// A Runtime is what the API speaks for.
type Runtime interface {
	Health() error // why calls would fail; nil when they would not
	Status(context.Context) (Status, error)
	Reset(context.Context) error
	ForgetLosses() error
}

// Handler serves the API. allowReset reports whether reset is allowed.
func Handler(r Runtime, allowReset bool, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_runtime/health", func(w http.ResponseWriter, _ *http.Request) {
		if err := r.Health(); err != nil {
			answer(w, http.StatusServiceUnavailable, map[string]string{"status": "unavailable", "message": err.Error()})
			return
		}
		answer(w, http.StatusOK, map[string]string{"status": Healthy})
	})
	mux.HandleFunc("GET /_runtime/status", func(w http.ResponseWriter, req *http.Request) {
		s, err := r.Status(req.Context())
		if err != nil {
			log.Error("status", "err", err)
			refuse(w, http.StatusInternalServerError, "the status could not be read; see the log")
			return
		}
		s.Health = Healthy
		if err := r.Health(); err != nil {
			s.Health = err.Error()
		}
		answer(w, http.StatusOK, s)
	})
	mux.HandleFunc("POST /_runtime/reset", func(w http.ResponseWriter, req *http.Request) {
		if !allowReset {
			refuse(w, http.StatusForbidden, "reset is off: start the runtime with --allow-reset to allow it")
			return
		}
		// A reset that has begun is carried through, whoever hangs up.
		if err := r.Reset(context.WithoutCancel(req.Context())); err != nil {
			log.Error("reset", "err", err)
			refuse(w, http.StatusInternalServerError, "the reset failed; see the log")
			return
		}
		answer(w, http.StatusOK, map[string]string{"status": "empty"})
	})
	mux.HandleFunc("POST /_runtime/forget", func(w http.ResponseWriter, _ *http.Request) {
		if err := r.ForgetLosses(); err != nil {
			log.Error("forgetting losses", "err", err)
			refuse(w, http.StatusInternalServerError, "the losses could not be forgotten; see the log")
			return
		}
		answer(w, http.StatusOK, map[string]string{"status": "forgotten"})
	})
	return mux
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client may be gone; nobody is left to tell.
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]string{"message": message})
}
