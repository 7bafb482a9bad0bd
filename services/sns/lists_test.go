package sns_test

import (
	"testing"

	"millrace/services/sns"
)

// A list that is empty is there: the SDKs would answer nothing in its place, and programs
// go through it.
func TestEmptyLists(t *testing.T) {
	b := start(t, sns.Options{})
	if out := must(b.ListSubscriptions(t.Context(), nil))(t); out.Subscriptions == nil {
		t.Error("no list of subscriptions")
	}
	if out := must(b.client(stranger, region).ListTopics(t.Context(), nil))(t); out.Topics == nil {
		t.Error("no list of topics")
	}
}
