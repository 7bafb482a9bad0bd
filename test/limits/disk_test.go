//go:build unix

package limits

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// A ledger knows which messages a queue owes: those that were acknowledged, and
// not yet received.
type ledger struct {
	t      *testing.T
	mu     sync.Mutex
	owed   map[string]bool // by the body's first 16 bytes
	unsure map[string]bool // sent, and answered by an error
	acks   int
}

func newLedger(t *testing.T) *ledger {
	return &ledger{t: t, owed: map[string]bool{}, unsure: map[string]bool{}}
}

const idSize = 16

// body is a text of so many bytes that starts with an id of its own.
func body(size int) string {
	b := make([]byte, size/2)
	rand.Read(b)
	return hex.EncodeToString(b)
}

func (l *ledger) sent(bodies []string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range bodies {
		if err == nil {
			l.owed[b[:idSize]] = true
			l.acks++
		} else {
			l.unsure[b[:idSize]] = true
		}
	}
}

func (l *ledger) received(b string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := b[:idSize]
	if !l.owed[id] && !l.unsure[id] {
		l.t.Errorf("received message %s, which nobody sent or which was deleted", id)
	}
	delete(l.owed, id)
	delete(l.unsure, id)
}

func (l *ledger) settle() {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.owed) > 0 {
		l.t.Errorf("%d of %d acknowledged messages are lost", len(l.owed), l.acks)
	}
}

func createQueue(t *testing.T, c *sqs.Client, name string) string {
	t.Helper()
	q, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return *q.QueueUrl
}

// send sends one message, and accounts for it.
func send(ctx context.Context, c *sqs.Client, l *ledger, url string, size int) error {
	text := body(size)
	_, err := c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &text})
	l.sent([]string{text}, err)
	return err
}

// fill sends messages of a size, ten at once when they are small, until one is
// refused.
func fill(t *testing.T, c *sqs.Client, l *ledger, url string, size int) {
	t.Helper()
	many := 1
	if size <= 10<<10 {
		many = 10
	}
	for {
		var in []types.SendMessageBatchRequestEntry
		var bodies []string
		for i := range many {
			bodies = append(bodies, body(size))
			in = append(in, types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: &bodies[i]})
		}
		began := time.Now()
		_, err := c.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: in})
		l.sent(bodies, err)
		if err != nil {
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("a refusal took %v", took)
			}
			wantUnavailable(t, err)
			return
		}
	}
}

func wantUnavailable(t *testing.T, err error) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "ServiceUnavailable" {
		t.Fatalf("got %v, want ServiceUnavailable", err)
	}
}

// drain receives and deletes until nothing comes anymore.
func drain(t *testing.T, c *sqs.Client, l *ledger, url string) (n int) {
	t.Helper()
	for {
		out, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatalf("receiving, after %d messages: %v", n, err)
		}
		if len(out.Messages) == 0 {
			return n
		}
		var done []types.DeleteMessageBatchRequestEntry
		for _, m := range out.Messages {
			l.received(*m.Body)
			done = append(done, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(len(done))), ReceiptHandle: m.ReceiptHandle})
		}
		deleted, err := c.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: done})
		if err != nil || len(deleted.Failed) > 0 {
			t.Fatalf("deleting, after %d messages: %v %v", n, err, deleted)
		}
		n += len(done)
	}
}

// freeOn is how many bytes of a disk are free.
func freeOn(t *testing.T, dir string) int64 {
	t.Helper()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	return int64(fs.Bavail) * int64(fs.Bsize)
}

// glut fills what is left of a disk with a file, as another program would.
func glut(t *testing.T, dir string) (remove func()) {
	t.Helper()
	f, err := os.CreateTemp(dir, "glut-")
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(f, zeros{})
	f.Close()
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	if free := freeOn(t, dir); free > 4096 {
		t.Fatalf("%d bytes are still free", free)
	}
	return func() {
		if err := os.Remove(f.Name()); err != nil {
			t.Error(err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func (s *server) wantFull(t *testing.T) {
	t.Helper()
	status, why := s.health()
	if status != 503 || !strings.Contains(why, "is full") || !strings.Contains(why, "are free") {
		t.Errorf("health is %d %q, want 503 and that the disk is full", status, why)
	}
	if n := strings.Count(s.log.String(), "is full"); n != 1 {
		t.Errorf("the log says %d times that the disk is full, want once:\n%s", n, s.log.String())
	}
}

func (s *server) wantWorks(t *testing.T, l *ledger, url string) {
	t.Helper()
	c := s.client()
	eventually(t, "a send", func() bool { return send(t.Context(), c, l, url, 1000) == nil })
	if status, why := s.health(); status != 200 {
		t.Errorf("health is %d %q", status, why)
	}
}

// A disk that sends have filled is drained by receiving and deleting, and takes
// messages again, all without a restart.
func TestFullDiskIsDrained(t *testing.T) {
	long(t)
	for _, size := range []int{100 << 10, 1000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			dir := disk(t, 40<<20)
			s := start(t, "", filepath.Join(dir, "data"))
			c, l := s.client(), newLedger(t)
			url := createQueue(t, c, "q")
			fill(t, c, l, url, size)
			s.wantFull(t)
			if free := freeOn(t, dir); free > 5<<20 {
				t.Errorf("%d bytes are free when sends are refused", free)
			}
			t.Logf("%d messages of %d bytes", l.acks, size)
			_, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("another")})
			wantUnavailable(t, err)
			drain(t, c, l, url)
			l.settle()
			s.wantWorks(t, l, url)
		})
	}
}

// Who changes records, or has dead letters moved, while the disk is full leaves to
// the others what they need to drain it. Purges and deletions pass also when they have
// to write down when they were.
func TestFullDiskUnderChanges(t *testing.T) {
	long(t)
	dir := disk(t, 40<<20)
	s := start(t, "", filepath.Join(dir, "data"), "--sqs-delay-purge-retry", "--sqs-delay-recently-deleted")
	c, l := s.client(), newLedger(t)
	url, purged, deleted, dead := createQueue(t, c, "q"), createQueue(t, c, "purged"), createQueue(t, c, "deleted"), createQueue(t, c, "dead")
	sources := []string{createQueue(t, c, "one"), createQueue(t, c, "two"), createQueue(t, c, "three")}
	for _, source := range sources { // none of them fills a block of its log, which would be given back
		if _, err := c.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &source, Attributes: map[string]string{
			"VisibilityTimeout": "0", "RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}`,
		}}); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			if err := send(t.Context(), c, l, source, 100<<10); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill(t, c, l, url, 20<<10)
	var err error
	for i := 0; i < 1500 && err == nil; i++ {
		policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":"s%d","Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*","Condition":{"StringEquals":{"aws:x":"%s"}}}]}`, i, strings.Repeat("y", 6000))
		_, err = c.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{"Policy": policy}})
	}
	wantUnavailable(t, err)
	for range 12 { // the second time each of them is a dead letter
		for _, source := range sources {
			if _, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &source, MaxNumberOfMessages: 10}); err != nil {
				t.Fatal("receiving:", err)
			}
		}
	}
	if strings.Contains(s.log.String(), "failed to write") {
		t.Error("the store ran out of room")
	}
	if _, err := c.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &purged}); err != nil {
		t.Error("purging:", err)
	}
	if _, err := c.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &deleted}); err != nil {
		t.Error("deleting a queue:", err)
	}
	drain(t, c, l, url)
	s.wantWorks(t, l, url)
	eventually(t, "the dead letters", func() bool { drain(t, c, l, dead); drain(t, c, l, url); return len(l.owed) == 0 })
}

// Another program fills the disk to the last byte. What is there can be received
// and deleted all the same, also after a kill and a restart; once the other
// program's file is gone, sends work again.
func TestDiskThatAnotherProgramFills(t *testing.T) {
	long(t)
	dir := disk(t, 40<<20)
	data := filepath.Join(dir, "data")
	s := start(t, "", data)
	c, l := s.client(), newLedger(t)
	url := createQueue(t, c, "q")
	other := createQueue(t, c, "other")
	for range 2000 {
		if err := send(t.Context(), c, l, url, 1000); err != nil {
			t.Fatal(err)
		}
	}
	remove := glut(t, dir)
	wantUnavailable(t, send(t.Context(), c, l, url, 1000))
	s.wantFull(t)
	receive := func(n int) {
		t.Helper()
		for range n {
			out, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})
			if err != nil || len(out.Messages) == 0 {
				t.Fatal("receiving:", err)
			}
			if _, err := c.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{
				QueueUrl: &url, ReceiptHandle: out.Messages[0].ReceiptHandle, VisibilityTimeout: 60,
			}); err != nil {
				t.Fatal("changing a visibility:", err)
			}
			l.received(*out.Messages[0].Body)
			if _, err := c.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: out.Messages[0].ReceiptHandle}); err != nil {
				t.Fatal("deleting:", err)
			}
		}
	}
	receive(50)
	if _, err := http.Get(s.endpoint + "/_runtime/status"); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &other}); err != nil {
		t.Error("deleting a queue:", err)
	}

	s.kill()
	s = start(t, "", data)
	c = s.client()
	wantUnavailable(t, send(t.Context(), c, l, url, 1000))
	s.wantFull(t)
	receive(50)

	remove()
	s.wantWorks(t, l, url)
	drain(t, c, l, url)
	l.settle()
	if info, err := os.Stat(filepath.Join(data, "reserve")); err != nil || info.Size() == 0 {
		t.Error("no room is set aside again:", err)
	}
}

// The disk fills up while many send. Whatever the store meets, what it has
// acknowledged is there, also after a kill; and it heals when there is room.
func TestDiskThatFillsUnderSends(t *testing.T) {
	long(t)
	dir := disk(t, 40<<20)
	data := filepath.Join(dir, "data")
	s := start(t, "", data)
	c, l := s.client(), newLedger(t)
	url := createQueue(t, c, "q")
	ctx, stop := context.WithCancel(t.Context())
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			for ctx.Err() == nil {
				send(context.WithoutCancel(ctx), c, l, url, 20<<10)
			}
		})
	}
	for range 3 {
		time.Sleep(30 * time.Millisecond)
		remove := glut(t, dir) // while the store writes as well
		time.Sleep(200 * time.Millisecond)
		if status, _ := s.health(); status != 503 {
			t.Errorf("health is %d", status)
		}
		remove()
		s.wantWorks(t, l, url)
	}
	stop()
	senders.Wait()
	s.wantWorks(t, l, url)
	s.kill()
	s = start(t, "", data)
	drain(t, s.client(), l, url)
	t.Logf("%d acknowledged", l.acks)
	l.settle()
}

// Even the room that is set aside can be taken by another program. Then nothing can
// be written, which is said at once; and it heals when there is room.
func TestDiskWithNothingLeft(t *testing.T) {
	long(t)
	dir := disk(t, 40<<20)
	s := start(t, "", filepath.Join(dir, "data"))
	c, l := s.client(), newLedger(t)
	url := createQueue(t, c, "q")
	for range 200 {
		if err := send(t.Context(), c, l, url, 10000); err != nil {
			t.Fatal(err)
		}
	}
	removeOne := glut(t, dir)
	receive := func() error {
		began := time.Now()
		out, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, VisibilityTimeout: 1})
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("an answer took %v", took)
		}
		if err == nil && len(out.Messages) > 0 { // it comes again
			l.mu.Lock()
			defer l.mu.Unlock()
			l.owed[(*out.Messages[0].Body)[:idSize]] = true
		}
		return err
	}
	if err := receive(); err != nil { // out of the reserve
		t.Fatal(err)
	}
	removeTwo := glut(t, dir)
	var err error
	for range 200 {
		if err = receive(); err != nil {
			break
		}
	}
	wantUnavailable(t, err)
	for range 10 {
		receive() // fast, whatever it says
		time.Sleep(100 * time.Millisecond)
	}
	if status, why := s.health(); status != 503 || why == "" {
		t.Errorf("health is %d %q", status, why)
	}
	if n := strings.Count(s.log.String(), "level=ERROR"); n > 3 {
		t.Errorf("the log has %d errors of one cause", n)
	}
	removeOne()
	removeTwo()
	s.wantWorks(t, l, url)
	eventually(t, "all that is owed", func() bool { drain(t, c, l, url); return len(l.owed) == 0 })
}

// A disk that is read-only for a while. The kernel lets nobody make one so while
// files on it are open for writing; a mount over it does the same to whatever is
// opened from then on, such as the next block of a log.
func TestDiskThatIsReadOnly(t *testing.T) {
	long(t)
	dir := disk(t, 64<<20)
	s := start(t, "", filepath.Join(dir, "data"))
	c, l := s.client(), newLedger(t)
	url := createQueue(t, c, "q")
	if err := syscall.Mount(dir, dir, "", syscall.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	mounted := true
	unmount := func() {
		if mounted {
			mounted = false
			if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(unmount)
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	fill(t, c, l, url, 20<<10)
	if status, why := s.health(); status != 503 || why == "" {
		t.Errorf("health is %d %q", status, why)
	}
	began := time.Now()
	if _, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("another")}); err == nil {
		t.Error("a queue was made on a disk that cannot be written")
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("a refusal took %v", took)
	}
	time.Sleep(time.Second) // it tries again, and says nothing new
	if n := strings.Count(s.log.String(), "level=ERROR"); n > 3 {
		t.Errorf("the log has %d errors of one cause", n)
	}
	unmount()
	s.wantWorks(t, l, url)
	drain(t, c, l, url)
	l.settle()
}

// A limit of the operator's own is like a full disk: it can be drained.
func TestMaxStore(t *testing.T) {
	long(t)
	s := start(t, "", disk(t, 256<<20), "--max-store", "3MB")
	c, l := s.client(), newLedger(t)
	url := createQueue(t, c, "q")
	for range 3 {
		fill(t, c, l, url, 10<<10)
		if status, why := s.health(); status != 503 || !strings.Contains(why, "--max-store") {
			t.Errorf("health is %d %q", status, why)
		}
		drain(t, c, l, url)
		s.wantWorks(t, l, url)
	}
	drain(t, c, l, url)
	l.settle()
	if l.acks < 500 {
		t.Errorf("%d messages of 10 kB were acknowledged, want three times what fits in 3 MB", l.acks)
	}
}
