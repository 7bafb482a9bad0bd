package notify_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/uuid"

	"millrace/runtime/fault"
	"millrace/runtime/object/notify"
)

const (
	region   = "eu-west-1"
	queueARN = "arn:aws:sqs:eu-west-1:000000000000:q"
	topicARN = "arn:aws:sns:eu-west-1:111111111111:t" // of another account, which S3 allows
	funcARN  = "arn:aws:lambda:eu-west-1:000000000000:function:f"
)

// chance is a source of IDs that is the same in each run.
func chance() io.Reader { return rand.NewChaCha8([32]byte{1}) }

func toQueue(id string, events ...string) notify.Destination {
	return notify.Destination{Kind: notify.Queue, ID: id, ARN: queueARN, Events: events}
}

func toTopic(id string, events ...string) notify.Destination {
	return notify.Destination{Kind: notify.Topic, ID: id, ARN: topicARN, Events: events}
}

func toFunction(id string, events ...string) notify.Destination {
	return notify.Destination{Kind: notify.Function, ID: id, ARN: funcARN, Events: events}
}

func with(d notify.Destination, rules ...string) notify.Destination {
	for i := 0; i < len(rules); i += 2 {
		d.Filter = append(d.Filter, notify.FilterRule{Name: rules[i], Value: rules[i+1]})
	}
	return d
}

func at(arn string, d notify.Destination) notify.Destination {
	d.ARN = arn
	return d
}

const created, removed = "s3:ObjectCreated:*", "s3:ObjectRemoved:*"

func TestRefusals(t *testing.T) {
	long := strings.Repeat("x", 1025)
	many := make([]notify.Destination, 101)
	for i := range many {
		many[i] = with(toQueue(fmt.Sprint(i), created), "prefix", fmt.Sprintf("%03d", i))
	}
	argument := func(name, value string) []notify.Field {
		return []notify.Field{{Name: "ArgumentName", Value: name}, {Name: "ArgumentValue", Value: value}}
	}
	for _, c := range []struct {
		rule   string
		sent   []notify.Destination
		reason notify.Reason
		fields []notify.Field
	}{
		// Recorded from AWS.
		{"text that is no ARN", []notify.Destination{at("q", toQueue("", created))}, notify.UnparsableARN, argument("Queue", "q")},
		{"of two such texts the last is named", []notify.Destination{at("x", toTopic("", created)), at("y", toFunction("", removed))}, notify.UnparsableARN, argument("CloudFunction", "y")},
		{"such a text comes before other errors", []notify.Destination{toQueue("", "s3:No"), at("x", toTopic("", created))}, notify.UnparsableARN, argument("Topic", "x")},
		{"unknown rule", []notify.Destination{with(toQueue("", created), "infix", "x")}, notify.UnknownRule, argument("FilterRule.Name", "infix")},
		{"two configurations without filters", []notify.Destination{toQueue("a", removed), toTopic("b", created, removed)}, notify.OverlappingRule, nil},
		{"overlapping filters", []notify.Destination{with(toQueue("a", "s3:ObjectCreated:Put"), "prefix", "images-api/"), toTopic("b", created)}, notify.OverlappingRule, nil},
		{"one ID twice", []notify.Destination{toQueue("a", created), toTopic("a", removed)}, notify.DuplicateID, nil},
		{"another region", []notify.Destination{at("arn:aws:sqs:us-east-1:000000000000:q", toQueue("", created))}, notify.OtherRegion, argument("Queue", "arn:aws:sqs:us-east-1:000000000000:q")},

		// As emulators that follow AWS have them.
		{"two prefixes", []notify.Destination{with(toQueue("", created), "Prefix", "a", "prefix", "b")}, notify.TwoPrefixes, argument("FilterRule.Name", "prefix")},
		{"two suffixes", []notify.Destination{with(toQueue("", created), "suffix", "a", "SUFFIX", "a")}, notify.TwoSuffixes, argument("FilterRule.Name", "suffix")},
		{"a value of 1,025 bytes", []notify.Destination{with(toQueue("", created), "suffix", long)}, notify.LongValue, argument("FilterRule.Value", long)},
		{"an ID of 256 bytes", []notify.Destination{toQueue(long[:256], created)}, notify.LongID, nil},
		{"unknown event", []notify.Destination{toQueue("", "s3:ObjectEaten:*")}, notify.UnknownEvent, argument("Event", "s3:ObjectEaten:*")},
		{"a family of one has no asterisk", []notify.Destination{toQueue("", "s3:ObjectAcl:*")}, notify.UnknownEvent, argument("Event", "s3:ObjectAcl:*")},
		{"events begin with s3:", []notify.Destination{toQueue("", "ObjectCreated:Put")}, notify.UnknownEvent, argument("Event", "ObjectCreated:Put")},
		{"an asterisk stands for a whole family", []notify.Destination{toQueue("", "s3:*")}, notify.UnknownEvent, argument("Event", "s3:*")},

		// Of the documentation, in our words.
		{"101 configurations", many, notify.TooMany, nil},
		{"no event", []notify.Destination{toQueue("")}, notify.Malformed, nil},
		{"no ARN", []notify.Destination{at("", toQueue("", created))}, notify.Malformed, nil},
		{"FIFO queues and topics", []notify.Destination{at(queueARN+".fifo", toQueue("", created)), at(topicARN+".fifo", toTopic("", removed))}, notify.Unreachable, []notify.Field{
			{Name: "ArgumentName1", Value: queueARN + ".fifo"}, {Name: "ArgumentValue1", Value: "The destination queue is a FIFO queue, which S3 cannot notify"},
			{Name: "ArgumentName2", Value: topicARN + ".fifo"}, {Name: "ArgumentValue2", Value: "The destination topic is a FIFO topic, which S3 cannot notify"},
		}},
	} {
		_, err := notify.Accept(notify.Configuration{Destinations: c.sent}, region, chance())
		e, ok := errors.AsType[*notify.Error](err)
		if !ok || e.Reason != c.reason || !errors.Is(err, c.reason) || fault.Of(err) != fault.Invalid {
			t.Errorf("%s: got %v, want %v", c.rule, err, c.reason)
			continue
		}
		if !reflect.DeepEqual(e.Fields, c.fields) {
			t.Errorf("%s:\n got %v\nwant %v", c.rule, e.Fields, c.fields)
		}
	}
}

func TestMessages(t *testing.T) {
	_, err := notify.Accept(notify.Configuration{Destinations: []notify.Destination{toQueue("", "s3:ObjectEaten:*")}}, region, chance())
	if got, want := err.Error(), "The event 's3:ObjectEaten:*' is not supported for notifications"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	_, err = notify.Accept(notify.Configuration{Destinations: []notify.Destination{at("x", toQueue("", created))}}, region, chance())
	if got, want := err.Error(), "The ARN could not be parsed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A queue's ARN is none for a topic, and so on: S3 says of it what it says of any text.
func TestARNsOfDestinations(t *testing.T) {
	for _, c := range []struct {
		kind notify.Kind
		arn  string
		good bool
	}{
		{notify.Queue, queueARN, true},
		{notify.Queue, "arn:aws-cn:sqs:eu-west-1:000000000000:q", true},
		{notify.Queue, topicARN, false},
		{notify.Queue, funcARN, false},
		{notify.Queue, "arn:aws:sqs:eu-west-1:000000000000:", false},
		{notify.Queue, "arn:aws:sqs:eu-west-1:000000000000:q:x", false},
		{notify.Queue, "arn:aws:sqs::000000000000:q", false},
		{notify.Queue, "arn:aws:sqs:eu-west-1::q", false},
		{notify.Queue, "arn:aws:sqs:eu-west-1:millrace:q", false},
		{notify.Queue, "http://127.0.0.1/000000000000/q", false},
		{notify.Topic, topicARN, true},
		{notify.Topic, topicARN + ":6d0a8ac8-8b5c-4b5e-b4ae-0d1a4c2f9a11", false}, // a subscription
		{notify.Topic, queueARN, false},
		{notify.Function, funcARN, true},
		{notify.Function, funcARN + ":live", true},
		{notify.Function, funcARN + ":$LATEST", true},
		{notify.Function, funcARN + ".fifo", true}, // what functions may be called is Lambda's to say
		{notify.Function, funcARN + ":", false},
		{notify.Function, funcARN + ":a:b", false},
		{notify.Function, "arn:aws:lambda:eu-west-1:000000000000:layer:f", false},
		{notify.Function, "arn:aws:lambda:eu-west-1:000000000000:function:", false},
		{notify.Kind("Bus"), "arn:aws:events:eu-west-1:000000000000:event-bus/default", false},
	} {
		_, err := notify.Accept(notify.Configuration{Destinations: []notify.Destination{{Kind: c.kind, ARN: c.arn, Events: []string{created}}}}, region, chance())
		if c.good != (err == nil) || !c.good && !errors.Is(err, notify.UnparsableARN) {
			t.Errorf("%s %s: got %v", c.kind, c.arn, err)
		}
	}
}

// "Supported event types" of the S3 User Guide, and the Event of the API.
func TestEventsThatCanBeSubscribedTo(t *testing.T) {
	for _, event := range strings.Fields(`
		s3:ObjectCreated:* s3:ObjectCreated:Put s3:ObjectCreated:Post s3:ObjectCreated:Copy s3:ObjectCreated:CompleteMultipartUpload
		s3:ObjectRemoved:* s3:ObjectRemoved:Delete s3:ObjectRemoved:DeleteMarkerCreated
		s3:ObjectTagging:* s3:ObjectTagging:Put s3:ObjectTagging:Delete s3:ObjectAcl:Put
		s3:ObjectAnnotation:* s3:ObjectAnnotation:Put s3:ObjectAnnotation:Delete s3:ObjectRetention:Put
		s3:ObjectRestore:* s3:ObjectRestore:Post s3:ObjectRestore:Completed s3:ObjectRestore:Delete
		s3:LifecycleExpiration:* s3:LifecycleExpiration:Delete s3:LifecycleExpiration:DeleteMarkerCreated s3:LifecycleTransition s3:IntelligentTiering
		s3:Replication:* s3:Replication:OperationFailedReplication s3:Replication:OperationNotTracked
		s3:Replication:OperationMissedThreshold s3:Replication:OperationReplicatedAfterThreshold s3:ReducedRedundancyLostObject`) {
		if _, err := notify.Accept(notify.Configuration{Destinations: []notify.Destination{toQueue("", event)}}, region, chance()); err != nil {
			t.Errorf("%s: %v", event, err)
		}
	}
}

func TestWhatABucketKeeps(t *testing.T) {
	sent := notify.Configuration{EventBridge: true, Destinations: []notify.Destination{
		with(toQueue("", created), "SUFFIX", "", "pReFiX", strings.Repeat("é", 512)), // in this order; 1,024 bytes
		with(toQueue("mine", removed), "prefix", "a"),
		toFunction("", "s3:ObjectTagging:*"),
	}}
	before, _ := json.Marshal(sent)
	kept, err := notify.Accept(sent, region, chance())
	if err != nil {
		t.Fatal(err)
	}
	if after, _ := json.Marshal(sent); !bytes.Equal(before, after) {
		t.Errorf("what was sent has become %s", after)
	}
	want := notify.Configuration{EventBridge: true, Destinations: []notify.Destination{
		with(toQueue(kept.Destinations[0].ID, created), "Suffix", "", "Prefix", strings.Repeat("é", 512)),
		with(toQueue("mine", removed), "Prefix", "a"),
		toFunction(kept.Destinations[2].ID, "s3:ObjectTagging:*"),
	}}
	if !reflect.DeepEqual(kept, want) {
		t.Errorf("\n got %+v\nwant %+v", kept, want)
	}
	if kept.Destinations[0].ID == kept.Destinations[2].ID {
		t.Error("two IDs that were made up are the same")
	}
	for _, i := range []int{0, 2} { // the base64 of a UUID, as AWS's are
		text, err := base64.StdEncoding.DecodeString(kept.Destinations[i].ID)
		if _, bad := uuid.ParseBytes(text); err != nil || bad != nil {
			t.Errorf("the ID %q was made up", kept.Destinations[i].ID)
		}
	}
	stored, err := json.Marshal(kept)
	if err != nil {
		t.Fatal(err)
	}
	var read notify.Configuration
	if err := json.Unmarshal(stored, &read); err != nil || !reflect.DeepEqual(read, kept) {
		t.Errorf("the record has %+v, %v", read, err)
	}
	again, err := notify.Accept(kept, region, chance())
	if err != nil || !reflect.DeepEqual(again, kept) {
		t.Errorf("sent once more: %+v, %v", again, err)
	}
}

func TestAnEmptyConfigurationClears(t *testing.T) {
	kept, err := notify.Accept(notify.Configuration{}, region, chance())
	if text, _ := json.Marshal(kept); err != nil || string(text) != "{}" {
		t.Errorf("got %s, %v", text, err)
	}
}

func TestNoIDsWithoutChance(t *testing.T) {
	_, err := notify.Accept(notify.Configuration{Destinations: []notify.Destination{toQueue("", created)}}, region, iotest.ErrReader(io.ErrClosedPipe))
	if fault.Of(err) != fault.Internal || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}
