package mq

import (
	"context"
	"net/http"
	"strconv"

	"millrace/runtime/fault"
)

// LogHandler answers with what is kept of the output of a broker's nodes, as text: of all
// nodes, with the number of each before its lines when there are several, or of the one
// that node names by its number. With follow=true it goes on with what comes, also over
// restarts of the broker, until ending is over.
//
//	GET /_runtime/mq/brokers/{id}/log?node=1&follow=true
func (s *Service) LogHandler(ending context.Context) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		follow := false
		if text := query.Get("follow"); text != "" {
			var err error
			if follow, err = strconv.ParseBool(text); err != nil {
				answerAdmin(w, nil, fault.New(fault.Invalid, "follow has to be true or false."))
				return
			}
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(ending, cancel)()
		out := &logWriter{w: w}
		err := s.brokers.Log(ctx, r.PathValue("id"), query.Get("node"), follow, out)
		switch {
		case !out.began && err == nil:
			out.begin()
		case !out.began:
			answerAdmin(w, nil, err)
		case err != nil && ending.Err() == nil:
			panic(http.ErrAbortHandler) // so that the client sees that something is missing
		}
	})
}

// A logWriter sends text as it comes.
type logWriter struct {
	w     http.ResponseWriter
	began bool
}

func (l *logWriter) begin() {
	l.began = true
	l.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	l.w.Header().Set("X-Content-Type-Options", "nosniff") // strangers are in it
	l.w.WriteHeader(http.StatusOK)
}

func (l *logWriter) Write(p []byte) (int, error) {
	if !l.began {
		l.begin()
	}
	n, err := l.w.Write(p)
	if err == nil {
		err = http.NewResponseController(l.w).Flush()
	}
	return n, err
}
