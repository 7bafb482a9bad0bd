package mq

import (
	"net/http"
	"time"

	"millrace/runtime/broker/metrics"
	"millrace/runtime/fault"
)

// Metrics is the answer of MetricsHandler.
type Metrics struct {
	Namespace string           `json:"namespace"` // "AWS/AmazonMQ"
	Series    []metrics.Series `json:"series"`    // sorted by dimensions and names
}

// MetricsHandler shows what was measured of a broker: the newest samples, or those of the
// time that since says, such as 1h. Three hours are kept.
//
//	GET /_runtime/mq/brokers/{id}/metrics?since=1h
func (s *Service) MetricsHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var from time.Time
		if text := r.URL.Query().Get("since"); text != "" {
			d, err := time.ParseDuration(text)
			if err != nil || d <= 0 {
				answerAdmin(w, nil, fault.New(fault.Invalid, `since has to be as "90s" or "1h".`))
				return
			}
			from = time.Now().Add(-d)
		}
		series, err := s.brokers.Metrics(r.PathValue("id"), from)
		if series == nil {
			series = []metrics.Series{}
		}
		answerAdmin(w, Metrics{metrics.Namespace, series}, err)
	})
}
