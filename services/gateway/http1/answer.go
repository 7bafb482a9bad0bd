package http1

import (
	"net/http"
	"strconv"
	"time"
)

// An answer is the http.ResponseWriter of one request. It is kept until the
// handler returns, and then sent by one write.
type answer struct {
	header http.Header
	out    text // the head, as far as it is known, from WriteHeader on
	body   []byte
	status int // 0 until WriteHeader

	length, typed, date bool // the handler said so itself
	close               bool // the connection ends with this answer

	clock clock
}

// A clock writes the time as HTTP does, and anew each second.
type clock struct {
	second int64
	text   []byte
}

func (c *clock) append(b []byte, now time.Time) []byte {
	if s := now.Unix(); s != c.second {
		c.second, c.text = s, now.UTC().AppendFormat(c.text[:0], http.TimeFormat)
	}
	return append(b, c.text...)
}

// A text is a buffer that http.Header can write itself to.
type text []byte

func (t *text) Write(b []byte) (int, error)       { *t = append(*t, b...); return len(b), nil }
func (t *text) WriteString(s string) (int, error) { *t = append(*t, s...); return len(s), nil }

// reset makes ready for the next request. A huge buffer is left to the collector.
func (a *answer) reset() {
	clear(a.header)
	if cap(a.out)+cap(a.body) > maxKept {
		a.out, a.body = nil, nil
	}
	*a = answer{header: a.header, out: a.out[:0], body: a.body[:0], clock: a.clock}
}

func (a *answer) Header() http.Header { return a.header }

// WriteHeader fixes the head. There are no informational answers.
func (a *answer) WriteHeader(status int) {
	if a.status != 0 || status < 200 {
		return
	}
	a.status = status
	_, a.length = a.header["Content-Length"]
	_, a.typed = a.header["Content-Type"]
	_, a.date = a.header["Date"]
	a.close = a.header.Get("Connection") == "close"
	a.out = append(strconv.AppendInt(append(a.out, "HTTP/1.1 "...), int64(status), 10), ' ')
	a.out = append(append(a.out, http.StatusText(status)...), "\r\n"...)
	a.header.Write(&a.out)
}

// Write adds to the body.
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.bodiless() {
		return 0, http.ErrBodyNotAllowed
	}
	a.body = append(a.body, b...)
	return len(b), nil
}

func (a *answer) bodiless() bool {
	return a.status == http.StatusNoContent || a.status == http.StatusNotModified
}

// finish returns the whole answer, with what the handler left to say of it. The
// last one says that the connection ends.
func (a *answer) finish(now time.Time, last bool) []byte {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if !a.typed && len(a.body) > 0 {
		a.out = append(append(append(a.out, "Content-Type: "...), http.DetectContentType(a.body)...), "\r\n"...)
	}
	if !a.length && !a.bodiless() {
		a.out = append(strconv.AppendInt(append(a.out, "Content-Length: "...), int64(len(a.body)), 10), "\r\n"...)
	}
	if !a.date {
		a.out = append(a.clock.append(append(a.out, "Date: "...), now), "\r\n"...)
	}
	if last && !a.close {
		a.out = append(a.out, "Connection: close\r\n"...)
		a.close = true
	}
	a.out = append(append(a.out, "\r\n"...), a.body...)
	return a.out
}
