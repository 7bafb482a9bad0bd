//go:build unix

package limits

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// queueURL creates a queue.
func queueURL(t *testing.T, c *sqs.Client, name string) string {
	t.Helper()
	made, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return *made.QueueUrl
}

// Somebody removes the data folder, or what the embedded server has in it, while
// others send: from then on nothing is acknowledged, health says why, and the log
// says it once.
func TestFolderRemoved(t *testing.T) {
	long(t)
	for _, part := range []string{".", "jetstream", "jetstream/streams"} {
		t.Run(part, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			s := start(t, "", data)
			c := s.client()
			url := queueURL(t, c, "jobs")
			ctx, cancel := context.WithCancel(t.Context())
			var removed atomic.Bool
			var before, lies atomic.Int32
			var senders sync.WaitGroup
			for range 4 {
				senders.Go(func() {
					for ctx.Err() == nil {
						late := removed.Load()
						_, err := c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("m")})
						switch {
						case err == nil && late:
							lies.Add(1)
						case err == nil:
							before.Add(1)
						}
					}
				})
			}
			eventually(t, "sends", func() bool { return before.Load() > 100 })
			if err := os.RemoveAll(filepath.Join(data, part)); err != nil {
				t.Fatal(err)
			}
			removed.Store(true)
			for i := range 50 {
				if _, err := c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("late")}); err == nil {
					lies.Add(1)
				} else if !strings.Contains(err.Error(), "503") {
					t.Errorf("send %d is refused with %v, want a 503", i, err)
				}
			}
			for _, name := range []string{"jobs2", "jobs3"} {
				if _, err := c.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name}); err == nil {
					t.Errorf("queue %s was made where nobody finds it", name)
				}
			}
			if _, err := c.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{"VisibilityTimeout": "7"}}); err == nil {
				t.Error("attributes were set where nobody finds them")
			}
			cancel()
			senders.Wait()
			if n := lies.Load(); n > 0 {
				t.Errorf("%d sends were acknowledged after the folder was gone", n)
			}
			if status, message := s.health(); status != 503 || !strings.Contains(message, "removed or replaced") {
				t.Errorf("health is %d %q", status, message)
			}
			if n := strings.Count(s.log.String(), "nothing is acknowledged"); n != 1 {
				t.Errorf("the log has it %d times, want once", n)
			}
			if n := strings.Count(s.log.String(), "SendMessage"); n > 4 { // those that were under way
				t.Errorf("the log has %d lines about sends that were refused", n)
			}
		})
	}
}

// The embedded server's own folder has nothing but links: who removes it removes no
// message, and it is made anew when the server misses it.
func TestLinksRemoved(t *testing.T) {
	long(t)
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, "", data)
	c := s.client()
	url := queueURL(t, c, "jobs")
	body := strings.Repeat("m", 500<<10)
	acknowledged := 0
	send := func() error {
		_, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
		if err == nil {
			acknowledged++
		}
		return err
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(data, "jetstream", "jetstream")); err != nil {
		t.Fatal(err)
	}
	for range 20 { // a file of a log has 4 MiB: the next one has to be found
		eventually(t, "a send", func() bool { return send() == nil })
	}
	s.kill()
	s = start(t, "", data)
	c = s.client()
	url = queueURL(t, c, "jobs")
	got, err := c.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"ApproximateNumberOfMessages"}})
	if n := got.Attributes["ApproximateNumberOfMessages"]; err != nil || n != fmt.Sprint(acknowledged) {
		t.Errorf("%d messages were acknowledged, %s are there, %v", acknowledged, n, err)
	}
}

// A data folder that is moved away and back is served again without a restart, with
// all that was ever acknowledged.
func TestFolderMovedAwayAndBack(t *testing.T) {
	long(t)
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, "", data)
	c := s.client()
	url := queueURL(t, c, "jobs")
	acknowledged := map[string]bool{}
	send := func(body string) error {
		_, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
		if err == nil {
			acknowledged[body] = true
		}
		return err
	}
	for i := range 20 {
		if err := send(fmt.Sprint("before ", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(data, data+".away"); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if send(fmt.Sprint("away ", i)) == nil {
			t.Errorf("send %d was acknowledged while the folder was away", i)
		}
	}
	if _, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url}); err == nil {
		t.Error("a receive was answered while the folder was away: its messages would come again")
	}
	if status, _ := s.health(); status != 503 {
		t.Errorf("health is %d while the folder is away", status)
	}
	if err := os.Rename(data+".away", data); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the folder is back", func() bool { // the free space is not asked anew each time
		status, _ := s.health()
		return status == 200
	})
	for i := range 20 {
		if err := send(fmt.Sprint("back ", i)); err != nil {
			t.Errorf("send %d, the folder being back: %v", i, err)
		}
	}
	queueURL(t, c, "another")
	s.kill()

	s = start(t, "", data)
	c = s.client()
	url = queueURL(t, c, "jobs")
	eventually(t, fmt.Sprint("all that was acknowledged, missing ", len(acknowledged)), func() bool {
		got, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, VisibilityTimeout: 60})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got.Messages {
			delete(acknowledged, *m.Body)
		}
		return len(acknowledged) == 0
	})
}

// Another folder in its place is not taken for the one that was there.
func TestFolderSwapped(t *testing.T) {
	long(t)
	dir := t.TempDir()
	data, other := filepath.Join(dir, "data"), filepath.Join(dir, "other")
	start(t, "", other).kill() // leaves a folder of the same form
	s := start(t, "", data)
	c := s.client()
	url := queueURL(t, c, "jobs")
	if err := os.Rename(data, data+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, data); err != nil {
		t.Fatal(err)
	}
	if _, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("m")}); err == nil {
		t.Error("a send was acknowledged that the folder does not have")
	}
	if status, message := s.health(); status != 503 || !strings.Contains(message, "another folder is in its place") {
		t.Errorf("health is %d %q", status, message)
	}
}
