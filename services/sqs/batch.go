package sqs

import (
	"errors"
	"fmt"

	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/wire"
)

// maxEntries is what one batch request may hold.
const maxEntries = 10

// checkBatch checks what every batch request must be: 1 to 10 entries with
// well-formed, distinct ids. kind names the entries in AWS's sentence.
func checkBatch[E any](entries []E, kind string, id func(E) *string) error {
	if len(entries) == 0 {
		return api.ErrEmptyBatchRequest(fmt.Sprintf("There should be at least one %s in the request.", kind))
	}
	if len(entries) > maxEntries {
		return api.ErrTooManyEntriesInBatchRequest(
			fmt.Sprintf("Maximum number of entries per request are %d. You have sent %d.", maxEntries, len(entries)))
	}
	seen := map[string]bool{}
	for i, e := range entries {
		p := id(e)
		if p == nil {
			return missingParam(fmt.Sprintf("%s.%d.Id", kind, i+1))
		}
		if !entryID(*p) {
			return api.ErrInvalidBatchEntryId(
				"A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[*p] {
			return api.ErrBatchEntryIdsNotDistinct(fmt.Sprintf("Id %s repeated.", *p))
		}
		seen[*p] = true
	}
	return nil
}

// failed is the answer for one entry. An error that is not the sender's fault
// is told as one of ours, its cause kept back.
func failed(id *string, err error) *api.BatchResultErrorEntry {
	var e *wire.Error
	if !errors.As(err, &e) {
		e = &wire.Error{Code: "InternalError", Fault: true, Message: "We encountered an internal error. Please try again."}
	}
	code := e.QueryCode
	if code == "" {
		code = e.Code
	}
	return &api.BatchResultErrorEntry{Id: id, Code: &code, Message: &e.Message, SenderFault: new(!e.Fault)}
}
