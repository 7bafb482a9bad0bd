package app

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"millrace/runtime/delivery"
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
