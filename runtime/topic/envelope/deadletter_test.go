package envelope

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// An event and its dead letter say the same, with and without a signature.
func TestFromLambda(t *testing.T) {
	n := sample()
	slices.SortFunc(n.Attributes, func(a, b queue.Attribute) int { return strings.Compare(a.Name, b.Name) }) // as topics have them
	plain := n
	plain.Subject, plain.Attributes = "", nil
	replayed := n
	replayed.SequenceNumber, replayed.Replayed = "10000000000000000001", true
	for _, n := range []Notification{n, plain, replayed} {
		d := NewDraft(n)
		got, err := FromLambda(d.Lambda(subscriptionARN))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(d.Body(subscriptionARN)), string(got)); diff != "" {
			t.Error(diff)
		}
	}
	sign := func(_, _, text string) (string, error) {
		return strings.Repeat("s", SignatureSize-len(text)%7) + strings.Repeat("t", len(text)%7), nil
	}
	finish := func(body []byte) string {
		signed, err := Finish(string(body), sign)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	d := NewDraft(n)
	got, err := FromLambda([]byte(finish(d.Lambda(subscriptionARN))))
	if diff := cmp.Diff(finish(d.Body(subscriptionARN)), string(got)); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestFromLambdaRefusesOthers(t *testing.T) {
	for _, text := range []string{"", "{}", `{"Records":[]}`, `{"Records":[{},{}]}`, "plain", `{"Records":[{"Sns":{"MessageAttributes":{"b":{"Type":"Binary","Value":"*"}}}}]}`} {
		if got, err := FromLambda([]byte(text)); fault.Of(err) != fault.Invalid {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}
