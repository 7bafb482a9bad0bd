package delivery_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/delivery"
	"millrace/test/transcript"
)

// TestTranscripts talks to an outbox. A transcript is commands, each block followed
// by a line ---- and what happened; lines that begin with # are for the reader.
//
//	target a ok|fail|refuse|gone|final|hang|panic …   its answers, the last one for ever
//	durable a                                         it has what its Deliver returned for
//	deny a                                            its policy lets nobody
//	put e a [sender=lambda] [attempts=3] [age=6h] [dead=t] [success=t] [failure=t]
//	advance 10m
//	restart [10m]                                     stopped for so long
//	reset
//	waiting                                           events in the outbox
func TestTranscripts(t *testing.T) {
	transcript.Play(t, "testdata/*.txt", func(t *testing.T, text string) (got string) {
		inWorld(t, func(_ *testing.T, w *world) { got = w.retell(text) })
		return got
	})
}

func (w *world) retell(text string) string {
	w.Helper()
	var told strings.Builder
	for i, ask := range transcript.Blocks(text) {
		if i > 0 {
			told.WriteString("\n")
		}
		told.WriteString(ask + "\n")
		comment := true
		for line := range strings.Lines(ask) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
				w.perform(strings.Fields(line))
				synctest.Wait()
				comment = false
			}
		}
		if comment {
			continue
		}
		told.WriteString("----\n")
		lines := w.heard() // what happened at one time to several targets has no order
		slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(timeAndTarget(a), timeAndTarget(b)) })
		for _, line := range lines {
			told.WriteString(line + "\n")
		}
	}
	return told.String()
}

func timeAndTarget(line string) string {
	words := strings.Fields(line)
	return words[0] + " " + words[1]
}

func (w *world) perform(words []string) {
	w.Helper()
	ctx := w.Context()
	switch words[0] {
	case "target":
		w.set(words[1], words[2:]...)
	case "durable":
		w.targets[words[1]].durable = true
	case "deny":
		w.targets[words[1]].denied = true
	case "put":
		p := delivery.Policy{}
		for _, word := range words[3:] {
			name, value, _ := strings.Cut(word, "=")
			switch name {
			case "sender":
				p.Sender = value
			case "attempts":
				p.MaxAttempts, _ = strconv.Atoi(value)
			case "age":
				p.MaxAge = w.duration(value)
			case "dead":
				p.DeadLetter = "test:" + value
			case "success":
				p.OnSuccess = "test:" + value
			case "failure":
				p.OnFailure = "test:" + value
			default:
				w.Fatalf("no option %s", name)
			}
		}
		if err := w.outbox.Put(ctx, "test:"+words[2], delivery.Event{ID: words[1], Body: []byte(words[1])}, p); err != nil {
			w.tell("put %s: %v", words[1], err)
		}
	case "advance":
		time.Sleep(w.duration(words[1]))
	case "restart":
		w.down()
		if len(words) > 1 {
			time.Sleep(w.duration(words[1]))
		}
		w.start()
	case "reset":
		if err := w.outbox.Reset(ctx); err != nil {
			w.Fatal(err)
		}
		if err := w.queues.Reset(ctx); err != nil {
			w.Fatal(err)
		}
		if err := w.outbox.Start(ctx); err != nil {
			w.Fatal(err)
		}
	case "waiting":
		w.tell("%s", fmt.Sprint(w.waiting(), " wait"))
	default:
		w.Fatalf("no command %s", words[0])
	}
}

func (w *world) duration(s string) time.Duration {
	w.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		w.Fatal(err)
	}
	return d
}
