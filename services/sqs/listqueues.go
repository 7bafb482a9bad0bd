package sqs

import (
	"context"
	"strings"

	"millrace/runtime/queue"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// ListQueues   awsJson1_0, awsQuery
//
//   - lists the caller's queues in the region by name, those that start with
//     QueueNamePrefix if it is given
//   - answers at most MaxResults (1 to 1000) and a NextToken if there are more;
//     without MaxResults at most 1000 and no token
//   - a token goes on with the prefix it was made for
func (s *Service) ListQueues(ctx context.Context, in *api.ListQueuesInput) (*api.ListQueuesOutput, error) {
	c := identity.From(ctx)
	if err := s.authorizeAccountLevel(c, "ListQueues"); err != nil {
		return nil, err
	}
	prefix := kit.Value(in.QueueNamePrefix)
	ids := s.queues.List(c.Account, c.Region, prefix)
	page, next, err := paginate(ids, prefix, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &api.ListQueuesOutput{QueueUrls: s.urls(c, page), NextToken: next}, nil
}

// ListDeadLetterSourceQueues   awsJson1_0, awsQuery
//
//   - lists the queues whose RedrivePolicy names this one, by name, in pages as
//     ListQueues does; the list is there even when it is empty
func (s *Service) ListDeadLetterSourceQueues(ctx context.Context, in *api.ListDeadLetterSourceQueuesInput) (*api.ListDeadLetterSourceQueuesOutput, error) {
	c := identity.From(ctx)
	target, err := s.find(ctx, "ListDeadLetterSourceQueues", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	page, next, err := paginate(s.sourcesOf(target.ID()), target.ID().Name, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	found := s.urls(c, page)
	if found == nil {
		found = []string{}
	}
	return &api.ListDeadLetterSourceQueuesOutput{QueueUrls: found, NextToken: next}, nil
}

// sourcesOf are the queues whose dead letters go to target, by name.
func (s *Service) sourcesOf(target queue.ID) (sources []queue.ID) {
	for _, id := range s.queues.List(target.Account, target.Region, "") {
		q, err := s.queues.Get(id)
		if err != nil {
			continue // deleted since it was listed
		}
		if d := q.Config().DeadLetter; d != nil && d.Target == target {
			sources = append(sources, id)
		}
	}
	return sources
}

// paginate cuts a page out of ids, which are in order of their names. A token
// holds what it is bound to and the last name of its page, so that queues that
// come and go between pages neither repeat nor hide others.
func paginate(ids []queue.ID, bound string, max *int32, token *string) ([]queue.ID, *string, error) {
	size := 1000
	if max != nil {
		if size = int(*max); size < 1 || size > 1000 {
			return nil, nil, invalidValue("Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000.")
		}
	}
	after := ""
	if token != nil && *token != "" {
		text, err := kit.DecodeMarker(*token)
		to, last, ok := strings.Cut(text, "\x00")
		if err != nil || !ok || to != bound {
			return nil, nil, invalidValue("Invalid or expired next token.")
		}
		after = last
	}
	page, last := kit.Page(ids, func(id queue.ID) string { return id.Name }, after, size)
	if last == "" || max == nil {
		return page, nil, nil
	}
	return page, new(kit.EncodeMarker(bound + "\x00" + last)), nil
}

func (s *Service) urls(c identity.Caller, ids []queue.ID) []string {
	var all []string
	for _, id := range ids {
		all = append(all, s.options.URLs.url(c, id))
	}
	return all
}
