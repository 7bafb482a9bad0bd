package app

import (
	"context"
	"time"

	"millrace/runtime/topic"
	"millrace/services/admin"
	"millrace/services/sns"
)

func openSNS(ctx context.Context, a *App) (Offer, error) {
	a.topics = topic.New(topic.Config{Records: a.records, Now: time.Now})
	if err := a.stack.Start(ctx, "topics", a.topics); err != nil {
		return Offer{}, err
	}
	return Offer{
		Service: sns.New(a.topics, sns.Options{}),
		Status: func(context.Context) ([]admin.Count, error) {
			topics, subscriptions := a.topics.Count()
			return []admin.Count{{Of: "topics", N: topics}, {Of: "subscriptions", N: subscriptions}}, nil
		},
	}, nil
}
