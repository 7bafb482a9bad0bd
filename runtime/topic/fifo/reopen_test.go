package fifo_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/topic/fifo"
)

// The store fails and is reopened several times under load. No publisher waits for ever, a
// publish whose fate was not known is found out by the next one with its key, and readers get
// all in order.
func TestStoreReopensUnderLoad(t *testing.T) {
	bubble(t, func(e *env) {
		s := e.follow("a")
		began := time.Now()
		var mu sync.Mutex
		stored := map[uint64]string{}
		var publishers sync.WaitGroup
		for p := range 4 {
			publishers.Go(func() {
				for i := range 200 {
					content := fmt.Sprint(p, "-", i)
					for {
						got, err := e.logs.Publish(ctx, topic, fifo.Entry{DedupKey: content, Content: []byte(content)})
						if err == nil {
							err = got[0].Err
						}
						if err == nil {
							mu.Lock()
							if was, ok := stored[got[0].Seq]; ok {
								t.Errorf("%d is the number of %s and %s", got[0].Seq, was, content)
							}
							stored[got[0].Seq] = content
							mu.Unlock()
							break
						}
						if !errors.Is(err, fault.Unavailable) {
							t.Errorf("a publish failed with %v", err)
						}
						time.Sleep(time.Millisecond)
					}
				}
			})
		}
		for range 3 {
			time.Sleep(20 * time.Millisecond)
			e.backbone.Report(errors.New("a write failed"))
		}
		publishers.Wait()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("all of it took %v", took)
		}
		time.Sleep(20 * time.Second)
		var want []string
		for _, seq := range sorted(stored) {
			want = append(want, stored[seq])
		}
		s.want(want...)
		if len(want) != 800 || len(e.losses) > 0 || !slices.IsSorted(sorted(stored)) {
			t.Errorf("%d of 800 are stored; losses %v", len(want), e.losses)
		}
	})
}

// An entry whose acknowledgement does not come is handed over, though nobody publishes
// again.
func TestUnknownFateIsHandedOver(t *testing.T) {
	bubble(t, func(e *env) {
		s := e.follow("a")
		e.publish("1")
		settle()
		stream := e.stream()
		if _, err := e.backbone.JetStream().Publish(ctx, stream.CachedInfo().Config.Subjects[0], []byte("2")); err != nil {
			t.Fatal(err)
		}
		settle()
		s.want("1")
		e.backbone.Report(errors.New("a write failed"))
		time.Sleep(20 * time.Second)
		s.want("1", "2")
	})
}
