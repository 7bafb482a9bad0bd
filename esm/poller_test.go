package esm_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/esm"
	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

var errHandler = errors.New("the handler failed")

func TestMessagesReachTheFunctionAtOnceAndAreDeleted(t *testing.T) {
	in(t, func(w *world) {
		w.mapped(esm.Mapping{})
		w.queues["orders"].send("a")
		w.saw("0s a")
		time.Sleep(time.Second)
		w.queues["orders"].send("b")
		w.saw("0s a", "1s b")
		w.deleted("orders", "a", "b")
	})
}

func TestAnIdleMappingDoesNothing(t *testing.T) {
	in(t, func(w *world) {
		w.mapped(esm.Mapping{})
		time.Sleep(time.Hour)
		if n := w.queues["orders"].calls(); n != 1 {
			t.Errorf("%d receives in an idle hour", n)
		}
	})
}

func TestOneReceiveIsOneBatchOfAtMostBatchSize(t *testing.T) {
	in(t, func(w *world) {
		w.queues["orders"].send("a", "b", "c", "d", "e")
		w.set(func() { w.handle = func([]string) (string, error) { time.Sleep(time.Second); return "", nil } })
		w.mapped(esm.Mapping{BatchSize: 2, MaxConcurrent: 2})
		time.Sleep(time.Minute)
		synctest.Wait()
		if log := w.batches(); len(log) != 3 || log[2] != "1s e" {
			t.Errorf("batches %q", log)
		}
	})
}

func TestAFailedBatchComesBackAfterItsVisibility(t *testing.T) {
	in(t, func(w *world) {
		w.set(func() { w.handle = func([]string) (string, error) { return "", errHandler } })
		w.mapped(esm.Mapping{})
		w.queues["orders"].send("a")
		time.Sleep(29 * time.Second)
		w.saw("0s a")
		w.set(func() { w.handle = nil })
		time.Sleep(time.Second)
		w.saw("0s a", "30s a")
		w.deleted("orders", "a")
	})
}

// Other messages go on while a failed one is hidden.
func TestAFailureHoldsNobodyUp(t *testing.T) {
	in(t, func(w *world) {
		w.set(func() {
			w.handle = func(b []string) (string, error) {
				if slices.Contains(b, "bad") {
					return "", errHandler
				}
				return "", nil
			}
		})
		w.mapped(esm.Mapping{BatchSize: 1})
		w.queues["orders"].send("bad")
		synctest.Wait()
		w.queues["orders"].send("good")
		w.saw("0s bad", "0s good")
		w.deleted("orders", "good")
	})
}

func TestReportedFailuresComeBackAndOthersDoNot(t *testing.T) {
	for _, c := range []struct {
		rule    string
		types   []string
		reply   string
		deleted []string
	}{
		{"one of two failed", []string{"ReportBatchItemFailures"}, `{"batchItemFailures":[{"itemIdentifier":"id-a"}]}`, []string{"b"}},
		{"none failed", []string{"ReportBatchItemFailures"}, `{}`, []string{"a", "b"}},
		{"the reply is not understood", []string{"ReportBatchItemFailures"}, `oops`, nil},
		{"nobody asked", nil, `{"batchItemFailures":[{"itemIdentifier":"id-a"}]}`, []string{"a", "b"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			in(t, func(w *world) {
				w.queues["orders"].send("a", "b")
				w.set(func() { w.handle = func([]string) (string, error) { return c.reply, nil } })
				w.mapped(esm.Mapping{ResponseTypes: c.types})
				w.saw("0s a b")
				w.deleted("orders", c.deleted...)
			})
		})
	}
}

func TestFilteredMessagesAreDeletedAtOnce(t *testing.T) {
	in(t, func(w *world) {
		w.queues["orders"].send(`{"k":"x"}`, `{"k":"y"}`)
		w.set(func() { w.handle = func([]string) (string, error) { return "", errHandler } })
		w.mapped(esm.Mapping{Filters: []string{`{"body":{"k":["y"]}}`}})
		w.saw(`0s {"k":"y"}`)
		w.deleted("orders", `{"k":"x"}`)
	})
}

// At debug level the log tells what became of messages that no function saw, and
// of batches that failed.
func TestDebugLog(t *testing.T) {
	in(t, func(w *world) {
		m := w.mapped(esm.Mapping{Filters: []string{`{"body":["a","b","c"]}`}, ResponseTypes: []string{"ReportBatchItemFailures"}})
		w.set(func() { w.handle = func([]string) (string, error) { return "", errHandler } })
		w.queues["orders"].send("a")
		w.queues["orders"].send("x")
		synctest.Wait()
		w.set(func() {
			w.handle = func([]string) (string, error) { return `{"batchItemFailures":[{"itemIdentifier":"id-b"}]}`, nil }
		})
		w.queues["orders"].send("b")
		synctest.Wait()
		for _, want := range []string{
			`level=DEBUG msg="filter dropped a record" mapping=` + m.UUID + ` source=` + queueARN + ` record=id-x`,
			`level=DEBUG msg="batch failed" mapping=` + m.UUID + ` function=` + functionARN + ` records=1 err=no`,
			`level=DEBUG msg="batch failed in part" mapping=` + m.UUID + ` function=` + functionARN + ` records=1 failed=1`,
		} {
			if n := strings.Count(w.lines.String(), want+"\n"); n != 1 {
				t.Errorf("%d lines of %s in\n%s", n, want, w.lines.String())
			}
		}
	})
}

func TestABatchThatCannotBeTakenIsTriedAgainWhileItIsHidden(t *testing.T) {
	for _, code := range []fault.Code{fault.Throttled, fault.Unavailable} {
		t.Run(string(code), func(t *testing.T) {
			in(t, func(w *world) {
				w.set(func() { w.handle = func([]string) (string, error) { return "", fault.New(code, "Rate Exceeded.") } })
				w.mapped(esm.Mapping{})
				w.queues["orders"].send("a")
				time.Sleep(29 * time.Second)
				w.saw("0s a", "0.1s a", "0.3s a", "0.7s a", "1.5s a", "3.1s a", "6.3s a", "12.7s a", "22.7s a")
				w.set(func() { w.handle, w.log = nil, nil })
				time.Sleep(time.Second)
				w.saw("30s a") // a new delivery
				w.deleted("orders", "a")
			})
		})
	}
}

// Who is throttled asks for less.
func TestThrottlingLowersConcurrency(t *testing.T) {
	in(t, func(w *world) {
		w.set(func() {
			w.handle = func([]string) (string, error) { return "", fault.New(fault.Throttled, "Rate Exceeded.") }
		})
		w.mapped(esm.Mapping{})
		w.queues["orders"].send("a")
		time.Sleep(5 * time.Second)
		w.queues["orders"].send("b") // the poller waits for it already
		synctest.Wait()
		w.queues["orders"].send("c")
		time.Sleep(20 * time.Second)
		if log := strings.Join(w.batches(), "|"); strings.Contains(log, "c") {
			t.Errorf("a third batch: %s", log)
		}
	})
}

func TestABatchThatCannotEverBeTakenIsTriedOnceADelivery(t *testing.T) {
	in(t, func(w *world) {
		w.set(func() {
			w.handle = func([]string) (string, error) { return "", fault.New(fault.TooLarge, "too large") }
		})
		w.mapped(esm.Mapping{})
		w.queues["orders"].send("a")
		time.Sleep(30 * time.Second)
		w.saw("0s a", "30s a")
		w.deleted("orders")
	})
}

func TestAWindowCollectsFromItsFirstMessageOn(t *testing.T) {
	in(t, func(w *world) {
		w.mapped(esm.Mapping{Window: 5, BatchSize: 3})
		q := w.queues["orders"]
		time.Sleep(10 * time.Second)
		q.send("a")
		time.Sleep(4 * time.Second)
		q.send("b")
		w.saw()
		time.Sleep(time.Second)
		w.saw("15s a b")
		q.send("c", "d", "e", "f") // three are a batch, the window's end or not
		w.saw("15s a b", "15s c d e")
		time.Sleep(5 * time.Second)
		w.saw("15s a b", "15s c d e", "20s f")
		w.deleted("orders", "a", "b", "c", "d", "e", "f")
	})
}

func TestALargeBatchIsMadeOfSeveralReceives(t *testing.T) {
	in(t, func(w *world) {
		for i := range 25 {
			w.queues["orders"].send(fmt.Sprintf("m%02d", i))
		}
		w.mapped(esm.Mapping{Window: 1, BatchSize: 20})
		const first = "0s m00 m01 m02 m03 m04 m05 m06 m07 m08 m09 m10 m11 m12 m13 m14 m15 m16 m17 m18 m19"
		w.saw(first)
		time.Sleep(time.Second)
		w.saw(first, "1s m20 m21 m22 m23 m24")
	})
}

// Lambda's guide: window and time-out beyond the visibility make Lambda hide
// messages for both and thirty seconds.
func TestMessagesStayHiddenForWindowAndTimeout(t *testing.T) {
	in(t, func(w *world) {
		w.set(func() {
			w.timeout = 20 * time.Second
			w.handle = func([]string) (string, error) { return "", errHandler }
		})
		w.mapped(esm.Mapping{Window: 40})
		w.queues["orders"].send("a")
		time.Sleep(3 * time.Minute)
		w.saw("40s a", "130s a")
	})
}

func TestAnEventHoldsSixMegabytes(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	for _, name := range []string{"orders", "orders.fifo"} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				for i := range 8 {
					w.queues[name].sendMessage(queue.Message{Body: fmt.Sprint(i, big), GroupID: "g"})
				}
				w.set(func() {
					w.handle = func(b []string) (string, error) {
						w.set(func() { w.log[len(w.log)-1] = fmt.Sprint(len(b)) })
						time.Sleep(time.Second)
						return "", nil
					}
				})
				w.mapped(esm.Mapping{EventSource: "arn:aws:sqs:us-east-1:000000000000:" + name})
				time.Sleep(time.Minute)
				w.saw("5", "3")
			})
		})
	}
}

func TestConcurrencyStartsAtFiveAndGrowsWhileBatchesFill(t *testing.T) {
	in(t, func(w *world) {
		for i := range 100 {
			w.queues["orders"].send(fmt.Sprint(i))
		}
		w.set(func() { w.handle = func([]string) (string, error) { time.Sleep(time.Second); return "", nil } })
		w.mapped(esm.Mapping{BatchSize: 1})
		var most []int
		for range 3 {
			synctest.Wait()
			w.set(func() { most = append(most, w.most) })
			time.Sleep(time.Second)
		}
		if most[0] != 5 || most[1] <= 5 || most[2] <= most[1] {
			t.Errorf("at most %v batches at once, second by second", most)
		}
	})
}

func TestMaximumConcurrencyIsKept(t *testing.T) {
	in(t, func(w *world) {
		for i := range 100 {
			w.queues["orders"].send(fmt.Sprint(i))
		}
		w.set(func() { w.handle = func([]string) (string, error) { time.Sleep(time.Second); return "", nil } })
		w.mapped(esm.Mapping{BatchSize: 1, MaxConcurrent: 3})
		time.Sleep(time.Minute)
		w.set(func() {
			if w.most != 3 || len(w.log) != 100 {
				t.Errorf("%d batches, at most %d at once", len(w.log), w.most)
			}
		})
	})
}

func TestGroupsRunBesideEachOtherAndInOrderWithin(t *testing.T) {
	in(t, func(w *world) {
		w.set(func() { w.handle = func([]string) (string, error) { time.Sleep(time.Second); return "", nil } })
		w.mapped(esm.Mapping{EventSource: fifoARN, BatchSize: 1})
		for _, body := range []string{"a1", "a2", "b1", "b2"} {
			w.queues["orders.fifo"].sendMessage(queue.Message{Body: body, GroupID: body[:1]})
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		w.saw("0s a1", "0.2s b1", "1s a2", "1.2s b2")
	})
}

func TestAFailureHoldsItsGroupAlone(t *testing.T) {
	in(t, func(w *world) {
		fails := true
		w.set(func() {
			w.handle = func(b []string) (string, error) {
				if fails && b[0] == "a1" {
					fails = false
					return "", errHandler
				}
				return "", nil
			}
		})
		w.mapped(esm.Mapping{EventSource: fifoARN, BatchSize: 1})
		for _, body := range []string{"a1", "a2", "b1"} {
			w.queues["orders.fifo"].sendMessage(queue.Message{Body: body, GroupID: body[:1]})
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		w.saw("0s a1", "0s b1", "30s a1", "30s a2")
	})
}

func TestStopFinishesWhatRunsAndGivesBackTheRest(t *testing.T) {
	in(t, func(w *world) {
		w.set(func() { w.handle = func([]string) (string, error) { time.Sleep(10 * time.Second); return "", nil } })
		w.mapped(esm.Mapping{BatchSize: 2, Window: 20})
		w.queues["orders"].send("a", "b", "c") // a and b run, c waits for more
		w.saw("0s a b")
		if err := w.stop(time.Minute); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(w.start); took != 10*time.Second {
			t.Errorf("stopped after %v", took)
		}
		w.deleted("orders", "a", "b")
		if got := w.queues["orders"].visible(); !slices.Equal(got, []string{"c"}) {
			t.Errorf("visible: %q", got)
		}
		w.queues["orders"].send("d")
		time.Sleep(time.Minute)
		w.saw("0s a b")
	})
}

func TestStopGivesBackWhatComesAtTheLastMoment(t *testing.T) {
	in(t, func(w *world) {
		w.queues["orders"].late = "a"
		w.mapped(esm.Mapping{})
		if err := w.stop(time.Minute); err != nil {
			t.Fatal(err)
		}
		w.saw()
		if got := w.queues["orders"].visible(); !slices.Equal(got, []string{"a"}) {
			t.Errorf("visible: %q", got)
		}
	})
}

func TestStopGivesBackAThrottledBatch(t *testing.T) {
	in(t, func(w *world) {
		w.set(func() { w.handle = func([]string) (string, error) { return "", fault.New(fault.Throttled, "") } })
		w.mapped(esm.Mapping{})
		w.queues["orders"].send("a")
		time.Sleep(10 * time.Second)
		if err := w.stop(time.Minute); err != nil {
			t.Fatal(err)
		}
		if got := w.queues["orders"].visible(); !slices.Equal(got, []string{"a"}) {
			t.Errorf("visible: %q", got)
		}
	})
}

func TestWithoutItsFunctionAMappingRests(t *testing.T) {
	in(t, func(w *world) {
		m := w.mapped(esm.Mapping{})
		w.set(func() { w.function = false })
		w.queues["orders"].send("a")
		time.Sleep(time.Minute)
		if n := w.queues["orders"].calls(); n > 2 {
			t.Errorf("%d receives in a minute", n)
		}
		if state, problem := w.state(m.UUID); state != "Enabled" || problem != esm.ProblemNoFunction {
			t.Errorf("%s, %s", state, problem)
		}
		w.saw()
		w.set(func() { w.function = true })
		time.Sleep(time.Minute)
		w.deleted("orders", "a")
		if _, problem := w.state(m.UUID); problem != "" {
			t.Error(problem)
		}
	})
}

func TestAFunctionThatOnlyTheInvokerMissesIsNoBusyLoop(t *testing.T) {
	in(t, func(w *world) {
		w.set(func() { w.handle = func([]string) (string, error) { return "", fault.New(fault.NotFound, "no alias") } })
		w.mapped(esm.Mapping{BatchSize: 1})
		for i := range 100 {
			w.queues["orders"].send(fmt.Sprint(i))
		}
		time.Sleep(10 * time.Second)
		if n := len(w.batches()); n > 5*7 { // at most five batches, each with growing pauses
			t.Errorf("%d invokes in ten seconds", n)
		}
	})
}

func TestWithoutItsQueueAMappingRests(t *testing.T) {
	in(t, func(w *world) {
		m := w.mapped(esm.Mapping{})
		q := w.queues["orders"]
		q.send("a")
		synctest.Wait()
		w.set(func() { delete(w.queues, "orders") })
		q.send("b") // the last of the old queue: its delete finds no queue
		time.Sleep(time.Hour)
		w.saw("0s a", "0s b")
		if _, problem := w.state(m.UUID); problem != esm.ProblemNoSource {
			t.Error(problem)
		}
		again := newQueue(false)
		w.set(func() { w.queues["orders"], w.log = again, nil })
		again.send("c")
		time.Sleep(30 * time.Second)
		synctest.Wait()
		w.deleted("orders", "c")
		if _, problem := w.state(m.UUID); problem != "" {
			t.Error(problem)
		}
	})
}

func TestStopCutsOffWhatTakesTooLong(t *testing.T) {
	in(t, func(w *world) {
		w.set(func() { w.hang = true })
		w.mapped(esm.Mapping{})
		w.queues["orders"].send("a")
		w.saw("0s a")
		if err := w.stop(5 * time.Second); !errors.Is(err, fault.Timeout) {
			t.Error(err)
		}
		if took := time.Since(w.start); took != 5*time.Second {
			t.Errorf("stopped after %v", took)
		}
		w.deleted("orders")
	})
}

// Whatever fails and however often, the messages of a group succeed in the order
// in which they were sent, and each does.
func TestGroupsKeepTheirOrder(t *testing.T) {
	in(t, func(w *world) {
		q := w.queues["orders.fifo"]
		for seed := range uint64(10) {
			luck, sends := rand.New(rand.NewPCG(seed, 0)), rand.New(rand.NewPCG(seed, 1))
			done := map[string][]string{}
			var mu sync.Mutex // guards luck and done
			w.set(func() {
				w.handle = func(b []string) (string, error) {
					mu.Lock()
					outcome, took := luck.IntN(4), luck.IntN(2000)
					mu.Unlock()
					time.Sleep(time.Duration(took) * time.Millisecond)
					switch outcome {
					case 0:
						return "", errHandler
					case 1:
						return "", fault.New(fault.Throttled, "Rate Exceeded.")
					}
					mu.Lock()
					defer mu.Unlock()
					for _, body := range b {
						done[body[:1]] = append(done[body[:1]], body)
					}
					return "", nil
				}
			})
			m := w.mapped(esm.Mapping{EventSource: fifoARN, BatchSize: 1 + sends.IntN(10)})
			want := map[string][]string{}
			for i := range 40 {
				group := string(rune('a' + sends.IntN(4)))
				body := fmt.Sprintf("%s%d.%d", group, seed, i)
				want[group] = append(want[group], body)
				q.sendMessage(queue.Message{Body: body, GroupID: group})
				time.Sleep(time.Duration(sends.IntN(300)) * time.Millisecond)
			}
			time.Sleep(30 * time.Minute)
			if _, err := w.mappings.Delete(w.Context(), m.UUID); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if diff := cmp.Diff(want, done); diff != "" {
				t.Fatalf("seed %d: %s", seed, diff)
			}
		}
	})
}

// What an open window holds goes back when its queue or function cannot be had.
func TestAWindowGivesBackWhatItHoldsWhenTheFunctionIsGone(t *testing.T) {
	in(t, func(w *world) {
		w.mapped(esm.Mapping{Window: 20, BatchSize: 3})
		w.queues["orders"].send("a")
		synctest.Wait()
		w.set(func() { w.function = false })
		w.queues["orders"].send("b")
		synctest.Wait()
		if got := w.queues["orders"].visible(); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("visible: %q", got)
		}
	})
}

// A receive of more than six megabytes is several batches: those that did not
// begin go back, and none overtakes one of its group that failed.
func TestOfSeveralBatchesTheLaterGoBack(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	for _, c := range []struct {
		rule, queue string
		halt        bool
	}{
		{"after a failure, of an ordered source", "orders.fifo", false},
		{"after a halt", "orders", true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			in(t, func(w *world) {
				for i := range 8 {
					w.queues[c.queue].sendMessage(queue.Message{Body: fmt.Sprint(i, big), GroupID: "g"})
				}
				w.set(func() {
					w.handle = func([]string) (string, error) {
						time.Sleep(time.Second)
						if c.halt {
							return "", nil
						}
						return "", errHandler
					}
				})
				w.mapped(esm.Mapping{EventSource: "arn:aws:sqs:us-east-1:000000000000:" + c.queue})
				if c.halt {
					if err := w.stop(time.Minute); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Second)
				if n := len(w.batches()); n != 1 {
					t.Errorf("%d batches", n)
				}
				if n := len(w.queues[c.queue].visible()); n != 3 {
					t.Errorf("%d of 3 messages went back", n)
				}
			})
		})
	}
}
