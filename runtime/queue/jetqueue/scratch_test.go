package jetqueue_test

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
)

func mem(tag string) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b, _ := os.ReadFile("/proc/self/status")
	rss := ""
	for _, l := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(l, "VmRSS") || strings.HasPrefix(l, "VmHWM") {
			rss += l + " "
		}
	}
	fmt.Printf("%s heap %d MB sys %d MB objects %d %s\n", tag, m.HeapAlloc>>20, m.Sys>>20, m.HeapObjects, rss)
	f, _ := os.Create("/tmp/heap-" + tag)
	pprof.WriteHeapProfile(f)
	f.Close()
}

func TestScratchMillion(t *testing.T) {
	debug.SetGCPercent(200)
	e := start(t, jetqueue.Options{Keys: vault(t)})
	q := e.create("million", managed)
	body := strings.Repeat("x", 256)
	msgs := make([]queue.Message, 100)
	for i := range msgs {
		msgs[i] = queue.Message{Body: body, SenderID: "AKIAIOSFODNN7EXAMPLE"}
	}
	mem("empty")
	b := time.Now()
	done := make(chan int)
	for range 4 {
		go func() {
			for range 2500 {
				q.Send(ctx, msgs...)
			}
			done <- 1
		}()
	}
	for range 4 {
		<-done
	}
	fmt.Println("sent", time.Since(b))
	mem("loaded")
	b = time.Now()
	e.close()
	fmt.Println("closed", time.Since(b))
	f, _ := os.Create("/tmp/cpu-open")
	pprof.StartCPUProfile(f)
	b = time.Now()
	e.open()
	fmt.Println("opened", time.Since(b))
	q = e.get("million")
	got, err := q.Receive(ctx, queue.ReceiveRequest{Max: 10})
	fmt.Println("first receive", time.Since(b), len(got), err)
	pprof.StopCPUProfile()
	mem("reopened")
	b = time.Now()
	n := 0
	for n < 100000 {
		got, err := q.Receive(ctx, queue.ReceiveRequest{Max: 10})
		if err != nil {
			t.Fatal(err)
		}
		hs := []string{}
		for _, g := range got {
			hs = append(hs, g.ReceiptHandle)
		}
		n += len(got)
		q.Delete(ctx, hs...)
	}
	fmt.Println("100k received and deleted", time.Since(b))
	mem("after")
}
