//go:build linux

package limits

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// cgroup makes a memory cgroup of so many bytes, and returns what start runs to
// be in it.
func cgroup(t *testing.T, size int64) (enter string) {
	t.Helper()
	name := fmt.Sprintf("millrace-%d-%d", os.Getpid(), time.Now().UnixNano())
	dir, limits := filepath.Join("/sys/fs/cgroup/memory", name), []string{"memory.limit_in_bytes", "memory.memsw.limit_in_bytes"} // v1
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {                                                       // v2
		os.WriteFile("/sys/fs/cgroup/cgroup.subtree_control", []byte("+memory"), 0) // it may be there already
		dir, limits = filepath.Join("/sys/fs/cgroup", name), []string{"memory.max", "memory.swap.max"}
	}
	const how = "a memory cgroup needs root, and cgroups that may be written to"
	need(t, os.Mkdir(dir, 0o755), how)
	t.Cleanup(func() {
		eventually(t, "removing the cgroup", func() bool { return os.Remove(dir) == nil })
	})
	for i, file := range limits {
		value := size
		if file == "memory.swap.max" {
			value = 0
		}
		err := os.WriteFile(filepath.Join(dir, file), []byte(strconv.FormatInt(value, 10)), 0)
		if i > 0 && errors.Is(err, os.ErrNotExist) {
			continue // swap is not counted
		}
		need(t, err, how)
	}
	return "echo $$ > " + filepath.Join(dir, "cgroup.procs") + ";"
}

// refused reports whether a call was answered 503, and fails the test when it
// failed in another way.
func refused(t *testing.T, err error) bool {
	t.Helper()
	var answer *smithyhttp.ResponseError
	if err == nil {
		return false
	}
	if !errors.As(err, &answer) || answer.HTTPStatusCode() != http.StatusServiceUnavailable {
		t.Fatalf("neither served nor refused: %v", err)
	}
	return true
}

// say makes a request without an SDK, which costs the client a tenth. It returns
// the answer's status and its body.
func (s *server) say(operation string, body []byte) (int, []byte, error) {
	r, err := http.NewRequest("POST", s.endpoint, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := many.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, text, err
}

// many keeps more connections than http.DefaultClient.
var many = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// together runs so many of do, each until it returns false.
func together(n int, do func() bool) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for do() {
			}
		})
	}
	all.Wait()
}

// A batch is what is said of messages ten at a time.
type batch struct {
	QueueUrl string
	Entries  []entry
}

type entry struct {
	Id            string `json:",omitempty"`
	MessageBody   string `json:",omitempty"`
	ReceiptHandle string `json:",omitempty"`
}

// batchOf is the body of a SendMessageBatch of ten messages of so many bytes.
func batchOf(url string, size int) []byte {
	b := batch{QueueUrl: url}
	for i := range 10 {
		b.Entries = append(b.Entries, entry{Id: strconv.Itoa(i), MessageBody: strings.Repeat("m", size)})
	}
	body, _ := json.Marshal(b)
	return body
}

// fill sends messages of so many bytes until that is refused, and returns how
// many were acknowledged.
func (s *server) fill(url string, size int) int64 {
	body := batchOf(url, size)
	var sent atomic.Int64
	together(8, func() bool {
		status, text, err := s.say("SendMessageBatch", body)
		switch {
		case err != nil:
			s.t.Error(err)
		case status == 200:
			sent.Add(int64(bytes.Count(text, []byte("MessageId"))))
			return true
		case status != 503:
			s.t.Errorf("neither served nor refused: %d %s", status, text)
		}
		return false
	})
	return sent.Load()
}

// drain receives and deletes until the queue is empty, and returns how many
// messages there were.
func (s *server) drain(url string) int64 {
	return s.drainBy(url, 8)
}

// drainBy is drain by so many at once. A refusal is tried again.
func (s *server) drainBy(url string, receivers int) int64 {
	var got atomic.Int64
	again := func(status int) bool {
		if status == 503 {
			time.Sleep(100 * time.Millisecond)
		}
		return status == 503
	}
	request := fmt.Appendf(nil, `{"QueueUrl":%q,"MaxNumberOfMessages":10,"VisibilityTimeout":600}`, url)
	together(receivers, func() bool {
		status, text, err := s.say("ReceiveMessage", request)
		var received struct{ Messages []entry }
		if again(status) {
			return true
		}
		if err == nil {
			err = json.Unmarshal(text, &received)
		}
		if err != nil || status != 200 {
			s.t.Errorf("receiving: %d %s, %v", status, text, err)
			return false
		}
		if len(received.Messages) == 0 {
			return false
		}
		done := batch{QueueUrl: url}
		for i, m := range received.Messages {
			done.Entries = append(done.Entries, entry{Id: strconv.Itoa(i), ReceiptHandle: m.ReceiptHandle})
		}
		body, _ := json.Marshal(done)
		for {
			if status, text, err = s.say("DeleteMessageBatch", body); !again(status) {
				break
			}
		}
		if n := bytes.Count(text, []byte(`"Id"`)); err != nil || status != 200 || n != len(done.Entries) {
			s.t.Errorf("deleting: %d %s, %v", status, text, err)
			return false
		}
		got.Add(int64(len(done.Entries)))
		return true
	})
	return got.Load()
}

// In 128 MiB, of which a file in a tmpfs has 64, as functions may have it.
func TestMemoryRefusesBeforeTheEnd(t *testing.T) {
	long(t)
	enter, data, beside := cgroup(t, 128<<20), t.TempDir(), disk(t, 64<<20)
	s := start(t, enter+" head -c 64M /dev/zero > "+filepath.Join(beside, "file")+";", data)
	url := createQueue(t, s.client(), "full")
	sent := s.fill(url, 1<<10)
	t.Logf("%d messages of 1 KiB", sent)
	if status, message := s.health(); status != 503 || !strings.Contains(message, "Memory is nearly full") {
		t.Errorf("health is %d %q", status, message)
	}
	if n := strings.Count(s.log.String(), "Memory is nearly full"); n != 1 {
		t.Errorf("the log says it %d times", n)
	}
	s.kill()

	s = start(t, enter, data)
	if got := s.drain(url); got != sent {
		t.Errorf("%d messages were acknowledged, and %d came", sent, got)
	}
	eventually(t, "sends work again", func() bool {
		_, err := s.client().SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("after")})
		return !refused(t, err)
	})
	eventually(t, "health is good again", func() bool {
		status, _ := s.health()
		return status == 200
	})
}

// Bodies on their way are memory too, and no message yet.
func TestMemoryOutlivesAFlood(t *testing.T) {
	long(t)
	s := start(t, cgroup(t, 128<<20), t.TempDir())
	url := createQueue(t, s.client(), "flood")
	body, _ := json.Marshal(entry{MessageBody: strings.Repeat("m", 250<<10)})
	body = append(fmt.Appendf(nil, `{"QueueUrl":%q,`, url), body[1:]...)
	var sent, refused atomic.Int64
	end := time.Now().Add(2 * time.Second)
	together(100, func() bool {
		switch status, text, err := s.say("SendMessage", body); {
		case err != nil:
			t.Error(err)
			return false
		case status == 200:
			sent.Add(1)
		case status == 503:
			refused.Add(1)
		default:
			t.Errorf("neither served nor refused: %d %s", status, text)
		}
		return time.Now().Before(end)
	})
	t.Logf("%d sent, %d refused", sent.Load(), refused.Load())
	if got := s.drain(url); got != sent.Load() {
		t.Errorf("%d messages were acknowledged, and %d came", sent.Load(), got)
	}
}

// Each queue that is used has a block of JetStream's in memory: they take turns.
func TestMemoryOfManyQueues(t *testing.T) {
	long(t)
	const queues, messages = 16, 6000
	data := t.TempDir()
	s := start(t, "", data)
	var all sync.WaitGroup
	for i := range queues {
		url := createQueue(t, s.client(), fmt.Sprintf("q%d", i))
		all.Go(func() {
			for range messages / 10 {
				if status, text, err := s.say("SendMessageBatch", batchOf(url, 1<<10)); status != 200 {
					t.Errorf("sending: %d %s, %v", status, text, err)
					return
				}
			}
		})
	}
	all.Wait()
	s.kill()

	s = start(t, cgroup(t, 128<<20), data)
	var got atomic.Int64
	for i := range queues {
		all.Go(func() { got.Add(s.drainBy(fmt.Sprintf("%s/000000000000/q%d", s.endpoint, i), 1)) })
	}
	all.Wait()
	if got.Load() != queues*messages {
		t.Errorf("%d messages came of %d", got.Load(), queues*messages)
	}
}
