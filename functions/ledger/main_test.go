package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHandle(t *testing.T) {
	var reported string
	status := http.StatusOK
	ledger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		reported = string(body)
		w.WriteHeader(status)
	}))
	defer ledger.Close()

	t.Setenv("LEDGER_URL", ledger.URL)
	answer, err := handle(context.Background(), []byte(`{"id":1}`))
	if err != nil || string(answer) != `{"id":1}` || reported != `{"id":1}` {
		t.Errorf("answer %s, %v, reported %s; want the event in both places", answer, err, reported)
	}
	status = http.StatusConflict
	if _, err := handle(context.Background(), []byte(`{"id":2}`)); err == nil {
		t.Error("a report that was not accepted is no failure")
	}
	t.Setenv("LEDGER_URL", "")
	if _, err := handle(context.Background(), []byte(`{"id":3}`)); err != nil || reported != `{"id":2}` {
		t.Errorf("%v, reported %s; want no report without an address", err, reported)
	}
}
