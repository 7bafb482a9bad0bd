package awschunked_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
	"testing/iotest"

	"millrace/services/internal/awschunked"
	"millrace/services/internal/wire"
)

func read(t testing.TB, form, body string, o awschunked.Options) (string, map[string]string, error) {
	t.Helper()
	return readAll(t, form, strings.NewReader(body), o)
}

func readAll(t testing.TB, form string, body io.Reader, o awschunked.Options) (string, map[string]string, error) {
	t.Helper()
	f, ok := awschunked.ParseForm(form)
	if !ok {
		t.Fatalf("%q is no form", form)
	}
	r := awschunked.NewReader(body, f, o)
	got, err := io.ReadAll(r)
	if err == nil {
		if n, again := r.Read(make([]byte, 1)); n != 0 || again != io.EOF {
			t.Errorf("behind its end it reads %d bytes, %v", n, again)
		}
	} else if _, again := r.Read(make([]byte, 1)); again != err {
		t.Errorf("after %v it says %v", err, again)
	}
	return string(got), r.Trailers(), err
}

// codeOf is the code of S3's error, and the details of it.
func codeOf(err error) string {
	var e *wire.Error
	if !errors.As(err, &e) {
		return fmt.Sprint(err)
	}
	if e.Message == "You did not provide the number of bytes specified by the Content-Length HTTP header" {
		return "length"
	}
	return e.Code
}

// Amazon S3 API Reference, "Transferring a payload in multiple chunks" and "… with
// trailing headers": the signatures of 65 KiB of the letter a.
func TestExamplesOfAWS(t *testing.T) {
	data := strings.Repeat("a", 65<<10)
	chunk := func(from, to int, signature string) string {
		return fmt.Sprintf("%x;chunk-signature=%s\r\n%s\r\n", to-from, signature, data[from:to])
	}
	plain := chunk(0, 64<<10, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648") +
		chunk(64<<10, 65<<10, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497") +
		chunk(0, 0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9")
	got, trailers, err := read(t, signed, plain, awschunked.Options{Length: 65 << 10,
		Seed: seedOf("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")})
	if err != nil || got != data || len(trailers) != 0 {
		t.Errorf("%d bytes, %v, %v", len(got), trailers, err)
	}

	// The page has a blank line before the trailer's signature, as minio-go sends it.
	withTrailer := chunk(0, 64<<10, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2") +
		chunk(64<<10, 65<<10, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7") +
		"0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n" +
		"x-amz-checksum-crc32c:sOO8/Q==\n\r\n" +
		"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
	got, trailers, err = read(t, signedTrailer, withTrailer, awschunked.Options{Length: 65 << 10, Trailers: []string{"x-amz-checksum-crc32c"},
		Seed: seedOf("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e")})
	if err != nil || got != data || trailers["x-amz-checksum-crc32c"] != "sOO8/Q==" {
		t.Errorf("with a trailer: %d bytes, %v, %v", len(got), trailers, err)
	}
}

func TestReadsWhatClientsWrite(t *testing.T) {
	long := strings.Repeat("0123456789", 1000)
	checksums := []trailer{{"x-amz-checksum-crc32", "NhCmhg=="}, {"x-amz-meta", "a: b"}}
	names := []string{"x-amz-checksum-crc32", "x-amz-meta"}
	for _, chunks := range [][]string{nil, {"hello"}, {long}, {long, "hello"}, {long, long, long}, {"\r\n0\r\n\r\n"}} {
		for form, withTrailers := range map[string]bool{unsignedTrailer: true, signed: false, signedTrailer: true} {
			var seed *awschunked.Seed
			if form != unsignedTrailer {
				seed = seedOf(sum("request"))
			}
			body := encode(chunks, checksums, withTrailers, seed)
			want := strings.Join(chunks, "")
			o := awschunked.Options{Length: int64(len(want)), Seed: seed}
			if withTrailers {
				o.Trailers = names
			}
			for kind, source := range map[string]func(string) io.Reader{
				"at once":       func(s string) io.Reader { return strings.NewReader(s) },
				"byte by byte":  func(s string) io.Reader { return iotest.OneByteReader(strings.NewReader(s)) },
				"with its EOF":  func(s string) io.Reader { return iotest.DataErrReader(strings.NewReader(s)) },
				"without seeds": func(s string) io.Reader { o.Seed = nil; return strings.NewReader(s) },
			} {
				got, trailers, err := readAll(t, form, source(body), o)
				if err != nil || got != want {
					t.Errorf("%s, %s, %d chunks: %d bytes, %v", form, kind, len(chunks), len(got), err)
				}
				if withTrailers && !maps.Equal(trailers, map[string]string{names[0]: "NhCmhg==", names[1]: "a: b"}) {
					t.Errorf("%s: trailers %q", form, trailers)
				}
			}
		}
	}
}

func TestFormsOfTrailers(t *testing.T) {
	for why, body := range map[string]string{
		"bare line ends, as of minio-go": "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\n\r\n\r\n",
		"upper case":                     "5\r\nhello\r\n0\r\nX-Amz-Checksum-CRC32:NhCmhg==\r\n\r\n",
		"spaces around the value":        "5\r\nhello\r\n0\r\nx-amz-checksum-crc32: NhCmhg== \r\n\r\n",
		"an upper-case size":             "00005\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
	} {
		got, trailers, err := read(t, unsignedTrailer, body, awschunked.Options{Length: 5, Trailers: []string{"x-amz-checksum-crc32"}})
		if err != nil || got != "hello" || trailers["x-amz-checksum-crc32"] != "NhCmhg==" {
			t.Errorf("%s: %q, %v, %v", why, got, trailers, err)
		}
	}
	if got := awschunked.TrailerNames([]string{"X-Amz-Checksum-CRC32, a", "", "b,,"}); strings.Join(got, " ") != "x-amz-checksum-crc32 a b" {
		t.Errorf("names of trailers: %q", got)
	}
}

// The bytes of a chunk are handed on before it ends, and not those beyond the length.
func TestNothingIsGathered(t *testing.T) {
	f, _ := awschunked.ParseForm(unsignedTrailer)
	source, w := io.Pipe()
	r := awschunked.NewReader(source, f, awschunked.Options{Length: 1 << 40})
	go func() {
		io.WriteString(w, "10000000000\r\nfirst")
		w.CloseWithError(errors.New("the client canceled"))
	}()
	got := make([]byte, 100)
	if n, err := r.Read(got); string(got[:n]) != "first" || err != nil {
		t.Errorf("read %q, %v", got[:n], err)
	}
	if _, err := r.Read(got); err == nil || err.Error() != "the client canceled" {
		t.Errorf("an error of the connection is %v", err)
	}
	if r.Trailers() != nil {
		t.Error("trailers before the end")
	}
}
