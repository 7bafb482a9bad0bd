package fault

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestOfIsTotal(t *testing.T) {
	cause := errors.New("disk full")
	for _, c := range []struct {
		err  error
		want Code
	}{
		{nil, ""},
		{NotFound, NotFound},
		{New(Exists, "queue %s exists", "q"), Exists},
		{fmt.Errorf("while sending: %w", Wrap(Unavailable, cause, "storing")), Unavailable},
		{context.Canceled, Canceled},
		{fmt.Errorf("waiting: %w", context.DeadlineExceeded), Timeout},
		{Wrap(Unavailable, context.Canceled, "storing"), Unavailable}, // the outer name wins
		{cause, Internal},
	} {
		if got := Of(c.err); got != c.want {
			t.Errorf("Of(%v) = %q, want %q", c.err, got, c.want)
		}
	}
}

func TestErrorTellsBothAudiences(t *testing.T) {
	cause := errors.New("disk full")
	err := Wrap(Unavailable, cause, "storing %s", "q")
	if !errors.Is(err, Unavailable) || !errors.Is(err, cause) {
		t.Errorf("%v hides its code or its cause", err)
	}
	if got := err.Error(); got != "storing q: disk full" {
		t.Errorf("the operator reads %q", got)
	}
	if Wrap(Internal, nil, "nothing") != nil {
		t.Error("wrapping nil made an error")
	}
}
