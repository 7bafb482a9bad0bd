package lambda

import (
	"testing"

	api "millrace/services/internal/api/lambda"
)

func TestRefusedBodies(t *testing.T) {
	for name, want := range map[string]string{
		"CreateFunction":     "Request must be smaller than 70167211 bytes for the CreateFunction operation",
		"UpdateFunctionCode": "Request must be smaller than 70167211 bytes for the UpdateFunctionCode operation",
		"Invoke":             "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
	} {
		op := api.Service.Operation(name)
		if e := (*Service)(nil).RefuseBody(op, op.MaxBody); e.Message != want || e.Status != 413 || e.Code != "RequestTooLargeException" {
			t.Errorf("%s: %d %s %s, want 413 with %s", name, e.Status, e.Code, e.Message, want)
		}
	}
}
