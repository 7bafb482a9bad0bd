package sqs

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"millrace/runtime/policy"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/wire"
)

// Claims implements gateway.Claimer: requests to a queue's URL and to the host
// queue.<…> are SQS's, also unsigned ones.
func (*Service) Claims(r *http.Request) bool {
	host, _, _ := strings.Cut(r.Host, ":")
	label, _, _ := strings.Cut(host, ".")
	return label == "queue" || isQueuePath(r.URL.Path)
}

// isQueuePath reports whether a path is that of a queue's URL:
// /<account>/<name> or /queue/<region>/<account>/<name>.
func isQueuePath(path string) bool {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch len(parts) {
	case 2:
		return policy.IsAccount(parts[0])
	case 4:
		return parts[0] == "queue" && policy.IsAccount(parts[2])
	}
	return false
}

// RefuseOperation implements gateway.Refuser, in SQS's words for the query protocol.
func (*Service) RefuseOperation(r *wire.Request, p wire.Protocol, name string) *wire.Error {
	switch {
	case p != wire.AWSQuery || slices.Contains(api.Service.MissingOps, name):
		return nil
	case name != "":
		return &wire.Error{Code: "InvalidAction", Status: http.StatusBadRequest,
			Message: fmt.Sprintf("The action %s is not valid for this endpoint.", name)}
	case isQueuePath(r.HTTP.URL.Path): // a browser that opens a queue's URL
		return &wire.Error{Code: "UnknownOperationException", Status: http.StatusNotFound, Body: "<UnknownOperationException/>"}
	}
	return nil
}
