package esm_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/esm"
	"millrace/esm/source"
	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/lifecycle/lifecycletest"
)

func TestRefusedMappings(t *testing.T) {
	for _, c := range []struct {
		rule string
		m    esm.Mapping
		code fault.Code
		want error
	}{
		{"no source that we know", esm.Mapping{EventSource: "arn:aws:kinesis:us-east-1:000000000000:stream/s", FunctionARN: functionARN},
			fault.Invalid, esm.ErrUnknownSource},
		{"no source at all", esm.Mapping{FunctionARN: functionARN},
			fault.Invalid, esm.ErrUnknownSource},
		{"a queue of another region", esm.Mapping{EventSource: strings.Replace(queueARN, "us-east-1", "eu-west-1", 1), FunctionARN: functionARN},
			fault.Invalid, &esm.RegionError{Function: "us-east-1"}},
		{"a window on a FIFO queue", esm.Mapping{EventSource: fifoARN, FunctionARN: functionARN, Window: 1},
			fault.Invalid, esm.ErrNoWindow},
		{"a large batch without a window", esm.Mapping{EventSource: queueARN, FunctionARN: functionARN, BatchSize: 11},
			fault.Invalid, esm.ErrLargeBatch},
		{"a bad filter", esm.Mapping{EventSource: queueARN, FunctionARN: functionARN, Filters: []string{`null`}},
			fault.Invalid, esm.ErrInvalidFilter},
		{"no such function", esm.Mapping{EventSource: queueARN, FunctionARN: "arn:aws:lambda:us-east-1:000000000000:function:other"},
			fault.Invalid, esm.ErrNoFunction},
		{"no such queue", esm.Mapping{EventSource: "arn:aws:sqs:us-east-1:000000000000:none", FunctionARN: functionARN},
			fault.Invalid, esm.ErrNoSource},
		{"the same queue and function again", esm.Mapping{EventSource: queueARN, FunctionARN: functionARN},
			fault.Exists, &esm.DuplicateError{}},
		{"too short a visibility", esm.Mapping{EventSource: fifoARN, FunctionARN: functionARN},
			fault.Invalid, &source.VisibilityError{Visibility: 30 * time.Second, Timeout: 31 * time.Second}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			in(t, func(w *world) {
				there := w.mapped(esm.Mapping{})
				w.set(func() { w.timeout = 31 * time.Second })
				_, err := w.mappings.Create(w.Context(), c.m)
				if fault.Of(err) != c.code {
					t.Errorf("%v is %s, want %s", err, fault.Of(err), c.code)
				}
				switch want := c.want.(type) {
				case *esm.DuplicateError:
					if got, ok := errors.AsType[*esm.DuplicateError](err); !ok || got.Other.UUID != there.UUID {
						t.Errorf("got %v, want the UUID %s", err, there.UUID)
					}
				case *esm.RegionError:
					if got, ok := errors.AsType[*esm.RegionError](err); !ok || *got != *want {
						t.Errorf("got %v, want %v", err, want)
					}
				case *source.VisibilityError:
					if got, ok := errors.AsType[*source.VisibilityError](err); !ok || *got != *want {
						t.Errorf("got %v, want %v", err, want)
					}
				default:
					if !errors.Is(err, want) {
						t.Errorf("got %v, want %v", err, want)
					}
				}
				if n := len(w.mappings.List(nil)); n != 1 {
					t.Errorf("%d mappings", n)
				}
			})
		})
	}
}

func TestAQualifierMakesAnotherMapping(t *testing.T) {
	in(t, func(w *world) {
		w.mapped(esm.Mapping{})
		if _, err := w.mappings.Create(w.Context(), esm.Mapping{EventSource: queueARN, FunctionARN: functionARN + ":live"}); err != nil {
			t.Error(err)
		}
	})
}

func TestCreateAndGet(t *testing.T) {
	in(t, func(w *world) {
		given := esm.Mapping{
			Account: "000000000000", Region: "us-east-1", EventSource: queueARN, Window: 2, MaxConcurrent: 2, Enabled: true,
			Filters: []string{`{"body":["x"]}`}, ResponseTypes: []string{"ReportBatchItemFailures"}, Tags: map[string]string{"k": "v"},
		}
		m := w.mapped(given)
		want := given
		want.FunctionARN, want.UUID, want.BatchSize = functionARN, m.UUID, 10
		want.State, want.Reason, want.Modified = "Creating", "USER_INITIATED", w.start.UTC()
		if diff := cmp.Diff(want, m); diff != "" || m.UUID == "" {
			t.Errorf("created %s", diff)
		}
		got, err := w.mappings.Get(m.UUID)
		want.State = "Enabled"
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("got %v %s", err, diff)
		}
	})
}

func TestNoSuchMapping(t *testing.T) {
	in(t, func(w *world) {
		_, get := w.mappings.Get("none")
		_, update := w.mappings.Update(w.Context(), "none", func(*esm.Mapping) error { return nil })
		_, remove := w.mappings.Delete(w.Context(), "none")
		tags := w.mappings.Retag(w.Context(), "none", func(map[string]string) error { return nil })
		for call, err := range map[string]error{"get": get, "update": update, "delete": remove, "retag": tags} {
			if !errors.Is(err, fault.NotFound) || !errors.Is(err, esm.ErrNotFound) {
				t.Errorf("%s: %v", call, err)
			}
		}
	})
}

func TestListIsOrderedAndFiltered(t *testing.T) {
	in(t, func(w *world) {
		a, b := w.mapped(esm.Mapping{}), w.mapped(esm.Mapping{EventSource: fifoARN})
		var ids []string
		for _, m := range w.mappings.List(nil) {
			ids = append(ids, m.UUID)
		}
		if want := slices.Sorted(slices.Values([]string{a.UUID, b.UUID})); !slices.Equal(ids, want) {
			t.Errorf("got %v, want %v", ids, want)
		}
		fifo := w.mappings.List(func(m esm.Mapping) bool { return m.EventSource == fifoARN })
		if len(fifo) != 1 || fifo[0].UUID != b.UUID {
			t.Errorf("got %v", fifo)
		}
	})
}

func TestADisabledMappingReceivesNothingUntilItIsEnabled(t *testing.T) {
	in(t, func(w *world) {
		m, err := w.mappings.Create(w.Context(), esm.Mapping{EventSource: queueARN, FunctionARN: functionARN})
		if err != nil || m.State != "Disabled" {
			t.Fatal(m.State, err)
		}
		w.queues["orders"].send("a")
		time.Sleep(time.Minute)
		w.saw()
		m, err = w.mappings.Update(w.Context(), m.UUID, func(m *esm.Mapping) error { m.Enabled = true; return nil })
		if err != nil || m.State != "Enabling" {
			t.Fatal(m.State, err)
		}
		w.saw("60s a")
		if state, _ := w.state(m.UUID); state != "Enabled" {
			t.Error(state)
		}
	})
}

// While its last batch runs, a mapping that is switched off or deleted says so,
// and takes no further change.
func TestEndingWhileABatchRuns(t *testing.T) {
	disable := func(w *world, id string) (esm.Mapping, error) {
		return w.mappings.Update(w.Context(), id, func(m *esm.Mapping) error { m.Enabled = false; return nil })
	}
	remove := func(w *world, id string) (esm.Mapping, error) { return w.mappings.Delete(w.Context(), id) }
	for _, c := range []struct {
		rule      string
		end       func(*world, string) (esm.Mapping, error)
		meanwhile string
		after     string // "" for gone
	}{
		{"disabled", disable, "Disabling", "Disabled"},
		{"deleted", remove, "Deleting", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			in(t, func(w *world) {
				w.set(func() { w.handle = func([]string) (string, error) { time.Sleep(10 * time.Second); return "", nil } })
				m := w.mapped(esm.Mapping{})
				w.queues["orders"].send("a")
				synctest.Wait()
				if got, err := c.end(w, m.UUID); err != nil || got.State != c.meanwhile {
					t.Fatal(got.State, err)
				}
				w.queues["orders"].send("b")
				time.Sleep(9 * time.Second)
				if state, _ := w.state(m.UUID); state != c.meanwhile {
					t.Error(state)
				}
				if n := len(w.mappings.List(nil)); n != 1 {
					t.Errorf("%d mappings", n)
				}
				_, again := c.end(w, m.UUID)
				if !errors.Is(again, fault.Conflict) || !errors.Is(again, esm.ErrInUse) {
					t.Error(again)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				got, err := w.mappings.Get(m.UUID)
				if got.State != c.after || (c.after == "") != errors.Is(err, fault.NotFound) {
					t.Error(got.State, err)
				}
				w.saw("0s a")
				w.deleted("orders", "a")
				if got := w.queues["orders"].visible(); !slices.Equal(got, []string{"b"}) {
					t.Errorf("visible: %q", got)
				}
			})
		})
	}
}

func TestAnUpdateHoldsForTheNextBatch(t *testing.T) {
	in(t, func(w *world) {
		m := w.mapped(esm.Mapping{BatchSize: 2, Window: 60})
		w.queues["orders"].send("a")
		synctest.Wait()
		time.Sleep(time.Second)
		got, err := w.mappings.Update(w.Context(), m.UUID, func(m *esm.Mapping) error { m.Window = 0; return nil })
		if err != nil || got.State != "Updating" || !got.Modified.After(m.Modified) {
			t.Error(got, err)
		}
		w.saw("1s a") // given back by the old poller, received by the new
		got, err = w.mappings.Get(m.UUID)
		if err != nil || got.State != "Enabled" || got.Window != 0 {
			t.Error(got, err)
		}
	})
}

func TestARefusedUpdateChangesNothing(t *testing.T) {
	in(t, func(w *world) {
		m := w.mapped(esm.Mapping{})
		wrong := errors.New("wrong")
		if _, err := w.mappings.Update(w.Context(), m.UUID, func(m *esm.Mapping) error { m.Window = 5; return wrong }); err != wrong {
			t.Error(err)
		}
		if _, err := w.mappings.Update(w.Context(), m.UUID, func(m *esm.Mapping) error { m.BatchSize = 100; return nil }); !errors.Is(err, fault.Invalid) {
			t.Error(err)
		}
		m.State = "Enabled"
		if got, err := w.mappings.Get(m.UUID); err != nil || cmp.Diff(m, got) != "" {
			t.Error(err, cmp.Diff(m, got))
		}
		w.queues["orders"].send("a")
		w.saw("0s a")
	})
}

func TestRetag(t *testing.T) {
	in(t, func(w *world) {
		m := w.mapped(esm.Mapping{})
		if err := w.mappings.Retag(w.Context(), m.UUID, func(tags map[string]string) error { tags["k"] = "v"; return nil }); err != nil {
			t.Fatal(err)
		}
		if got, err := w.mappings.Get(m.UUID); err != nil || got.Tags["k"] != "v" || !got.Modified.Equal(m.Modified) {
			t.Error(got, err)
		}
	})
}

func TestMappingsGoOnAfterARestart(t *testing.T) {
	in(t, func(w *world) {
		on := w.mapped(esm.Mapping{})
		off, err := w.mappings.Create(w.Context(), esm.Mapping{EventSource: fifoARN, FunctionARN: functionARN})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.stop(time.Minute); err != nil {
			t.Fatal(err)
		}
		w.queues["orders"].send("a")
		w.queues["orders.fifo"].send("b")
		w.saw()
		w.mappings = esm.New(w.config)
		if err := w.mappings.Start(w.Context()); err != nil {
			t.Fatal(err)
		}
		w.saw("0s a")
		for id, want := range map[string]string{on.UUID: "Enabled", off.UUID: "Disabled"} {
			if state, _ := w.state(id); state != want {
				t.Errorf("%s: %s, want %s", id, state, want)
			}
		}
	})
}

func TestStopped(t *testing.T) {
	in(t, func(w *world) {
		m := w.mapped(esm.Mapping{})
		for range 2 { // Stop may be repeated
			if err := w.stop(time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.mappings.Create(w.Context(), esm.Mapping{}); !errors.Is(err, fault.Unavailable) {
			t.Error(err)
		}
		if _, err := w.mappings.Delete(w.Context(), m.UUID); !errors.Is(err, fault.Unavailable) {
			t.Error(err)
		}
	})
}

func TestResetRemovesAllAndBeginsAgain(t *testing.T) {
	in(t, func(w *world) {
		w.mapped(esm.Mapping{})
		if err := w.mappings.Reset(w.Context()); err != nil || len(w.mappings.List(nil)) != 0 {
			t.Error(w.mappings.List(nil), err)
		}
		w.queues["orders"].send("a")
		w.saw()
		w.mapped(esm.Mapping{})
		w.saw("0s a")
	})
}

func TestMappingsAreAPart(t *testing.T) {
	b, records, err := open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { records.Stop(context.Background()); b.Stop(context.Background()) })
	w := &world{T: t, function: true, queues: map[string]*memQueue{"orders": newQueue(false)}}
	config := esm.Config{Records: records, Sources: w.sources(w.find), Invoker: w, Timeout: w.functionTimeout}
	first := esm.New(config)
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Create(t.Context(), esm.Mapping{EventSource: queueARN, FunctionARN: functionARN, Enabled: true}); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.queues["orders"].send("a", "b", "c")
	lifecycletest.Stress(t, func() lifecycle.Part { return esm.New(config) })
}
