package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"millrace/runtime/fault"
	"millrace/runtime/function"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// The largest payloads, in bytes (Lambda quotas).
const (
	maxSync       = 6291456
	maxAsync      = 1048576
	maxAsyncEarly = 262144 // of the deprecated InvokeAsync
)

// Invoke   restJson1
//
//   - RequestResponse, the default, waits for the function and answers 200 with
//     what it returned; a function error is a 200 too, with X-Amz-Function-Error
//   - Event answers 202 once the event is durable; it is then run at least once,
//     again after 1 and 2 minutes if the function fails, and with growing pauses
//     for 6 hours while it is throttled; then its dead-letter queue gets the event,
//     and its destinations get a record
//   - DryRun checks and answers 204
//   - the payload is JSON; none at all is {}. At most 6291456 bytes, as an Event
//     1048576
//   - LogType=Tail answers the last 4 KB of the invocation's log
//   - ClientContext reaches the function of a RequestResponse
//
// Not supported: versions and aliases beside $LATEST, tenants, durable
// executions.
func (s *Service) Invoke(ctx context.Context, in *api.InvokeInput) (*api.InvokeOutput, error) {
	f, r, err := s.find(ctx, "InvokeFunction", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	asynchronous, limit := kit.Value(in.InvocationType) == "Event", maxSync
	if asynchronous {
		limit = maxAsync
	}
	c := identity.From(ctx)
	event := function.Invocation{RequestID: c.RequestID, Qualifier: r.Qualifier, TraceHeader: c.TraceHeader}
	if event.Payload, err = payload(in.Payload, limit, "InvokeFunction"); err != nil {
		return nil, err
	}
	switch {
	case kit.Value(in.InvocationType) == "DryRun":
		return &api.InvokeOutput{StatusCode: new(int32(204))}, nil
	case asynchronous:
		return &api.InvokeOutput{StatusCode: new(int32(202))}, fromDomain(s.functions.InvokeAsync(ctx, r.ID, event))
	}
	if event.ClientContext, err = clientContext(kit.Value(in.ClientContext)); err != nil {
		return nil, err
	}
	result, err := s.functions.Invoke(ctx, r.ID, event)
	if fault.Of(err) == fault.Throttled {
		return nil, throttled(f)
	}
	if err != nil {
		return nil, fromDomain(err)
	}
	out := &api.InvokeOutput{
		StatusCode:      new(int32(200)),
		ExecutedVersion: new(function.Latest),
		FunctionError:   kit.Optional(result.FunctionError),
		Payload:         result.Payload,
	}
	if kit.Value(in.LogType) == "Tail" {
		out.LogResult = new(base64.StdEncoding.EncodeToString(result.Log))
	}
	return out, nil
}

// InvokeAsync   restJson1
//
//   - Invoke as an Event, under its old name: at most 262144 bytes
func (s *Service) InvokeAsync(ctx context.Context, in *api.InvokeAsyncInput) (*api.InvokeAsyncOutput, error) {
	_, r, err := s.find(ctx, "InvokeAsync", in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	c := identity.From(ctx)
	event := function.Invocation{RequestID: c.RequestID, Qualifier: r.Qualifier, TraceHeader: c.TraceHeader}
	if event.Payload, err = payload(in.InvokeArgs, maxAsyncEarly, "InvokeAsync"); err != nil {
		return nil, err
	}
	return &api.InvokeAsyncOutput{Status: new(int32(202))}, fromDomain(s.functions.InvokeAsync(ctx, r.ID, event))
}

// clientContext reads X-Amz-Client-Context: JSON in base64.
func clientContext(s string) (string, error) {
	if len(s) > 3583 {
		return "", tooLarge("Client context must be smaller than 3583 bytes")
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) > 0 && !json.Valid(b) {
		return "", badContent("Client context must be a valid Base64-encoded JSON object.")
	}
	return string(b), nil
}
