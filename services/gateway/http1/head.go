package http1

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

// maxBody bounds the bodies of common requests, in bytes.
const maxBody = 256 << 10

// names are those of the fields that a client has sent, as written, and their
// canonical forms: its requests all have the same.
type names map[string]string

// maxNames bounds what a client can have remembered.
const maxNames = 64

// parse reads the head of a common request, from its first byte to the empty
// line, and returns the request without a body. It takes no more than what is
// beyond doubt: net/http reads a request with the same bytes to be the same. nil
// means that the head is for net/http to judge.
func (known *names) parse(head []byte) *http.Request {
	text := string(head) // the one copy that everything below is a part of
	line, rest, _ := strings.Cut(text, "\r\n")
	target, ok := strings.CutPrefix(line, "POST ")
	if !ok {
		return nil
	}
	if target, ok = strings.CutSuffix(target, " HTTP/1.1"); !ok || !plain(target, '!') || target[0] != '/' {
		return nil
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil
	}
	r := &http.Request{
		Method: http.MethodPost, URL: u, RequestURI: target,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1,
	}
	n := bytes.Count(head, newline) - 2
	r.Header = make(http.Header, n)
	values := make([]string, 0, n)
	for rest != "\r\n" {
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		if !ok || !plain(value, ' ') {
			return nil
		}
		if name, ok = known.canonical(name); !ok {
			return nil
		}
		value = strings.Trim(value, " ")
		switch name {
		case "Host":
			if r.Host != "" || !isHost(value) {
				return nil
			}
			r.Host = value
			continue
		case "Content-Length":
			if r.ContentLength >= 0 {
				return nil
			}
			length, err := strconv.ParseUint(value, 10, 31)
			if err != nil || length > maxBody {
				return nil
			}
			r.ContentLength = int64(length)
		case "Connection":
			if value != "keep-alive" && value != "Keep-Alive" {
				return nil
			}
		}
		if r.Header[name] != nil {
			r.Header[name] = append(r.Header[name], value)
			continue
		}
		values = append(values, value)
		r.Header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	if r.Host == "" || r.ContentLength < 0 {
		return nil
	}
	return r
}

var newline = []byte("\n")

// canonical returns the canonical form of a field's name, and false for a name
// that is no plain word, or that changes how a request is to be read.
func (known *names) canonical(name string) (string, bool) {
	if form, ok := (*known)[name]; ok {
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
	if *known == nil {
		*known = names{}
	}
	if len(*known) < maxNames {
		(*known)[strings.Clone(name)] = strings.Clone(form)
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
