package mq

import (
	"cmp"
	"encoding/json"
	"net/http"
	"time"

	"millrace/runtime/broker"
	"millrace/runtime/fault"
)

// A Fault is a trouble that a broker was asked to have, as /_runtime/mq/brokers/{id}/faults
// takes and shows it.
type Fault struct {
	Code string `json:"code"`           // "RABBITMQ_MEMORY_ALARM"; an unknown one is refused with a list
	Mode string `json:"mode,omitempty"` // "real", in the broker itself, or "state", in what DescribeBroker says; the first by default, where it can be

	TTL string `json:"ttl,omitempty"` // of requests: how long it lasts, as "90s" or "5m"; until it is cleared without one

	Since time.Time `json:"since,omitzero"` // of answers
	Until time.Time `json:"until,omitzero"` // of answers: when it ends
}

// FaultHandler gives a broker a fault, and answers with it.
//
//	POST /_runtime/mq/brokers/{id}/faults
func (s *Service) FaultHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
		d.DisallowUnknownFields()
		err := d.Decode(&f)
		lasting, ttlErr := time.ParseDuration(cmp.Or(f.TTL, "0s"))
		switch {
		case err != nil:
			err = fault.New(fault.Invalid, `The body has to be as {"code":"RABBITMQ_MEMORY_ALARM","mode":"real","ttl":"5m"}, of which the code alone is required.`)
		case ttlErr != nil || lasting < 0:
			err = fault.New(fault.Invalid, `The ttl has to be as "90s" or "5m".`)
		}
		if err == nil {
			var given broker.Fault
			given, err = s.brokers.Inject(r.Context(), r.PathValue("id"), f.Code, broker.FaultMode(f.Mode), lasting)
			f = shownFault(given)
		}
		answerAdmin(w, f, err)
	})
}

// FaultsHandler lists the faults of a broker: an array.
//
//	GET /_runtime/mq/brokers/{id}/faults
func (s *Service) FaultsHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all, err := s.brokers.Faults(r.PathValue("id"))
		shown := []Fault{}
		for _, f := range all {
			shown = append(shown, shownFault(f))
		}
		answerAdmin(w, shown, err)
	})
}

// ClearFaultHandler ends the faults of a code, and answers {}.
//
//	DELETE /_runtime/mq/brokers/{id}/faults/{code}
func (s *Service) ClearFaultHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answerAdmin(w, struct{}{}, s.brokers.ClearFault(r.Context(), r.PathValue("id"), r.PathValue("code")))
	})
}

func shownFault(f broker.Fault) Fault {
	return Fault{Code: f.Code, Mode: string(f.Mode), Since: f.Since, Until: f.Until}
}

// answerAdmin answers a call of the runtime's own API: with {"message":…} when it fails.
func answerAdmin(w http.ResponseWriter, body any, err error) {
	status := http.StatusOK
	if err != nil {
		body = map[string]any{"message": err.Error()}
		switch fault.Of(err) {
		case fault.NotFound:
			status = http.StatusNotFound
		case fault.Invalid, fault.Conflict:
			status = http.StatusBadRequest
		case fault.Unavailable:
			status = http.StatusServiceUnavailable
		default:
			status = http.StatusInternalServerError
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that has left hears nothing
}
