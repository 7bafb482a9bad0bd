package crash

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/test/crash/ledger"
	"millrace/test/needs"
	"millrace/test/patience"
)

// Objects that were acknowledged read back whole after a kill, those that were acknowledged
// as deleted do not return, versions are those that were written, and uploads go on. Who asked
// for it is told of each change at least once, in an order that the sequencers of a key show.
// What killed uploads leave is swept.
//
//	MILLRACE_LONG=1 go test ./test/crash -run '^TestObjects$' -crash.rounds 80    forty kills
func TestObjects(t *testing.T) {
	needs.Long(t)
	t.Parallel()
	tellSeed(t)
	s := newServer(t, "1s")
	w := newObjects(t, s)
	survive(t, s, w.killed, (*rounds+1)/2, w.crowd, w.check)
	w.await()
	w.wantNoOrphans()
	t.Logf("%d kills while it started, ready after %v at most", s.starts, s.starting)
}

// An objectWorld is some buckets, who writes to them, and who is told of it.
type objectWorld struct {
	*client // keeps no books here
	server  *server
	s3      *s3.Client
	buckets []*testedBucket
}

// A testedBucket is a bucket and its books.
type testedBucket struct {
	name      string
	versioned bool
	books     *ledger.Objects
	made      sync.Map // from ETags to what was uploaded
	names     atomic.Int64
}

// listeners are the queues whose readers are told of changes, by the prefix of keys.
var listeners = map[string]string{"photos/": "photos", "docs/": "docs", "news/": "news"}

// told reports whether somebody asked for an event.
func told(key, event string) bool {
	prefix, _, _ := strings.Cut(key, "/")
	switch prefix {
	case "photos":
		return strings.HasPrefix(event, "ObjectCreated:") && strings.HasSuffix(key, ".jpg")
	case "docs", "news":
		return true
	}
	return false
}

// newObjects makes the buckets and who is told of their changes.
func newObjects(t *testing.T, s *server) *objectWorld {
	t.Helper()
	w := &objectWorld{
		client: &client{t: t, sdk: sqs.NewFromConfig(s.config()), killed: &atomic.Bool{}, urls: map[string]*string{}},
		server: s,
		s3:     s3.NewFromConfig(s.config(), func(o *s3.Options) { o.UsePathStyle = true }),
	}
	for _, queue := range listeners {
		w.create(queue, map[string]string{
			"VisibilityTimeout": "60",
			"Policy":            `{"Statement":[{"Effect":"Allow","Principal":{"Service":["s3.amazonaws.com","sns.amazonaws.com"]},"Action":"sqs:SendMessage","Resource":"*"}]}`,
		})
	}
	topic := w.createTopic(sns.NewFromConfig(s.config()))
	for _, b := range []*testedBucket{{name: "plain"}, {name: "versions", versioned: true}} {
		b.books = ledger.NewObjects(b.versioned, told)
		w.buckets = append(w.buckets, b)
		w.createBucket(b, topic)
	}
	return w
}

// createTopic makes a topic that may be told by S3, and sends what it is told to a queue.
func (w *objectWorld) createTopic(sdk *sns.Client) (arn *string) {
	w.t.Helper()
	topic, err := sdk.CreateTopic(w.t.Context(), &sns.CreateTopicInput{Name: aws.String("news"), Attributes: map[string]string{
		"Policy": `{"Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sns:Publish","Resource":"*"}]}`,
	}})
	if err != nil {
		w.t.Fatalf("CreateTopic: %v", err)
	}
	if _, err := sdk.Subscribe(w.t.Context(), &sns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: arnOf("news"), Attributes: map[string]string{"RawMessageDelivery": "true"},
	}); err != nil {
		w.t.Fatalf("Subscribe: %v", err)
	}
	return topic.TopicArn
}

func (w *objectWorld) createBucket(b *testedBucket, topic *string) {
	w.t.Helper()
	if _, err := w.s3.CreateBucket(w.t.Context(), &s3.CreateBucketInput{Bucket: &b.name}); err != nil {
		w.t.Fatalf("CreateBucket: %v", err)
	}
	if b.versioned {
		if _, err := w.s3.PutBucketVersioning(w.t.Context(), &s3.PutBucketVersioningInput{
			Bucket: &b.name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
		}); err != nil {
			w.t.Fatalf("PutBucketVersioning: %v", err)
		}
	}
	only := func(prefix, suffix string) *types.NotificationConfigurationFilter {
		rules := []types.FilterRule{{Name: types.FilterRuleNamePrefix, Value: &prefix}}
		if suffix != "" {
			rules = append(rules, types.FilterRule{Name: types.FilterRuleNameSuffix, Value: &suffix})
		}
		return &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: rules}}
	}
	all := []types.Event{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}
	if _, err := w.s3.PutBucketNotificationConfiguration(w.t.Context(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: &b.name, NotificationConfiguration: &types.NotificationConfiguration{
			QueueConfigurations: []types.QueueConfiguration{
				{QueueArn: arnOf("photos"), Events: all[:1], Filter: only("photos/", ".jpg")},
				{QueueArn: arnOf("docs"), Events: all, Filter: only("docs/", "")},
			},
			TopicConfigurations: []types.TopicConfiguration{{TopicArn: topic, Events: all, Filter: only("news/", "")}},
		},
	}); err != nil {
		w.t.Fatalf("PutBucketNotificationConfiguration: %v", err)
	}
}

// hear takes what the listeners were told.
func (w *objectWorld) hear() {
	w.t.Helper()
	for prefix, queue := range listeners {
		w.empty(queue, func(body string) { w.heard(prefix, body) })
	}
}

func (w *objectWorld) heard(prefix, body string) {
	w.t.Helper()
	var message struct {
		Event   string // of a test event
		Records []struct {
			EventName string
			S3        struct {
				Bucket struct{ Name string }
				Object struct{ Key, ETag, VersionID, Sequencer string }
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &message); err != nil || message.Event == "" && len(message.Records) != 1 {
		w.t.Errorf("somebody was told %s: %v", body, err)
	}
	for _, r := range message.Records {
		o := r.S3.Object
		key, err := url.QueryUnescape(o.Key)
		if err != nil || !strings.HasPrefix(key, prefix) {
			w.t.Errorf("who listens to %s was told of %s: %v", prefix, o.Key, err)
		}
		for _, b := range w.buckets {
			if b.name == r.S3.Bucket.Name {
				b.books.Told(ledger.ObjectEvent{Key: key, Event: r.EventName, ETag: o.ETag, Version: o.VersionID, Sequencer: o.Sequencer})
			}
		}
	}
}

// await waits until everybody was told of everything, and reads all there is.
func (w *objectWorld) await() {
	w.t.Helper()
	status := (&topicWorld{t: w.t, server: w.server}).status
	untold := func() (all []string) {
		for _, b := range w.buckets {
			all = append(all, b.books.Untold()...)
		}
		return all
	}
	events := func() (n int) {
		for _, b := range w.buckets {
			n += b.books.Events()
		}
		return n
	}
	w.t.Cleanup(func() {
		if all := untold(); len(all) > 0 {
			w.t.Errorf("%d changes and notifications do not match: %v", len(all), all[:min(len(all), 20)])
		}
	})
	patience.Until(w.t, "all notifications", func() bool {
		w.hear()
		return w.t.Failed() || len(untold()) == 0 && status().Stored.N("pendingDeliveries") == 0
	}, func() any { return fmt.Sprint(events(), len(untold()), status().Stored.N("pendingDeliveries")) })
	for _, b := range w.buckets {
		w.read(b, func() bool { return true })
	}
	if losses := status().Losses; len(losses) > 0 {
		w.t.Errorf("losses are reported: %v", losses)
	}
	writes := 0
	for _, b := range w.buckets {
		writes += b.books.Writes()
	}
	w.t.Logf("%d changes, %d notifications", writes, events())
}

// wantNoOrphans aborts what uploads are open, stops the runtime in order, and wants that the
// next one keeps the contents of objects, and nothing else.
func (w *objectWorld) wantNoOrphans() {
	w.t.Helper()
	want := 0
	for _, b := range w.buckets {
		for _, u := range b.books.Uploads() {
			w.abort(b, u)
		}
		for _, c := range b.books.Kept() {
			made, _ := b.made.Load(c.ETag)
			want += made.(upload).blobs
		}
	}
	w.server.stop()
	w.server.start()
	for _, b := range w.buckets { // which reads its log
		w.listObjects(b)
	}
	files := func() (n int) {
		filepath.WalkDir(filepath.Join(w.server.dir, "objects"), func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				n++
			}
			return nil
		})
		return n
	}
	patience.Until(w.t, fmt.Sprintf("%d files of objects", want), func() bool { return files() == want }, func() any { return files() })
}
