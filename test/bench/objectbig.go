package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Modes that move one large object, and the server that they are compared with.

// serveBare is what large objects cost without S3: a net/http server that computes the MD5 of
// what comes in, seals it with AES-256-GCM in frames of 64 KiB, and keeps it in a file.
func serveBare(ctx context.Context, address, dir string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		return err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "object")
	fmt.Println("bare is ready")
	err = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		if r.Method == http.MethodPut {
			err = bareUp(w, r, aead, file)
		} else {
			err = bareDown(w, aead, file)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "bare:", err)
			panic(http.ErrAbortHandler)
		}
	}))
	if ctx.Err() != nil {
		return nil
	}
	return err
}

const bareFrame = 64 << 10

func bareUp(w http.ResponseWriter, r *http.Request, aead cipher.AEAD, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	sum, plain, sealed, nonce := md5.New(), make([]byte, bareFrame), make([]byte, 0, bareFrame+64), make([]byte, 12)
	for n := uint64(0); ; n++ {
		got, err := io.ReadFull(r.Body, plain)
		if got > 0 {
			sum.Write(plain[:got])
			binary.BigEndian.PutUint64(nonce, n)
			if _, err := f.Write(aead.Seal(sealed, nonce, plain[:got], nil)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			w.Header().Set("ETag", hex.EncodeToString(sum.Sum(nil)))
			return f.Close()
		}
		if err != nil {
			return err
		}
	}
}

func bareDown(w http.ResponseWriter, aead cipher.AEAD, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	frame := int64(bareFrame + aead.Overhead())
	frames := (info.Size() + frame - 1) / frame
	w.Header().Set("Content-Length", fmt.Sprint(info.Size()-frames*int64(aead.Overhead())))
	sealed, nonce := make([]byte, frame), make([]byte, 12)
	for n := uint64(0); ; n++ {
		got, err := io.ReadFull(f, sealed)
		if got == 0 && errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		binary.BigEndian.PutUint64(nonce, n)
		plain, err := aead.Open(sealed[:0], nonce, sealed[:got], nil)
		if err != nil {
			return err
		}
		if _, err := w.Write(plain); err != nil {
			return err
		}
	}
}

// bigTimes are what one large object took, of one run: of the runtime and of the bare server,
// by turns.
type bigTimes struct{ up, down, bareUp, bareDown sample }

// bigOf is a part of what moving a large object takes, which is measured once a run.
func bigOf(pick func(*bigTimes) sample) func(*bench) (sample, error) {
	return func(b *bench) (sample, error) {
		if b.big == nil {
			var err error
			if b.big, err = b.moveBig(); err != nil {
				b.big = nil
				return sample{}, err
			}
		}
		return pick(b.big), nil
	}
}

func (b *bench) moveBig() (*bigTimes, error) {
	t := &bigTimes{}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	bare, err := launch(address, "bare is ready", self, "-bare", address, "-bare-dir", dir)
	if err != nil {
		return nil, err
	}
	defer bare.stop()
	_, err = b.alone(func(own *bench, _ string) (s sample, err error) {
		bucket, err := own.newBucket()
		if err != nil {
			return s, err
		}
		for _, m := range []struct {
			to     *sample
			method string
			at     *process
		}{{&t.bareUp, "PUT", bare}, {&t.up, "PUT", own.server}, {&t.bareDown, "GET", bare}, {&t.down, "GET", own.server}} {
			if *m.to, err = moveObject(m.at, m.method, bucket+"/big", b.bigSize); err != nil {
				return s, err
			}
		}
		return s, own.do(s3("DELETE", bucket+"/big", nil))
	})
	return t, err
}

// moveObject puts or gets an object of zeros; a message is a mebibyte. Memory is what the
// server has more at most meanwhile.
func moveObject(at *process, method, path string, size int64) (s sample, err error) {
	before, err := at.memory()
	if err != nil {
		return s, err
	}
	ended := make(chan struct{})
	most := make(chan int)
	go func() {
		peak := before
		for {
			select {
			case <-ended:
				most <- peak - before
				return
			case <-time.After(20 * time.Millisecond):
				if now, err := at.memory(); err == nil {
					peak = max(peak, now)
				}
			}
		}
	}()
	began := time.Now()
	err = move(at.address, method, path, size)
	s.elapsed, s.msgs = time.Since(began), int(size>>20)
	s.latencies = []time.Duration{s.elapsed}
	close(ended)
	s.memory = <-most
	return s, err
}

func move(address, method, path string, size int64) error {
	c, err := dial(address)
	if err != nil {
		return err
	}
	defer c.Close()
	chunk := make([]byte, 1<<20)
	if method == "PUT" {
		if _, err := io.WriteString(c, s3Head(method, path, "Content-Length", fmt.Sprint(size))+"\r\n"); err != nil {
			return err
		}
		for left := size; left > 0; left -= int64(len(chunk)) {
			chunk = chunk[:min(left, int64(len(chunk)))]
			if _, err := c.Write(chunk); err != nil {
				return err
			}
		}
		size = 0
	} else if _, err := io.WriteString(c, s3Head(method, path)+"\r\n"); err != nil {
		return err
	}
	status, length, err := c.head()
	if err == nil && (status != http.StatusOK || int64(length) != size) {
		err = fmt.Errorf("status %d with %d bytes, want %d", status, length, size)
	}
	for left := size; err == nil && left > 0; {
		var n int
		n, err = c.r.Read(chunk[:min(left, int64(len(chunk)))])
		left -= int64(n)
	}
	return err
}
