// Package mailbox keeps what SNS would have sent by email and SMS, for people and tests
// to look at: nothing leaves the machine.
//
// It is one JetStream stream of the last mails, made with the first one.
package mailbox

import (
	"context"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/store/keys"
)

// How much is kept: the oldest mails go first.
const (
	MaxMails = 1000
	maxBytes = 64 << 20
)

const (
	stream  = "sns-mailbox"
	subject = "sns.mailbox"
	call    = 5 * time.Second // to JetStream
)

// A Mail is what would have been sent.
type Mail struct {
	ID       string    // of the message
	Time     time.Time // when it would have been sent
	Account  string    // who sends
	Region   string
	Topic    string // its ARN; "" for an SMS to a phone number
	Protocol string // "email", "email-json" or "sms"
	To       string
	Subject  string
	Text     string
}

// A Mailbox is safe for concurrent use.
type Mailbox struct {
	js    jetstream.JetStream
	keys  Keyring
	admit func(bytes int) error

	mu     sync.Mutex // held while the stream is made
	stream jetstream.Stream
}

// A Keyring makes and unwraps the data keys that mails are encrypted with; *keys.Ring is
// one.
type Keyring interface {
	DataKey(keyID, account, region string) (keys.DataKey, error)
	Unwrap(wrapped []byte) (cipher.AEAD, error)
}

// New is the mailbox of a JetStream. Mails are encrypted with the runtime's own key, as
// messages are. admit is asked before a mail is kept; nil admits all.
func New(js jetstream.JetStream, k Keyring, admit func(bytes int) error) *Mailbox {
	return &Mailbox{js: js, keys: k, admit: admit}
}

// A sealed mail is what the stream has of it.
type sealed struct {
	Key []byte // wrapped data key
	Box []byte // the mail as JSON, in a keys.Box under it that the stream owns
}

func (b *Mailbox) seal(m Mail) ([]byte, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "writing a mail")
	}
	k, err := b.keys.DataKey("", "", "")
	if err != nil {
		return nil, err
	}
	text, err = json.Marshal(sealed{k.Wrapped, keys.Box(k.AEAD, text, stream)})
	return text, fault.Wrap(fault.Internal, err, "writing a mail")
}

// unseal is the inverse of seal.
func (b *Mailbox) unseal(text []byte) (m Mail, err error) {
	var s sealed
	if err := json.Unmarshal(text, &s); err != nil {
		return m, fault.Wrap(fault.Internal, err, "reading a mail")
	}
	k, err := b.keys.Unwrap(s.Key)
	if err != nil {
		return m, err
	}
	if text, err = keys.Unbox(k, s.Box, stream); err != nil {
		return m, err
	}
	return m, fault.Wrap(fault.Internal, json.Unmarshal(text, &m), "reading a mail")
}

// Add keeps a mail, and returns when it is durable. fault.Unavailable, fault.TooLarge.
func (b *Mailbox) Add(ctx context.Context, m Mail) error {
	text, err := b.seal(m)
	if err != nil {
		return err
	}
	if b.admit != nil {
		if err := b.admit(len(text)); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, call)
	defer cancel()
	if _, err := b.open(ctx, true); err != nil {
		return err
	}
	_, err = b.js.Publish(ctx, subject, text)
	if errors.Is(err, jetstream.ErrNoStreamResponse) { // another runtime has emptied it
		b.forget()
		if _, err = b.open(ctx, true); err != nil {
			return err
		}
		_, err = b.js.Publish(ctx, subject, text)
	}
	return fault.Wrap(fault.Unavailable, err, "keeping a mail")
}

// List returns the last n mails, the oldest first.
func (b *Mailbox) List(ctx context.Context, n int) ([]Mail, error) {
	ctx, cancel := context.WithTimeout(ctx, call)
	defer cancel()
	s, err := b.open(ctx, false)
	if s == nil || err != nil {
		return nil, err
	}
	info, err := s.Info(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		b.forget()
		return nil, nil
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "looking into the mailbox")
	}
	var all []Mail
	first := info.State.FirstSeq
	if last := info.State.LastSeq; last+1 > first+uint64(n) {
		first = last + 1 - uint64(n)
	}
	for seq := first; seq <= info.State.LastSeq; seq++ {
		msg, err := s.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) { // it went meanwhile
			continue
		}
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "reading a mail")
		}
		m, err := b.unseal(msg.Data)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// Reset removes all mails.
func (b *Mailbox) Reset(ctx context.Context) error {
	b.forget()
	err := b.js.DeleteStream(ctx, stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	return fault.Wrap(fault.Unavailable, err, "emptying the mailbox")
}

// open finds the stream, and makes it when create says so; else it is nil when there is
// none.
func (b *Mailbox) open(ctx context.Context, create bool) (s jetstream.Stream, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stream != nil {
		return b.stream, nil
	}
	if create {
		s, err = b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: stream, Subjects: []string{subject}, MaxMsgs: MaxMails, MaxBytes: maxBytes, Discard: jetstream.DiscardOld,
			AllowDirect: true,
		})
	} else if s, err = b.js.Stream(ctx, stream); errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "opening the mailbox")
	}
	b.stream = s
	return s, nil
}

func (b *Mailbox) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stream = nil
}
