package memory

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestLargeBodiesWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := in128().Limit // requests may take 17 MiB, so bodies 2.8
		var first func()
		for i := range 11 {
			release, err := l.Hold(t.Context(), 256<<10)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first = release
			}
		}
		if _, err := l.Hold(t.Context(), smallBody); err != nil {
			t.Errorf("a small body: %v", err)
		}
		served := false
		go func() {
			_, err := l.Hold(t.Context(), 256<<10)
			served = err == nil
		}()
		if synctest.Wait(); served {
			t.Error("there was room for 12 bodies of 256 KiB")
		}
		first()
		if synctest.Wait(); !served {
			t.Error("the room that the first gave back was not used")
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := l.Hold(gone, -1); !errors.Is(err, context.Canceled) {
			t.Errorf("a client that left: %v", err)
		}
	})
}

func TestOneBodyLargerThanAllTheRoom(t *testing.T) {
	if _, err := in128().Hold(t.Context(), 50*mib); err != nil {
		t.Error(err)
	}
	if _, err := (*Limit)(nil).Hold(t.Context(), 50*mib); err != nil {
		t.Error(err)
	}
}
