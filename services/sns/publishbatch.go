package sns

import (
	"context"
	"errors"

	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// maxEntries is what one batch may hold, and maxEntryID the length of an id in it.
const (
	maxEntries = 10
	maxEntryID = 80
)

// PublishBatch   awsQuery
//
//   - publishes 1 to 10 messages of MaximumMessageSize bytes together, on a FIFO topic
//     in the order of the request
//   - an entry whose subject, body or structure is wrong fails alone; what is wrong with
//     an attribute, or with the ids that FIFO topics need, fails the whole request, as
//     it does on AWS
//   - asks the topic's policy for Publish
func (s *Service) PublishBatch(ctx context.Context, in *api.PublishBatchInput) (*api.PublishBatchOutput, error) {
	t, err := s.find(ctx, "Publish", "TopicArn", in.TopicArn, nil)
	if err != nil {
		return nil, err
	}
	if err := checkEntries(in.PublishBatchRequestEntries); err != nil {
		return nil, err
	}
	drafts, messages, err := readEntries(in.PublishBatchRequestEntries, &t, identity.From(ctx).TraceHeader)
	if err != nil {
		return nil, err
	}
	out := &api.PublishBatchOutput{ // AWS answers empty lists too
		Successful: []*api.PublishBatchResultEntry{}, Failed: []*api.BatchResultErrorEntry{},
	}
	good := make([]*api.PublishBatchRequestEntry, 0, len(messages))
	taken := messages[:0]
	for i, e := range in.PublishBatchRequestEntries {
		m := messages[i]
		if err := drafts[i].check(&m); err != nil {
			out.Failed = append(out.Failed, failed(e.Id, err))
			continue
		}
		good, taken = append(good, e), append(taken, m)
	}
	if len(taken) == 0 {
		return out, nil
	}
	published, err := s.publish(ctx, t.ID, taken...)
	if err != nil {
		return nil, fromTopics(err)
	}
	for i, e := range good {
		if p := &published[i]; p.Err != nil {
			out.Failed = append(out.Failed, failed(e.Id, fromTopics(p.Err)))
		} else {
			out.Successful = append(out.Successful, &api.PublishBatchResultEntry{
				Id: e.Id, MessageId: &p.MessageID, SequenceNumber: sequenceNumber(p),
			})
		}
	}
	return out, nil
}

// checkEntries checks what every batch must be: 1 to 10 entries with well-formed,
// distinct ids.
func checkEntries(entries []*api.PublishBatchRequestEntry) error {
	if len(entries) == 0 {
		return api.ErrEmptyBatchRequestException("The batch request doesn't contain any entries.")
	}
	if len(entries) > maxEntries {
		return api.ErrTooManyEntriesInBatchRequestException("The batch request contains more entries than permissible.")
	}
	seen := map[string]bool{}
	for _, e := range entries {
		id := kit.Value(e.Id)
		switch {
		case len(id) > maxEntryID:
			return api.ErrInvalidBatchEntryIdException("The Id of a batch entry in the batch request is too long: " + id)
		case !isIdentifier(id):
			return api.ErrInvalidBatchEntryIdException("The Id of a batch entry in the batch request contains an impermissible character: " + id)
		case seen[id]:
			return api.ErrBatchEntryIdsNotDistinctException("Two or more batch entries in the request have the same Id.")
		}
		seen[id] = true
	}
	return nil
}

// readEntries makes the messages of a batch, and checks what fails the whole of it.
func readEntries(entries []*api.PublishBatchRequestEntry, t *topic.Topic, traceHeader string) ([]draft, []topic.Message, error) {
	drafts := make([]draft, len(entries))
	messages := make([]topic.Message, len(entries))
	total := 0
	for i, e := range entries {
		d := draft{e.Message, e.Subject, e.MessageStructure, e.MessageAttributes, e.MessageGroupId, e.MessageDeduplicationId}
		m, err := d.read(traceHeader)
		if err == nil {
			err = d.checkIDs(t)
		}
		if err != nil {
			return nil, nil, err
		}
		drafts[i], messages[i] = d, m
		total += m.Bytes()
	}
	if total > t.MaxBytes() {
		return nil, nil, api.ErrBatchRequestTooLongException("The length of all the messages put together is more than the limit.")
	}
	return drafts, messages, nil
}

// failed is the answer for one entry. An error that is not the sender's fault is told as
// one of ours, its cause kept back.
func failed(id *string, err error) *api.BatchResultErrorEntry {
	var e *wire.Error
	if !errors.As(err, &e) {
		e = api.ErrInternalErrorException("We encountered an internal error. Please try again.")
	}
	return &api.BatchResultErrorEntry{Id: id, Code: &e.QueryCode, Message: &e.Message, SenderFault: new(!e.Fault)}
}
