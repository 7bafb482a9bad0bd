package destination_test

import (
	"errors"
	"reflect"
	"testing"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/function"
	"millrace/runtime/object/destination"
	"millrace/runtime/object/notify"
)

const (
	noQueue     = "The destination queue does not exist"
	noTopic     = "The destination topic does not exist"
	deniedQueue = "Permissions on the destination queue do not allow S3 to publish notifications from this bucket"
	deniedTopic = "Permissions on the destination topic do not allow S3 to publish notifications from this bucket"
)

func TestCheck(t *testing.T) {
	w := start(t)
	const send, publish = "sqs:SendMessage", "sns:Publish"
	invoke := function.Permission{ID: "s3", Action: "lambda:InvokeFunction", Principal: "s3.amazonaws.com", SourceARN: "arn:aws:s3:::b", SourceAccount: own}
	foreign := invoke
	foreign.SourceARN = "arn:aws:s3:::another"
	var (
		open          = w.makeQueue(t, own, "open", allowing(send, "b", own))
		bare          = w.makeQueue(t, own, "bare", "")
		elsewhere     = w.makeQueue(t, own, "elsewhere", allowing(send, "another", own))
		confused      = w.makeQueue(t, own, "confused", allowing(send, "b", other))
		abroad        = w.makeQueue(t, other, "abroad", allowing(send, "b", own))
		abroadBare    = w.makeQueue(t, other, "bare", "")
		openTopic     = w.makeTopic(t, own, "open", allowing(publish, "b", own))
		abroadTopic   = w.makeTopic(t, other, "abroad", allowing(publish, "b", own))
		bareTopic     = w.makeTopic(t, own, "bare", "")
		openFunction  = w.makeFunction(own, "open", invoke)
		bareFunction  = w.makeFunction(own, "bare")
		otherFunction = w.makeFunction(own, "other", foreign)
		none          = toQueue("arn:aws:sqs:eu-west-1:000000000000:none")
		noneTopic     = notify.Destination{Kind: notify.Topic, ARN: "arn:aws:sns:eu-west-1:000000000000:none"}
		noneFunction  = toFunction("arn:aws:lambda:eu-west-1:000000000000:function:none")
		reserved      = toQueue("arn:aws:sqs:local:millrace:lambda-events") // of the runtime itself
	)
	unauthorized := func(d notify.Destination) []string {
		return []string{d.ARN + ", null", "Not authorized to invoke function [" + d.ARN + "]"}
	}
	for _, c := range []struct {
		rule    string
		all     []notify.Destination
		refused []string // arguments and values in turn; nil for none
	}{
		{"nothing", nil, nil},
		{"all allow the bucket", []notify.Destination{open, openTopic, openFunction}, nil},
		{"of other accounts", []notify.Destination{abroad, abroadTopic}, nil},
		{"a queue of the bucket's own account without policy", []notify.Destination{bare}, nil},
		{"a queue of another account without policy", []notify.Destination{abroadBare}, []string{abroadBare.ARN, deniedQueue}},
		{"a queue for another bucket", []notify.Destination{elsewhere}, []string{elsewhere.ARN, deniedQueue}},
		{"a queue for a bucket of another account", []notify.Destination{confused}, []string{confused.ARN, deniedQueue}},
		{"a topic without policy", []notify.Destination{bareTopic}, []string{bareTopic.ARN, deniedTopic}},
		{"no queue", []notify.Destination{none}, []string{none.ARN, noQueue}},
		{"a queue of the runtime", []notify.Destination{reserved}, []string{reserved.ARN, noQueue}},
		{"no topic", []notify.Destination{noneTopic}, []string{noneTopic.ARN, noTopic}},
		{"no function", []notify.Destination{noneFunction}, unauthorized(noneFunction)},
		{"a function without permission", []notify.Destination{bareFunction}, unauthorized(bareFunction)},
		{"a function for another bucket", []notify.Destination{otherFunction}, unauthorized(otherFunction)},
		{"several, in their order", []notify.Destination{none, open, bareTopic, noneFunction},
			append([]string{none.ARN, noQueue, bareTopic.ARN, deniedTopic}, unauthorized(noneFunction)...)},
		{"one that two configurations name", []notify.Destination{none, none}, []string{none.ARN, noQueue}},
	} {
		err := destination.Check(c.all, from, w.resolve)
		if c.refused == nil {
			if err != nil {
				t.Errorf("%s: got %v", c.rule, err)
			}
			continue
		}
		e, ok := errors.AsType[*notify.Error](err)
		if !ok || e.Reason != notify.Unreachable || err.Error() != "Unable to validate the following destination configurations" {
			t.Errorf("%s: got %v", c.rule, err)
			continue
		}
		var got []string
		for i, f := range e.Fields {
			if want := []string{"ArgumentName", "ArgumentValue"}[i%2] + string(rune('1'+i/2)); f.Name != want {
				t.Errorf("%s: field %d is %s, want %s", c.rule, i, f.Name, want)
			}
			got = append(got, f.Value)
		}
		if !reflect.DeepEqual(got, c.refused) {
			t.Errorf("%s:\n got %q\nwant %q", c.rule, got, c.refused)
		}
	}
}

// Who cannot be asked has refused nothing: the request fails, and may be sent again.
func TestCheckOfWhatIsOutOfReach(t *testing.T) {
	away := func(string) (delivery.Target, error) { return nil, fault.New(fault.Unavailable, "not now") }
	if err := destination.Check([]notify.Destination{toQueue("arn:aws:sqs:eu-west-1:000000000000:q")}, from, away); fault.Of(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
}
