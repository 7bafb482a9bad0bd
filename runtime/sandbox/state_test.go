package sandbox

import (
	"testing"

	"pgregory.net/rapid"
)

// Whatever a runtime asks for, in whatever order: an event is answered once at
// most, and only one that was handed over.
func TestDialogue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := dialogue{state: started}
		given, answers, news := 0, map[string]int{}, 0
		ids := []string{"", "1", "2", "3"}
		t.Repeat(map[string]func(*rapid.T){
			"next": func(*rapid.T) {
				before := d.state
				if d.step(stepNext) == nil && before != ready && before != running {
					news++
				}
			},
			"event": func(t *rapid.T) {
				if given+1 == len(ids) {
					t.Skip("no more events")
				}
				if d.state != ready {
					if d.dispatch(ids[given+1]) == nil {
						t.Fatalf("an event was given in state %s", d.state)
					}
					return
				}
				given++
				if err := d.dispatch(ids[given]); err != nil {
					t.Fatal(err)
				}
			},
			"answer": func(t *rapid.T) {
				id := rapid.SampledFrom(ids).Draw(t, "id")
				s := rapid.SampledFrom([]step{stepResponse, stepError}).Draw(t, "step")
				if d.answer(s, id) != nil {
					return
				}
				if answers[id]++; answers[id] > 1 || id != ids[given] || given == 0 {
					t.Fatalf("answer %d to event %q of %d", answers[id], id, given)
				}
			},
			"sent":       func(*rapid.T) { d.step(stepSent) },
			"init error": func(*rapid.T) { d.step(stepInitError) },
			"": func(t *rapid.T) {
				if news > given+1 {
					t.Fatalf("ready %d times for %d events", news, given)
				}
				if d.id != "" && d.state != running {
					t.Fatalf("event %q may be answered in state %s", d.id, d.state)
				}
			},
		})
	})
}
