package function

import (
	"context"
	"errors"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// Blobs counts the zip files that are stored.
func (fs *Functions) Blobs(t *testing.T) int {
	t.Helper()
	all, err := fs.code.blobs.List(context.WithoutCancel(t.Context()))
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		t.Fatal(err)
	}
	return len(all)
}

// Orphan stores code that no function uses, as a process does that is killed in Create.
func (fs *Functions) Orphan(t *testing.T, code []byte) {
	t.Helper()
	sum, err := fs.code.unpack(t.Context(), code)
	if err == nil {
		err = fs.code.put(t.Context(), sum, code)
	}
	if err != nil {
		t.Fatal(err)
	}
}
