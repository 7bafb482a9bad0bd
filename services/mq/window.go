package mq

import (
	"encoding/json"
	"net/http"

	"millrace/runtime/fault"
)

// WindowHandler runs the maintenance window of a broker now. It answers whether that
// reboots the broker, which it does if something is pending: {"reboots":true}.
//
//	POST /_runtime/mq/brokers/{id}/maintenance-window
func (s *Service) WindowHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reboots, err := s.brokers.OpenWindow(r.Context(), r.PathValue("id"))
		status, answer := http.StatusOK, map[string]any{"reboots": reboots}
		if err != nil {
			status, answer = http.StatusInternalServerError, map[string]any{"message": err.Error()}
			if fault.Of(err) == fault.NotFound {
				status = http.StatusNotFound
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer) // a client that has left hears nothing
	})
}
