package http1

import (
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
)

// A nasty makes requests that are nearly right: a grammar of heads and bodies, in
// which each part may be one that servers disagree about.
type nasty struct {
	*rand.Rand
	odds int // of how many parts one is odd
}

func newNasty(seed uint64) nasty {
	r := rand.New(rand.NewPCG(seed, 0))
	return nasty{r, []int{6, 40, 150}[r.IntN(3)]}
}

func (n nasty) one(of ...string) string { return of[n.IntN(len(of))] }

// rarely is one of the odd ones, or else the usual.
func (n nasty) rarely(usual string, odd ...string) string {
	if n.IntN(n.odds) > 0 {
		return usual
	}
	return n.one(odd...)
}

func (n nasty) target() string {
	return n.rarely("/", "/a?b=c&d=%zz", "//a/../b", "/%2f%00", "*", "http://host/x?y", "host:80", "", "/a b", "/\x7f", "/é", "/a#b", "?q", "/"+strings.Repeat("a", n.IntN(5000)))
}

func (n nasty) header() string {
	name := n.rarely(n.one("X-Amz-Target", "Content-Type", "authorization", "x_y", "Accept"), "", " A", "A ", "A\t", "A B", "É", "A\x00", "Cookie", "Trailer", "Te", "Upgrade", "Pragma", "Via")
	value := n.rarely(n.one("a", "AmazonSQS.SendMessage", "application/x-amz-json-1.0", "h2c", "no-cache"), "", " a ", "\ta\t", "a\x00b", "a\x7f", "é", "a\rb", `"a, b"`, strings.Repeat("v", n.IntN(9000)))
	return name + n.rarely(": ", ":", " : ", ":  ", "") + value
}

// body is the headers that frame a body, and the body.
func (n nasty) body() (headers []string, text string) {
	text = strings.Repeat("b", n.IntN(3)*n.IntN(300))
	length := fmt.Sprint(len(text))
	switch n.IntN(2 * n.odds) {
	case 0: // none
		return nil, ""
	case 1, 2: // in chunks
		var b strings.Builder
		for rest := text; rest != ""; {
			k := 1 + n.IntN(len(rest))
			fmt.Fprintf(&b, "%s%x%s%s%s%s", n.rarely("", "0", "00"), k, n.rarely("", ";ext", "; a=b", " ", "\t"), n.rarely("\r\n", "\n"), rest[:k], n.rarely("\r\n", "\n", "x\r\n"))
			rest = rest[k:]
		}
		b.WriteString(n.rarely("0\r\n\r\n", "0\r\nA: b\r\n\r\n", "0\r\nContent-Length: 3\r\n\r\n", "0;x\r\n\r\n", "-1\r\n\r\n", "0\r\n", "00000000000000000\r\n\r\n"))
		headers = append(headers, "Transfer-Encoding: "+n.rarely("chunked", "Chunked", "gzip, chunked", "chunked, chunked", "identity", " chunked ", ""))
		if n.IntN(8) == 0 {
			headers = append(headers, "Content-Length: "+length)
		}
		return headers, b.String()
	case 3: // odd lengths
		odd := n.one("+"+length, "-1", "0x1", "", " "+length+" ", "0"+length, length+", "+length, "18446744073709551616", fmt.Sprint(len(text)+1), length+"\t")
		return []string{"Content-Length: " + odd}, text
	case 4: // twice
		return []string{"Content-Length: " + length, "content-length: " + n.rarely(length, "1")}, text
	}
	return []string{"Content-Length: " + length}, text
}

// request is one of a pipeline.
func (n nasty) request() string {
	end := n.rarely("\r\n", "\n", "\r\r\n")
	headers := []string{"Host: " + n.rarely("localhost:4566", "", "a b", "[::1]:80", "a/b", "é", "a,b")}
	switch n.IntN(2 * n.odds) {
	case 0:
		headers = nil
	case 1:
		headers = append(headers, "host: other")
	}
	for range n.IntN(5) {
		headers = append(headers, n.header())
	}
	if n.IntN(6) == 0 {
		headers = append(headers, "Connection: "+n.one("close", "keep-alive", "Close, x", "upgrade"))
	}
	if n.IntN(8) == 0 {
		headers = append(headers, "Expect: "+n.one("100-continue", "100-Continue", "other", ""))
	}
	framing, body := n.body()
	headers = append(headers, framing...)
	n.Shuffle(len(headers), func(i, j int) { headers[i], headers[j] = headers[j], headers[i] })
	line := n.rarely("POST", "GET", "PUT", "HEAD", "post", "P@", "", "OPTIONS", "CONNECT", "P\x00") + n.rarely(" ", "  ", "\t") + n.target() + " " +
		n.rarely("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/1.10", "HTTP/0.9", "http/1.1", "HTTP/1.1 ", "")
	return n.rarely("", "\r\n", "\n", "\r\n\r\n") + line + end + strings.Join(headers, end) + end + end + body
}

// pipeline is some requests, cut short now and then, and where it is split.
func (n nasty) pipeline() (pieces [][]byte) {
	var all strings.Builder
	for range 1 + n.IntN(4) {
		all.WriteString(n.request())
	}
	text := []byte(all.String())
	if n.IntN(8) == 0 {
		text = text[:n.IntN(len(text)+1)]
	}
	for range n.IntN(5) {
		k := n.IntN(len(text) + 1)
		pieces, text = append(pieces, text[:k]), text[k:]
	}
	return append(pieces, text)
}

// alike plays pieces to both servers, and wants the same answers.
func alike(t *testing.T, seed uint64) {
	pieces := newNasty(seed).pipeline()
	build := func() *http.Server {
		return &http.Server{Handler: http.HandlerFunc(describe), ErrorLog: log.New(io.Discard, "", 0)}
	}
	want := play(t, build().Serve, pieces...)
	if got := play(t, New(build()).Serve, pieces...); got != want {
		t.Errorf("seed %d, %q: got\n%s\nwant, as net/http has it,\n%s", seed, pieces, got, want)
	}
}

// Requests that are nearly right, one behind the other and in pieces, are answered
// as net/http answers them.
func TestNastyPipelines(t *testing.T) {
	for seed := range uint64(1000) {
		alike(t, seed)
	}
}

func FuzzNastyPipelines(f *testing.F) {
	f.Add(uint64(1 << 40))
	f.Fuzz(alike)
}
