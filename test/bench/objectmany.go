package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Modes that have many objects, or many uploads.

// runList lists a page out of the middle of a million keys, and measures how they come back
// after a kill and after a stop.
func (b *bench) runList() (sample, error) {
	return b.alone(func(own *bench, dir string) (s sample, err error) {
		bucket, err := own.fillBucket(million, 10)
		if err != nil {
			return s, err
		}
		if s, err = load(own.address, 1, own.duration, listMiddle(bucket)); err != nil {
			return s, err
		}
		if s.memory, err = own.server.memory(); err != nil {
			return s, err
		}
		again := func(end func()) (time.Duration, error) {
			end()
			began := time.Now()
			err := own.restart(dir)
			if err == nil {
				err = own.onConn(listMiddle(bucket))
			}
			return time.Since(began), err
		}
		if s.first, err = again(func() { own.server.kill() }); err != nil {
			return s, err
		}
		s.ready, err = again(func() { own.server.stop() })
		if memory, e := own.server.memory(); e == nil {
			s.memory = max(s.memory, memory)
		}
		return s, err
	})
}

// listMiddle returns a step that lists a thousand keys out of a million.
func listMiddle(bucket string) step {
	middle := strings.TrimPrefix(objectPath("", million/2), "/")
	return func(c *conn) (int, error) {
		page, err := c.do(s3("GET", bucket+"?list-type=2&start-after="+middle, nil))
		if n := bytes.Count(page, []byte("<Key>")); err == nil && n != 1000 {
			err = fmt.Errorf("a page has %d keys", n)
		}
		return 1, err
	}
}

const (
	uploads  = 100
	partSize = 5 << 20
)

// runMulti makes a hundred multipart uploads of two parts at once.
func (b *bench) runMulti() (sample, error) {
	return b.alone(func(own *bench, _ string) (s sample, err error) {
		bucket, err := own.newBucket()
		if err != nil {
			return s, err
		}
		ended, most := make(chan struct{}), make(chan int)
		go func() {
			peak := 0
			for {
				select {
				case <-ended:
					most <- peak
					return
				case <-time.After(20 * time.Millisecond):
					if now, err := own.server.memory(); err == nil {
						peak = max(peak, now)
					}
				}
			}
		}()
		body := make([]byte, partSize)
		var all sync.WaitGroup
		errs := make(chan error, uploads)
		began := time.Now()
		for i := range uploads {
			all.Go(func() {
				errs <- own.onConn(func(c *conn) (int, error) { return 1, uploadParts(c, fmt.Sprint(bucket, "/", i), body) })
			})
		}
		all.Wait()
		s.elapsed, s.msgs = time.Since(began), uploads*2*partSize>>20
		s.latencies = []time.Duration{s.elapsed}
		close(ended)
		s.memory = <-most
		for range uploads {
			if e := <-errs; e != nil {
				err = e
			}
		}
		return s, err
	})
}

// uploadParts makes an object of two parts.
func uploadParts(c *conn, path string, body []byte) error {
	answer, err := c.do(s3("POST", path+"?uploads", nil))
	var made struct{ UploadId string }
	if err == nil {
		err = xml.Unmarshal(answer, &made)
	}
	complete := "<CompleteMultipartUpload>"
	for n := 1; n <= 2 && err == nil; n++ {
		_, err = c.do(s3("PUT", fmt.Sprintf("%s?partNumber=%d&uploadId=%s", path, n, made.UploadId), body))
		complete += fmt.Sprintf(`<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>`, n, zerosETag)
	}
	if err != nil {
		return err
	}
	_, err = c.do(s3("POST", path+"?uploadId="+made.UploadId, []byte(complete+"</CompleteMultipartUpload>")))
	return err
}

// zerosETag is the MD5 of partSize zeros.
const zerosETag = "5f363e0e58a95f06cbe9bbc662c5dfb6"
