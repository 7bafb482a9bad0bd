package mq

import "net/http"

// WindowHandler runs the maintenance window of a broker now. It answers whether that
// reboots the broker, which it does if something is pending: {"reboots":true}.
//
//	POST /_runtime/mq/brokers/{id}/maintenance-window
func (s *Service) WindowHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reboots, err := s.brokers.OpenWindow(r.Context(), r.PathValue("id"))
		answerAdmin(w, map[string]any{"reboots": reboots}, err)
	})
}
