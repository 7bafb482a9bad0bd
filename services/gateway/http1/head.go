package http1

import (
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

// maxBody bounds the bodies of common requests, in bytes.
const maxBody = 32 << 10

// A parser reads the heads of one client, whose requests are much alike.
type parser struct {
	request http.Request // the last one read
	names   map[string]string
	values  []string // of the request's header
}

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
	text := string(head) // the one copy that everything below is a part of
	line, rest := cutLine(text)
	target, ok := strings.CutPrefix(line, "POST ")
	if !ok {
		return false
	}
	if target, ok = strings.CutSuffix(target, " HTTP/1.1"); !ok || !plain(target, '!') || target[0] != '/' {
		return false
	}
	u := &url.URL{Path: "/"}
	if target != "/" {
		var err error
		if u, err = url.ParseRequestURI(target); err != nil {
			return false
		}
	}
	header := p.request.Header
	clear(header)
	if header == nil {
		header = http.Header{}
	}
	r := &p.request
	*r = http.Request{
		Method: http.MethodPost, URL: u, RequestURI: target, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1,
	}
	values := p.values[:0]
	for rest != "\r\n" {
		line, rest = cutLine(rest)
		name, value, ok := strings.Cut(line, ":")
		if !ok || !plain(value, ' ') {
			return false
		}
		if name, ok = p.canonical(name); !ok {
			return false
		}
		value = strings.Trim(value, " ")
		switch name {
		case "Host":
			if r.Host != "" || !isHost(value) {
				return false
			}
			r.Host = value
			continue
		case "Content-Length":
			if r.ContentLength >= 0 {
				return false
			}
			length, err := strconv.ParseUint(value, 10, 31)
			if err != nil || length > maxBody {
				return false
			}
			r.ContentLength = int64(length)
		case "Connection":
			if value != "keep-alive" && value != "Keep-Alive" {
				return false
			}
		}
		if header[name] != nil {
			header[name] = append(header[name], value)
			continue
		}
		if len(header) == maxFields {
			return false
		}
		values = append(values, value)
		header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	p.values = values
	return r.Host != "" && r.ContentLength >= 0
}

// cutLine cuts a text behind its first line, which ends in CRLF; a text without
// one is a line itself.
func cutLine(s string) (line, rest string) {
	if i := strings.IndexByte(s, '\r'); i >= 0 && i+1 < len(s) && s[i+1] == '\n' {
		return s[:i], s[i+2:]
	}
	return s, ""
}

// canonical returns the canonical form of a field's name, and false for a name
// that is no plain word, or that changes how a request is to be read.
func (p *parser) canonical(name string) (string, bool) {
	if form, ok := p.names[name]; ok {
		return form, true
	}
	for i := range len(name) {
		if c := name[i]; !isLetter(c) && c != '-' && c != '_' {
			return "", false
		}
	}
	form := textproto.CanonicalMIMEHeaderKey(name)
	switch form {
	case "", "Transfer-Encoding", "Trailer", "Expect", "Upgrade", "Pragma":
		return "", false
	}
	if p.names == nil {
		p.names = map[string]string{}
	}
	if len(p.names) < maxNames && len(name) <= maxName {
		p.names[strings.Clone(name)] = strings.Clone(form)
	}
	return form, true
}

// plain says whether a text is printable ASCII, beginning at least.
func plain(s string, least byte) bool {
	for i := range len(s) {
		if s[i] < least || s[i] > '~' {
			return false
		}
	}
	return least == ' ' || s != ""
}

// isHost says whether a Host is made of what names, addresses and ports are.
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
