package moves

import "slices"

// A history is the tasks of one queue, the newest first: one record, so that two
// runtimes cannot both start a task there. Its methods return the history after
// the change and leave the one before as it was.
type history struct {
	Generation uint64 `json:"Source"` // of the queue; tasks of an earlier one of its name are not its own
	Tasks      []Task
}

// active reports whether the newest task has not ended. No other can be active.
func (h history) active() bool { return len(h.Tasks) > 0 && h.Tasks[0].Status.Active() }

// find returns the task with an ID.
func (h history) find(id string) (Task, error) {
	if i := h.index(id); i >= 0 {
		return h.Tasks[i], nil
	}
	return Task{}, ErrTask
}

func (h history) index(id string) int {
	return slices.IndexFunc(h.Tasks, func(t Task) bool { return t.ID == id })
}

// begin adds a task, which is Running now: ErrActive when another one is active.
// Of those that have ended it forgets the oldest.
func (h history) begin(t Task) (history, error) {
	if h.active() {
		return h, ErrActive
	}
	t.Status = Running
	h.Tasks = append([]Task{t}, h.Tasks[:min(len(h.Tasks), Kept-1)]...)
	return h, nil
}

// cancel asks a task to end: ErrTask, or ErrNotRunning.
func (h history) cancel(id string) (history, error) {
	return h.change(id, func(t *Task) error {
		if t.Status != Running {
			return ErrNotRunning
		}
		t.Status = Cancelling
		return nil
	})
}

// report stores what a batch came to: messages that arrived, and an end if it
// was the last. A task that was cancelled meanwhile stays so, and one that has
// ended stays ended: ErrNotRunning.
func (h history) report(id string, moved int, end outcome) (history, error) {
	return h.change(id, func(t *Task) error {
		if !t.Status.Active() {
			return ErrNotRunning
		}
		t.Moved += moved
		switch {
		case t.Status == Cancelling:
			t.Status = Cancelled
		case end.status != "":
			t.Status, t.Reason = end.status, end.reason
		}
		return nil
	})
}

// An outcome is how a task ends. The zero outcome says that it goes on.
type outcome struct {
	status Status
	reason string
}

func (h history) change(id string, change func(*Task) error) (history, error) {
	i := h.index(id)
	if i < 0 {
		return h, ErrTask
	}
	h.Tasks = slices.Clone(h.Tasks)
	return h, change(&h.Tasks[i])
}
