package main

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// Modes that put and get objects.

// objectSize is how many bytes an object of modes s3put and s3get has.
const objectSize = 1 << 10

// s3 is a request of S3's REST protocol, of no longer than a quarter of an hour ago.
func s3(method, path string, body []byte, headers ...string) request {
	return finish(s3Head(method, path, headers...), body)
}

func s3Head(method, path string, headers ...string) string {
	now := time.Now().UTC()
	var more strings.Builder
	for i := 0; i < len(headers); i += 2 {
		more.WriteString(headers[i] + ": " + headers[i+1] + "\r\n")
	}
	return method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more.String() +
		"X-Amz-Content-Sha256: UNSIGNED-PAYLOAD\r\nX-Amz-Date: " + now.Format("20060102T150405Z") + "\r\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=000000000000/" + now.Format("20060102") + "/us-east-1/s3/aws4_request, " +
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" + strings.Repeat("0", 64) + "\r\n"
}

// newBucket makes a bucket, and returns its path.
func (b *bench) newBucket() (path string, err error) {
	path = fmt.Sprintf("/bench-%d", time.Now().UnixNano())
	return path, b.do(s3("PUT", path, nil))
}

// do does one request on a connection of its own.
func (b *bench) do(req request) error {
	return b.onConn(func(c *conn) (int, error) {
		_, err := c.do(req)
		return 1, err
	})
}

// putObjects returns a step that puts objects of so many bytes under new keys.
func (b *bench) putObjects(bucket string, size int) step {
	var next atomic.Int64
	body := []byte(strings.Repeat("x", size))
	return func(c *conn) (int, error) {
		_, err := c.do(s3("PUT", objectPath(bucket, int(next.Add(1))), body))
		return 1, err
	}
}

// objectPath is the path of an object by its number: keys are as long as one another.
func objectPath(bucket string, n int) string {
	return fmt.Sprintf("%s/some/folder/object-%010d", bucket, n)
}

func (b *bench) runPut() (sample, error) {
	bucket, err := b.newBucket()
	if err != nil {
		return sample{}, err
	}
	return load(b.address, b.conns, b.duration, b.putObjects(bucket, objectSize))
}

// objects are how many mode s3get has.
const objects = 10_000

// fillBucket makes a bucket with so many objects.
func (b *bench) fillBucket(n, size int) (bucket string, err error) {
	if bucket, err = b.newBucket(); err != nil {
		return "", err
	}
	var left atomic.Int64
	left.Store(int64(n))
	put := b.putObjects(bucket, size)
	_, err = load(b.address, b.conns, time.Hour, func(c *conn) (int, error) {
		if left.Add(-1) < 0 {
			return 0, errDone
		}
		return put(c)
	})
	return bucket, err
}

// getObjects returns a step that gets one object after another, of those that fillBucket put.
func getObjects(bucket string) step {
	var next atomic.Int64
	return func(c *conn) (int, error) {
		body, err := c.do(s3("GET", objectPath(bucket, int(next.Add(1))%objects+1), nil))
		if err == nil && len(body) != objectSize {
			err = fmt.Errorf("an object has %d bytes", len(body))
		}
		return 1, err
	}
}

func (b *bench) runGet() (sample, error) {
	bucket, err := b.fillBucket(objects, objectSize)
	if err != nil {
		return sample{}, err
	}
	return load(b.address, b.conns, b.duration, getObjects(bucket))
}

// runGetBack gets objects after a restart, each for the first time.
func (b *bench) runGetBack() (sample, error) {
	return b.alone(func(own *bench, dir string) (sample, error) {
		bucket, err := own.fillBucket(objects, objectSize)
		if err != nil {
			return sample{}, err
		}
		own.server.stop()
		if err := own.restart(dir); err != nil {
			return sample{}, err
		}
		get := getObjects(bucket)
		var left atomic.Int64
		left.Store(objects)
		return load(own.address, own.conns, time.Hour, func(c *conn) (int, error) {
			if left.Add(-1) < 0 {
				return 0, errDone
			}
			return get(c)
		})
	})
}

// runPutWake puts one object at a time, and waits for the report of the function that is
// told of it.
func (b *bench) runPutWake() (sample, error) {
	return b.withReports(func(name string, reported <-chan time.Time) (s sample, err error) {
		bucket, err := b.newBucket()
		if err != nil {
			return s, err
		}
		permission := encode(map[string]string{"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"})
		configuration := `<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><CloudFunctionConfiguration>` +
			`<CloudFunction>arn:aws:lambda:us-east-1:000000000000:function:` + name + `</CloudFunction><Event>s3:ObjectCreated:*</Event>` +
			`</CloudFunctionConfiguration></NotificationConfiguration>`
		if err := errors.Join(
			b.do(rest("POST", "/functions/"+name+"/policy", permission)),
			b.do(s3("PUT", bucket+"?notification", []byte(configuration))),
		); err != nil {
			return s, err
		}
		return b.untilReported(b.putObjects(bucket, objectSize), reported)
	})
}
