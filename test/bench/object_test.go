package main

import (
	"crypto/aes"
	"crypto/cipher"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
)

// The bare server gives back what it took in, at whatever length.
func TestBareServer(t *testing.T) {
	block, _ := aes.NewCipher(make([]byte, 32))
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "object")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serve := func() error { return bareDown(w, aead, file) }
		if r.Method == http.MethodPut {
			serve = func() error { return bareUp(w, r, aead, file) }
		}
		if err := serve(); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	address := server.Listener.Addr().String()
	for _, size := range []int64{0, 1, bareFrame - 1, bareFrame, bareFrame + 1, 1<<20 + 5} {
		for _, method := range []string{"PUT", "GET"} {
			if err := move(address, method, "/big", size); err != nil {
				t.Errorf("%s of %d bytes: %v", method, size, err)
			}
		}
	}
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || len(body) != 1<<20+5 || body[len(body)-1] != 0 {
		t.Errorf("the object came back with %d bytes: %v", len(body), err)
	}
}
