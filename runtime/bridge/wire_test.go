package bridge

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func frame(kind byte, payload []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{kind, 0, 1}, uint32(len(payload)))
	return append(append(b, payload...), 0xce)
}

// message is the frames of a message whose body comes in pieces.
func message(properties string, pieces ...string) []byte {
	size := 0
	for _, p := range pieces {
		size += len(p)
	}
	head := binary.BigEndian.AppendUint64([]byte{0, 60, 0, 0}, uint64(size))
	b := append(frame(1, []byte("deliver")), frame(2, append(head, properties...))...)
	for _, p := range pieces {
		b = append(b, frame(3, []byte(p))...)
	}
	return b
}

func TestMessagesAreFoundHoweverTheyCome(t *testing.T) {
	stream := bytes.Join([][]byte{frame(1, []byte("tune")), message("ab"), frame(8, nil), message("\x00\x00", "x"), message("cd", "1234", "", "56789"), frame(1, nil)}, nil)
	const want = `["ab" 0 "\x00\x00" 1 "cd" 9]`
	for size := 1; size <= len(stream); size++ {
		var got []string
		tap := tap{message: func(properties []byte, body int) { got = append(got, fmt.Sprintf("%q %d", properties, body)) }}
		for rest := stream; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			tap.read(rest[:min(size, len(rest))])
		}
		if s := fmt.Sprint(got); s != want {
			t.Errorf("in pieces of %d: %s", size, s)
		}
	}
}

func FuzzTap(f *testing.F) {
	f.Add(message("ab", "cd"), 3)
	f.Add(frame(2, []byte("short")), 100)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		size = max(size&0xff, 1)
		total := 0
		tap := tap{message: func(properties []byte, _ int) { total += len(properties) }}
		for rest := b; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			tap.read(rest[:min(size, len(rest))])
		}
		if total > len(b) {
			t.Errorf("%d bytes of properties in %d", total, len(b))
		}
	})
}

// While a connection holds all it may, or is stalled, nothing more is read; time that
// passes so does not count as the broker's silence.
func TestTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		w := newWire(ours)
		defer w.Close()
		big := message("ab", string(make([]byte, maxHeld)))
		read := make(chan int, 100)
		go func() {
			b := make([]byte, len(big))
			for {
				n, err := w.Read(b)
				if err != nil {
					close(read)
					return
				}
				read <- n
			}
		}()
		w.SetReadDeadline(time.Now().Add(30 * time.Second))
		theirs.Write(big)
		synctest.Wait()
		for len(read) > 0 {
			<-read
		}
		sent := make(chan error, 1)
		go func() { _, err := theirs.Write(frame(8, nil)); sent <- err }()
		time.Sleep(time.Hour)
		if len(read) > 0 {
			t.Fatal("more was read than there is room for")
		}
		w.stall(true)
		w.free(maxHeld)
		time.Sleep(time.Hour)
		if len(read) > 0 {
			t.Fatal("it was read although it is stalled")
		}
		w.stall(false)
		if err := <-sent; err != nil || <-read != len(frame(8, nil)) {
			t.Fatalf("what was sent before: %v", err)
		}
		time.Sleep(time.Minute)
		if _, more := <-read; more {
			t.Fatal("a broker that says nothing is still there")
		}
		if p, ok := w.next(); string(p) != "ab" || !ok {
			t.Errorf("properties %q, %v", p, ok)
		}
		if _, ok := w.next(); ok {
			t.Error("properties of another message")
		}
	})
}

func TestABrokerThatDoesNotReadHoldsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		w := newWire(ours)
		defer w.Close()
		if _, err := w.Write([]byte("ack")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a write that nobody reads: %v", err)
		}
		go theirs.Write([]byte("x"))
		w.change(func() { w.held = maxHeld })
		time.AfterFunc(time.Second, w.release)
		if _, err := io.ReadFull(w, make([]byte, 1)); err != nil {
			t.Errorf("a read at the end: %v", err)
		}
	})
}
