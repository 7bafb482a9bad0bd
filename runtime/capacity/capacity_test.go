package capacity_test

import (
	"errors"
	"testing"

	"millrace/runtime/capacity"
)

// A limit refuses what does not fit in so many bytes, with its error.
type limit struct {
	room int
	err  error
}

func (l limit) Admit(bytes int) error {
	if bytes > l.room {
		return l.err
	}
	return nil
}

func TestGateAsksEveryLimit(t *testing.T) {
	disk, memory := errors.New("disk"), errors.New("memory")
	g := capacity.Gate{limit{10, disk}, limit{5, memory}}
	for _, c := range []struct {
		bytes int
		want  error
	}{{0, nil}, {5, nil}, {6, memory}, {11, disk}} {
		if got := g.Admit(c.bytes); !errors.Is(got, c.want) {
			t.Errorf("%d bytes: got %v, want %v", c.bytes, got, c.want)
		}
	}
	if err := g.Full(); err != nil {
		t.Errorf("there is room, and yet %v", err)
	}
	full := capacity.Gate{limit{-1, disk}, limit{-1, memory}}.Full()
	if !errors.Is(full, disk) || !errors.Is(full, memory) {
		t.Errorf("got %v, want both reasons", full)
	}
}

func TestNoGateAdmitsAll(t *testing.T) {
	var g capacity.Gate
	if g.Admit(1<<30) != nil || g.Full() != nil {
		t.Error("a nil gate refused something")
	}
}
