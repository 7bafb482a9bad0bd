// Package direct speaks to a NATS server in the same process without detours.
//
// What is published is written to the server by who publishes it, and an answer is
// taken in by the goroutine that has read it. A connection of nats.go buffers what
// is published for a goroutine that flushes it, and hands answers over to another:
// that is two more goroutines to wake on the way of every log entry.
//
// It knows as much of the protocol as that takes: CONNECT, SUB, HPUB, MSG, HMSG, PING
// and PONG. It does not connect again: who dialed does.
package direct

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
)

// A Conn is a connection to a server, for any number of goroutines.
type Conn struct {
	net    net.Conn
	prefix string         // of all its inboxes
	ended  func(error)    // told once
	over   sync.WaitGroup // the reader

	writing sync.Mutex // held while something is written; guards out
	out     []byte

	mu      sync.RWMutex      // guards what follows
	inboxes map[string]*Inbox // by their subjects
	last    uint64            // inbox that was opened
}

// connect asks for headers, and to be told when nobody listens.
const connect = `CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"protocol":1,"lang":"go","name":"millrace direct"}` + "\r\n"

const readBuffer = 32 << 10 // a longer line ends the connection; only payloads are larger

// New makes a connection to the server at the other end of c, which it closes in
// the end. ended is called when the connection is over, unless Close was called.
func New(c net.Conn, ended func(error)) (*Conn, error) {
	d := &Conn{net: c, prefix: "_DIRECT." + rand.Text() + ".", ended: ended, inboxes: map[string]*Inbox{}}
	r := bufio.NewReaderSize(c, readBuffer)
	if err := d.greet(r); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	d.over.Go(func() { d.read(r) })
	return d, nil
}

// greet waits until the server has said that it is ready.
func (d *Conn) greet(r *bufio.Reader) error {
	if _, err := r.ReadSlice('\n'); err != nil { // INFO
		return err
	}
	if _, err := fmt.Fprintf(d.net, "%sSUB %s> 1\r\nPING\r\n", connect, d.prefix); err != nil {
		return err
	}
	for {
		line, err := r.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case bytes.HasPrefix(line, []byte("PONG")):
			return nil
		case bytes.HasPrefix(line, []byte("-ERR")):
			return serverError(line)
		}
	}
}

// Close ends the connection. No function of an inbox is called afterwards.
func (d *Conn) Close() {
	d.mu.Lock()
	d.ended = nil
	d.mu.Unlock()
	d.net.Close()
	d.over.Wait()
}

// An Inbox is an address for answers.
type Inbox struct {
	conn    *Conn
	subject string
	take    func(status string, data []byte)
}

// Open makes an inbox. take is called with each message that comes to it, one
// after the other, by the goroutine that reads for everybody: it must not wait.
// status is that of a message which the server itself has sent, such as 503:
// nobody listens; else "". data is valid until take returns.
func (d *Conn) Open(take func(status string, data []byte)) *Inbox {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	in := &Inbox{conn: d, subject: d.prefix + strconv.FormatUint(d.last, 36), take: take}
	d.inboxes[in.subject] = in
	return in
}

// Close has nothing more come to the inbox, but what is being taken.
func (in *Inbox) Close() {
	in.conn.mu.Lock()
	defer in.conn.mu.Unlock()
	delete(in.conn.inboxes, in.subject)
}

// Publish writes a message whose answer comes to the inbox. header is in the form
// that NATS has on the wire. The message has been handed to the server when Publish
// returns; what it was made of may be used again.
//
// Answers to all messages come to one subject: the server remembers where those it
// knows lead to.
func (in *Inbox) Publish(subject string, header, data []byte) error {
	d := in.conn
	d.writing.Lock()
	defer d.writing.Unlock()
	b := append(append(append(d.out[:0], "HPUB "...), subject...), ' ')
	b = append(b, in.subject...)
	b = strconv.AppendInt(append(b, ' '), int64(len(header)), 10)
	b = strconv.AppendInt(append(b, ' '), int64(len(header)+len(data)), 10)
	b = append(append(b, "\r\n"...), header...)
	if len(data) <= copied {
		b = append(append(b, data...), "\r\n"...)
		d.out = b
		return d.write(b)
	}
	d.out = b
	return d.write(b, data, []byte("\r\n"))
}

// copied is up to how many bytes a payload is written in one piece with its head:
// each piece waits for the server to read it.
const copied = 16 << 10

func (d *Conn) write(pieces ...[]byte) error {
	for _, b := range pieces {
		if _, err := d.net.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// read takes in what the server says, until the connection ends.
func (d *Conn) read(r *bufio.Reader) {
	var payload []byte
	var err error
	for err == nil {
		payload, err = d.next(r, payload)
	}
	d.net.Close()
	d.mu.Lock()
	ended := d.ended
	d.mu.Unlock()
	if ended != nil {
		ended(err)
	}
}

var errGarbled = errors.New("the NATS server said something that cannot be understood")

// next takes in one operation. payload is a buffer for the next.
func (d *Conn) next(r *bufio.Reader, payload []byte) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return payload, err
	}
	var words [6][]byte
	n := split(bytes.TrimRight(line, "\r\n"), words[:])
	header, size := 0, 0
	switch op := string(words[0]); {
	case op == "MSG" && n == 4: // subject, subscription, size
		size, err = strconv.Atoi(string(words[3]))
	case op == "HMSG" && n == 5: // subject, subscription, size of the header, of all
		if header, err = strconv.Atoi(string(words[3])); err == nil {
			size, err = strconv.Atoi(string(words[4]))
		}
	case op == "PING":
		return payload, d.pong()
	case op == "-ERR":
		return payload, serverError(line)
	default: // INFO, PONG, +OK
		return payload, nil
	}
	if err != nil || header < 0 || header > size {
		return payload, errGarbled
	}
	d.mu.RLock()
	in := d.inboxes[string(words[1])]
	d.mu.RUnlock()
	if cap(payload) < size {
		payload = make([]byte, size)
	}
	payload = payload[:size]
	if _, err := io.ReadFull(r, payload); err != nil {
		return payload, err
	}
	if _, err := r.Discard(len("\r\n")); err != nil {
		return payload, err
	}
	if in != nil {
		in.take(status(payload[:header]), payload[header:])
	}
	return payload, nil
}

func (d *Conn) pong() error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.write([]byte("PONG\r\n"))
}

// status reads the status of a header: NATS/1.0 503.
func status(header []byte) string {
	line, _, _ := bytes.Cut(header, []byte("\r\n"))
	_, s, _ := bytes.Cut(line, []byte{' '})
	return string(s)
}

// split cuts a line at its spaces, and returns how many words there are; what does
// not fit is left out.
func split(line []byte, words [][]byte) (n int) {
	for word := range bytes.FieldsSeq(line) {
		if n == len(words) {
			break
		}
		words[n] = word
		n++
	}
	return n
}

func serverError(line []byte) error {
	return fmt.Errorf("the NATS server ends the connection: %s", bytes.TrimSpace(bytes.TrimPrefix(line, []byte("-ERR"))))
}
