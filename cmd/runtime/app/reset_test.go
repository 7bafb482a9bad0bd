package app

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/topic"
)

// A reset that fails halfway leaves deliveries going.
func TestDeliveriesGoOnAfterAResetThatFailed(t *testing.T) {
	arrived := make(chan struct{}, 1)
	endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived <- struct{}{} }))
	defer endpoint.Close()
	a := New(Config{Listen: "127.0.0.1:0", Data: t.TempDir()})
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	broken := errors.New("broken")
	a.offers = append(a.offers, Offer{Reset: func(context.Context) error { return broken }})
	if err := a.Reset(t.Context()); !errors.Is(err, broken) {
		t.Fatalf("the reset: %v", err)
	}
	if err := a.outbox.Put(t.Context(), endpoint.URL, delivery.Event{}, delivery.Policy{}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-arrived:
	case <-time.After(30 * time.Second):
		t.Error("nothing is delivered anymore")
	}
}

// What is made during a reset is either removed or whole: nothing lives on without its
// record.
func TestWhatIsMadeDuringAResetStays(t *testing.T) {
	a := New(Config{Listen: "127.0.0.1:0", Data: t.TempDir()})
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	id := topic.ID{Account: "111111111111", Region: "eu-west-1", Name: "t"}
	create := func(ctx context.Context) error {
		_, err := a.topics.Create(ctx, topic.Topic{ID: id})
		return err
	}
	a.offers = slices.Insert(a.offers, 0, Offer{Reset: create}) // after the topics' own
	if err := a.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := a.topics.List(id.Account, id.Region)
	if n, _ := a.topics.Count(); n != len(got) || n != 1 {
		t.Errorf("there are %d topics, and listed are %v", n, got)
	}
}
