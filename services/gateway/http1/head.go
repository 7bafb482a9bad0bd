package http1

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

// maxBody bounds the bodies of common requests, in bytes.
const maxBody = 32 << 10

// A parser reads the heads of one client, whose requests are much alike: what is
// written as it was in the last head is not made anew.
type parser struct {
	// Of the head read last:
	target string
	url    url.URL
	host   string
	length int // of the body; -1 for none said
	header http.Header

	seen *http.Request // what look returns; nil until it is called

	fields []field // in the order they came
	values []string
	names  map[string]name
}

// A field is a line of a head.
type field struct {
	name
	value string
}

// A name is that of a field, as written and in its canonical form.
type name struct{ written, form string }

const (
	// maxNames and maxName bound what a client can have remembered: so many names of
	// fields as written, of so many bytes at most, and their canonical forms.
	maxNames, maxName = 64, 64

	maxFields = 128 // of a common request; the map of a client's header stays as large as it was once
)

// parse reads the head of a common request, from its first byte to the empty
// line. It takes no more than what is beyond doubt: net/http reads a request with
// the same bytes to be the same. Where it returns false, net/http is to judge.
func (p *parser) parse(head []byte) bool {
	line, rest := cutLine(head)
	if !p.first(line) {
		return false
	}
	if p.header == nil {
		p.header = http.Header{}
	}
	clear(p.header)
	p.host, p.length, p.values = "", -1, p.values[:0]
	n := 0
	for ; string(rest) != "\r\n"; n++ {
		line, rest = cutLine(rest)
		if n == len(p.fields) {
			p.fields = append(p.fields, field{})
		}
		if f := &p.fields[n]; !p.read(f, line) || !p.take(f) {
			return false
		}
	}
	clear(p.fields[n:]) // no more is kept than one head
	p.fields = p.fields[:n]
	return p.host != "" && p.length >= 0
}

// first reads the first line of a head.
func (p *parser) first(line []byte) bool {
	line, ok := bytes.CutPrefix(line, []byte("POST "))
	if !ok {
		return false
	}
	target, ok := bytes.CutSuffix(line, []byte(" HTTP/1.1"))
	if !ok || !plain(target, '!') || len(target) == 0 || target[0] != '/' {
		return false
	}
	if string(target) != p.target {
		p.target = string(target)
	}
	p.url = url.URL{Path: "/"}
	if p.target != "/" {
		u, err := url.ParseRequestURI(p.target)
		if err != nil {
			return false
		}
		p.url = *u
	}
	return true
}

// read reads a line into the field that stood at the same place of the last head.
func (p *parser) read(f *field, line []byte) bool {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok || !plain(value, ' ') {
		return false
	}
	if string(name) != f.written || f.form == "" {
		if f.name, ok = p.canonical(name); !ok {
			return false
		}
	}
	if value = bytes.Trim(value, " "); string(value) != f.value {
		f.value = string(value)
	}
	return true
}

// take takes a field into the request.
func (p *parser) take(f *field) bool {
	switch f.form {
	case "Host":
		if p.host != "" || !isHost(f.value) {
			return false
		}
		p.host = f.value
		return true
	case "Content-Length":
		if p.length >= 0 {
			return false
		}
		length, err := strconv.ParseUint(f.value, 10, 31)
		if err != nil || length > maxBody {
			return false
		}
		p.length = int(length)
	case "Connection":
		if f.value != "keep-alive" && f.value != "Keep-Alive" {
			return false
		}
	}
	if all := p.header[f.form]; all != nil {
		p.header[f.form] = append(all, f.value)
		return true
	}
	if len(p.header) == maxFields {
		return false
	}
	p.values = append(p.values, f.value)
	p.header[f.form] = p.values[len(p.values)-1 : len(p.values) : len(p.values)]
	return true
}

// request is the one whose head was read last. It is good until the next is read.
func (p *parser) request(ctx context.Context, remote string, body io.ReadCloser) *http.Request {
	r := http.Request{
		Method: http.MethodPost, URL: &p.url, RequestURI: p.target, Host: p.host, Header: p.header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(p.length),
		RemoteAddr: remote, Body: body,
	}
	return r.WithContext(ctx)
}

// look is the request whose head was read last, without a body and a context, for a
// look before it is served.
func (p *parser) look() *http.Request {
	if p.seen == nil {
		p.seen = &http.Request{Method: http.MethodPost, URL: &p.url}
	}
	p.seen.Host, p.seen.Header = p.host, p.header
	return p.seen
}

// cutLine cuts a text behind its first line, which ends in CRLF; a text without
// one is a line itself.
func cutLine(b []byte) (line, rest []byte) {
	if i := bytes.IndexByte(b, '\r'); i >= 0 && i+1 < len(b) && b[i+1] == '\n' {
		return b[:i], b[i+2:]
	}
	return b, nil
}

// canonical returns a field's name with its canonical form, and false for one
// that is no plain word, or that changes how a request is to be read.
func (p *parser) canonical(written []byte) (name, bool) {
	if n, ok := p.names[string(written)]; ok {
		return n, true
	}
	for _, c := range written {
		if !isLetter(c) && c != '-' && c != '_' {
			return name{}, false
		}
	}
	n := name{written: string(written)}
	n.form = strings.Clone(textproto.CanonicalMIMEHeaderKey(n.written))
	switch n.form {
	case "", "Transfer-Encoding", "Trailer", "Expect", "Upgrade", "Pragma":
		return name{}, false
	}
	if p.names == nil {
		p.names = map[string]name{}
	}
	if len(p.names) < maxNames && len(written) <= maxName {
		p.names[n.written] = n
	}
	return n, true
}

// plain reports whether a text is printable ASCII, from least on.
func plain(s []byte, least byte) bool {
	for _, c := range s {
		if c < least || c > '~' {
			return false
		}
	}
	return true
}

// isHost reports whether a Host is made of what names, addresses and ports are.
func isHost(s string) bool {
	for i := range len(s) {
		if !isLetter(s[i]) && strings.IndexByte(".-_:[]", s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

func isLetter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
