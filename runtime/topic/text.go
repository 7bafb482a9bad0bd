package topic

import (
	"context"

	"github.com/google/uuid"

	"millrace/runtime/topic/mailbox"
)

// Text publishes to a phone number: the mailbox keeps what would have been sent. It
// returns the message's id once that is durable.
func (ts *Topics) Text(ctx context.Context, account, region, phone string, m Message) (messageID string, err error) {
	id := uuid.NewString()
	return id, ts.config.Mailbox.Add(ctx, mailbox.Mail{
		ID: id, Time: ts.now(), Account: account, Region: region, Protocol: SMS, To: phone, Subject: m.Subject, Text: m.bodyFor(SMS),
	})
}
