package sqs

import (
	"strconv"
	"testing"
	"time"

	"millrace/runtime/queue"
)

// An allowance is back with the next second, and nothing is left of the last one.
func TestThrottle(t *testing.T) {
	var pace throttle
	now, id := time.Unix(1700000000, 0), queue.ID{Account: "000000000000", Region: "us-east-1", Name: "q.fifo"}
	for second := range 2 {
		for call := range perSecond + 1 {
			err := pace.spend(now, id, "SendMessage", "a", strconv.Itoa(call))
			if refused := call == perSecond; refused != (err != nil) {
				t.Fatalf("second %d, call %d: %v", second, call, err)
			}
		}
		if err := pace.spend(now, id, "SendMessage", "b"); err != nil {
			t.Errorf("another group: %v", err)
		}
		now = now.Add(time.Second)
	}
	if err := pace.spend(now, id, "SendMessage", "a"); err != nil || len(pace.calls) != 1 {
		t.Errorf("%d groups are remembered after one call (%v)", len(pace.calls), err)
	}
}
