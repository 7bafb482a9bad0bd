package moves

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A task's life, told as what happens to the only task of a queue. Each line
// ends with what List would show.
func TestLife(t *testing.T) {
	for _, test := range []struct {
		rule, want string
		steps      []func(history) (history, error)
	}{
		{"a task runs until its source is empty", "RUNNING 0, RUNNING 3, COMPLETED 3",
			steps{begin, report(3, outcome{}), report(0, outcome{status: Completed})}},
		{"the last batch may move something", "RUNNING 0, FAILED 2 because of NoWay",
			steps{begin, report(2, outcome{Failed, "NoWay"})}},
		{"a cancelled task ends with the batch under way", "RUNNING 0, CANCELLING 0, CANCELLED 5",
			steps{begin, cancel, report(5, outcome{})}},
		{"a cancelled task is cancelled, however its last batch went", "RUNNING 0, CANCELLING 0, CANCELLED 1",
			steps{begin, cancel, report(1, outcome{Failed, "NoWay"})}},
		{"a task is cancelled once", "RUNNING 0, CANCELLING 0, in conflict with the present state",
			steps{begin, cancel, cancel}},
		{"what has ended cannot be cancelled", "RUNNING 0, COMPLETED 0, in conflict with the present state",
			steps{begin, report(0, outcome{status: Completed}), cancel}},
		{"what has ended stays as it is", "RUNNING 0, COMPLETED 0, in conflict with the present state",
			steps{begin, report(0, outcome{status: Completed}), report(1, outcome{})}},
		{"an active task keeps others away", "RUNNING 0, exists already",
			steps{begin, begin}},
		{"so does one that is being cancelled", "RUNNING 0, CANCELLING 0, exists already",
			steps{begin, cancel, begin}},
		{"nobody knows a task that never began", "not found",
			steps{cancel}},
	} {
		var h history
		var told []string
		for _, step := range test.steps {
			changed, err := step(h)
			if err != nil {
				told = append(told, codeOf(err))
				break
			}
			h = changed
			told = append(told, show(h.Tasks[0]))
		}
		if got := strings.Join(told, ", "); got != test.want {
			t.Errorf("%s: %s, want %s", test.rule, got, test.want)
		}
	}
}

type steps []func(history) (history, error)

func begin(h history) (history, error)  { return h.begin(Task{ID: "a"}) }
func cancel(h history) (history, error) { return h.cancel("a") }

func report(moved int, end outcome) func(history) (history, error) {
	return func(h history) (history, error) { return h.report("a", moved, end) }
}

func show(t Task) string {
	s := fmt.Sprintf("%s %d", t.Status, t.Moved)
	if t.Reason != "" {
		s += " because of " + t.Reason
	}
	return s
}

func codeOf(err error) string {
	for _, known := range []error{ErrTask, ErrActive, ErrNotRunning} {
		if errors.Is(err, known) {
			return string(known.(interface{ Unwrap() []error }).Unwrap()[0].Error())
		}
	}
	return err.Error()
}

// A refused change is no change, and a change leaves what was there before alone.
func TestHistoriesAreValues(t *testing.T) {
	before, _ := begin(history{Generation: 7})
	after, err := cancel(before)
	if err != nil || before.Tasks[0].Status != Running || after.Tasks[0].Status != Cancelling || after.Generation != 7 {
		t.Errorf("before %v, after %v, %v", before, after, err)
	}
	if same, err := begin(after); err == nil || len(same.Tasks) != 1 || same.Tasks[0].Status != Cancelling {
		t.Errorf("a refused start left %v, %v", same, err)
	}
}

func TestTheLastTenAreKept(t *testing.T) {
	var h history
	for i := range 12 {
		var err error
		if h, err = h.begin(Task{ID: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
		if h, err = h.report(fmt.Sprint(i), 0, outcome{status: Completed}); err != nil {
			t.Fatal(err)
		}
	}
	var ids []string
	for _, t := range h.Tasks {
		ids = append(ids, t.ID)
	}
	if got := strings.Join(ids, " "); got != "11 10 9 8 7 6 5 4 3 2" {
		t.Errorf("kept %s", got)
	}
	if _, err := h.cancel("1"); !errors.Is(err, ErrTask) {
		t.Errorf("a forgotten task: %v", err)
	}
}
