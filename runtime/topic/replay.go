package topic

import (
	"encoding/json"
	"sync"
	"time"

	"millrace/runtime/fault"
)

// A Replay is a ReplayPolicy: from when on, and until when, a subscription gets again
// what the topic's archive has (Amazon SNS Developer Guide, "Message archiving and replay
// for FIFO topics").
type Replay struct {
	PointType     string
	StartingPoint time.Time
	EndingPoint   time.Time `json:",omitzero"` // zero goes on with what is published
}

// ParseReplay reads a ReplayPolicy. fault.Invalid.
func ParseReplay(text string) (r Replay, err error) {
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return r, fault.Wrap(fault.Invalid, err, "not a ReplayPolicy")
	}
	return r, nil
}

// replays reports whether the subscription has a ReplayPolicy.
func (s *Subscription) replays() bool {
	text := s.Attributes[ReplayPolicy]
	return text != "" && text != "{}"
}

// changeReplay notes that the ReplayPolicy was set: a new reader of the log begins.
func (s *Subscription) changeReplay(was string, now time.Time) {
	if s.Attributes[ReplayPolicy] == was {
		return
	}
	s.Replays++
	s.ReplaySet = time.Time{}
	if s.replays() {
		s.ReplaySet = now
	}
}

// The states of a replay, as ReplayStatus has them.
const (
	ReplayInProgress = "In progress"
	ReplayCompleted  = "Completed"
	ReplayFailed     = "Failed"
)

// ReplayStatus is how far the replay of a subscription has come, "" when it has none.
func (ts *Topics) ReplayStatus(s *Subscription) string {
	if !s.replays() {
		return ""
	}
	if status := ts.replays.of(s.readerID()); status != "" {
		return status
	}
	r, err := ParseReplay(s.Attributes[ReplayPolicy])
	if err == nil && r.EndingPoint.IsZero() && ts.config.Logs.Pending(s.Generation, s.readerID()) == 0 {
		return ReplayCompleted
	}
	return ReplayInProgress
}

// replayStates are those replays that are over, by their readers. They are found again
// after a restart.
type replayStates struct {
	mu     sync.Mutex
	states map[string]string
}

func (r *replayStates) set(reader, status string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.states == nil {
		r.states = map[string]string{}
	}
	r.states[reader] = status
}

func (r *replayStates) of(reader string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.states[reader]
}

func (r *replayStates) forget(reader string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.states, reader)
}
