//go:build unix

package limits

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const open256 = "ulimit -n 256;"

func sendOne(t *testing.T, s *server, url string) error {
	_, err := s.client().SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("m")})
	return err
}

// Queues are made faster than those that rest are closed.
func TestDescriptorsRunOutAndComeBack(t *testing.T) {
	long(t)
	t.Parallel() // most of it is waiting
	s := start(t, open256, t.TempDir())
	c := s.client()
	first := createQueue(t, c, "first")
	made := 0
	for ; ; made++ {
		if made > 256 {
			t.Fatal("257 queues were made with 256 descriptors")
		}
		_, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(fmt.Sprintf("burst-%d", made))})
		if refused(t, err) {
			break
		}
	}
	if made < 100 {
		t.Errorf("refused after %d queues of 256 descriptors", made)
	}
	if status, message := s.health(); status != 503 || !strings.Contains(message, "ulimit -n") {
		t.Errorf("health is %d %q", status, message)
	}
	if n := strings.Count(s.log.String(), "No queue is made or woken"); n != 1 {
		t.Errorf("the log says it %d times", n)
	}
	if err := sendOne(t, s, first); err != nil {
		t.Errorf("sending to a queue that is awake: %v", err)
	}
	got, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &first})
	if err != nil || len(got.Messages) != 1 {
		t.Fatalf("receiving from it: %v, %v", got, err)
	}
	if _, err := c.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &first, ReceiptHandle: got.Messages[0].ReceiptHandle}); err != nil {
		t.Errorf("deleting from it: %v", err)
	}
	if _, err := c.ListQueues(t.Context(), &sqs.ListQueuesInput{}); err != nil {
		t.Errorf("listing queues: %v", err)
	}
	// Also what is new is served, over as many connections as are kept for that.
	for range 64 {
		nc, err := net.Dial("tcp", strings.TrimPrefix(s.endpoint, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
	}
	// The first client's connection may be closed for one of these, also while it is asked
	// something; the last that came is closed for none.
	c = s.client()
	if _, err := c.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("first")}); err != nil {
		t.Errorf("beside 64 connections that say nothing: %v", err)
	}
	if _, err := c.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &first}); err != nil {
		t.Errorf("deleting a queue: %v", err)
	}
	eventually(t, "queues can be made again", func() bool {
		_, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("after")})
		return !refused(t, err)
	})
}

// More queues than descriptors are opened again, and serve.
func TestDescriptorsOfAStart(t *testing.T) {
	long(t)
	const queues = 400
	data := t.TempDir()
	s := start(t, "", data)
	for i := range queues {
		url := createQueue(t, s.client(), fmt.Sprintf("q%d", i))
		if i%2 == 0 {
			continue
		}
		if err := sendOne(t, s, url); err != nil {
			t.Fatal(err)
		}
	}
	s.kill()
	s = start(t, open256, data)
	c := s.client()
	for _, i := range []int{0, 1, queues - 2, queues - 1} {
		u, err := c.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(fmt.Sprintf("q%d", i))})
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: u.QueueUrl})
		if err != nil || len(got.Messages) != i%2 {
			t.Errorf("receiving from queue %d: %v, %v", i, got, err)
		}
		if err := sendOne(t, s, *u.QueueUrl); err != nil {
			t.Errorf("sending to queue %d: %v", i, err)
		}
	}
	if status, message := s.health(); status != 200 {
		t.Errorf("health is %d %q", status, message)
	}
	if log := s.log.String(); log != "" {
		t.Errorf("the log says:\n%s", log)
	}
}
