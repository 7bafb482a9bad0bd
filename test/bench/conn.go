package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A request is the bytes of a whole HTTP request, made before the clock starts.
type request []byte

const signature = "X-Amz-Date: 20261121T000000Z\r\n" +
	"Authorization: AWS4-HMAC-SHA256 Credential=000000000000/20261121/us-east-1/%s/aws4_request, " +
	"SignedHeaders=host;x-amz-date, Signature=0000000000000000000000000000000000000000000000000000000000000000\r\n"

// rpc is a request of the SQS JSON protocol.
func rpc(op string, body []byte) request {
	head := "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n" +
		"X-Amz-Target: AmazonSQS." + op + "\r\n" + fmt.Sprintf(signature, "sqs")
	return finish(head, body)
}

// query is a request of the SNS query protocol, with parameters in pairs of name and value.
func query(action string, params ...string) request {
	form := url.Values{"Action": {action}, "Version": {"2010-03-31"}}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	head := "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\n" + fmt.Sprintf(signature, "sns")
	return finish(head, []byte(form.Encode()))
}

// rest is a request of the Lambda REST protocol.
func rest(method, path string, body []byte) request {
	head := method + " /2015-03-31" + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
		fmt.Sprintf(signature, "lambda")
	return finish(head, body)
}

func finish(head string, body []byte) request {
	return append([]byte(head+"Content-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"), body...)
}

// A conn is one keep-alive connection. It does little, so that the processor is
// left to the server.
type conn struct {
	net.Conn
	r    *bufio.Reader
	body []byte // of the latest answer
}

func dial(address string) (*conn, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, r: bufio.NewReaderSize(c, 64<<10)}, nil
}

// do sends a request and returns the body of its answer, valid until the next.
// An answer that is no success is an error.
func (c *conn) do(req request) ([]byte, error) {
	c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := c.Write(req); err != nil {
		return nil, err
	}
	status, length, err := c.head()
	if err != nil {
		return nil, err
	}
	if length < 0 {
		c.body, err = io.ReadAll(httputil.NewChunkedReader(c.r))
		if err == nil {
			_, err = c.r.Discard(len("\r\n")) // after the last chunk
		}
	} else {
		if cap(c.body) < length {
			c.body = make([]byte, length)
		}
		c.body = c.body[:length]
		_, err = io.ReadFull(c.r, c.body)
	}
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("status %d: %.200s", status, c.body)
	}
	return c.body, err
}

// head reads the head of an answer. A length below 0 means that the body comes
// in chunks.
func (c *conn) head() (status, length int, err error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, 0, fmt.Errorf("no HTTP answer: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, err
	}
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return status, length, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case strings.EqualFold(string(name), "Content-Length"):
			length, err = strconv.Atoi(string(value))
		case strings.EqualFold(string(name), "Transfer-Encoding"):
			length = -1
		}
		if err != nil {
			return 0, 0, err
		}
	}
}
