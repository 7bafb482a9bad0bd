package awschunked_test

import (
	"errors"
	"strings"
	"testing"

	"millrace/services/internal/awschunked"
	"millrace/services/internal/wire"
)

func TestMalformedUnsignedBodies(t *testing.T) {
	const crc = "x-amz-checksum-crc32:NhCmhg==\r\n"
	for _, c := range []struct {
		why, body, want string
	}{
		{"nothing", "", "IncompleteBody"},
		{"not chunked", "hello", "IncompleteBody"},
		{"a size that is no number", "x\r\nhello\r\n0\r\n" + crc + "\r\n", "IncompleteBody"},
		{"an empty size", "\r\nhello\r\n0\r\n" + crc + "\r\n", "IncompleteBody"},
		{"a negative size", "-5\r\nhello\r\n0\r\n" + crc + "\r\n", "IncompleteBody"},
		{"a size with a sign", "+5\r\nhello\r\n0\r\n" + crc + "\r\n", "IncompleteBody"},
		{"a size with 0x", "0x5\r\nhello\r\n0\r\n" + crc + "\r\n", "IncompleteBody"},
		{"a size with a space", " 5\r\nhello\r\n0\r\n" + crc + "\r\n", "IncompleteBody"},
		{"a huge size", "ffffffffffffffffffff\r\nhello\r\n0\r\n" + crc + "\r\n", "IncompleteBody"},
		{"a size line without end", strings.Repeat("0", 1<<20), "IncompleteBody"},
		{"a size line that ends in a line feed", "5\nhello\r\n0\r\n" + crc + "\r\n", "IncompleteBody"},
		{"a signature where none belongs", "5;chunk-signature=" + sum("") + "\r\nhello\r\n0\r\n" + crc + "\r\n", "IncompleteBody"},
		{"no line end behind a chunk", "5\r\nhello0\r\n" + crc + "\r\n", "IncompleteBody"},
		{"a chunk that is longer than it says", "3\r\nhello\r\n0\r\n" + crc + "\r\n", "IncompleteBody"},
		{"the end within a chunk", "5\r\nhel", "IncompleteBody"},
		{"the end behind a chunk", "5\r\nhello\r\n", "IncompleteBody"},
		{"the end before the trailers", "5\r\nhello\r\n0\r\n", "IncompleteBody"},
		{"the end in a trailer", "5\r\nhello\r\n0\r\nx-amz-check", "IncompleteBody"},
		{"no empty line", "5\r\nhello\r\n0\r\n" + crc, "IncompleteBody"},
		{"half an empty line", "5\r\nhello\r\n0\r\n" + crc + "\r", "IncompleteBody"},
		{"more behind the end", "5\r\nhello\r\n0\r\n" + crc + "\r\n!", "IncompleteBody"},
		{"a carriage return in a trailer", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:Nh\rCmhg==\r\n\r\n", "IncompleteBody"},
		{"too few bytes", "4\r\nhell\r\n0\r\n" + crc + "\r\n", "length"},
		{"no bytes", "0\r\n" + crc + "\r\n", "length"},
		{"too many bytes", "6\r\nhello!\r\n0\r\n" + crc + "\r\n", "length"},
		{"no trailer", "5\r\nhello\r\n0\r\n\r\n", "MalformedTrailerError"},
		{"another trailer", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32c:NhCmhg==\r\n\r\n", "MalformedTrailerError"},
		{"the trailer twice", "5\r\nhello\r\n0\r\n" + crc + crc + "\r\n", "MalformedTrailerError"},
		{"a second trailer", "5\r\nhello\r\n0\r\n" + crc + "a:b\r\n\r\n", "MalformedTrailerError"},
		{"a trailer without a name", "5\r\nhello\r\n0\r\n:NhCmhg==\r\n\r\n", "MalformedTrailerError"},
		{"a trailer without a colon", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32\r\n\r\n", "MalformedTrailerError"},
		{"a trailer's signature", "5\r\nhello\r\n0\r\n" + crc + "x-amz-trailer-signature:" + sum("") + "\r\n\r\n", "MalformedTrailerError"},
	} {
		got, trailers, err := read(t, unsignedTrailer, c.body, awschunked.Options{Length: 5, Trailers: []string{"x-amz-checksum-crc32"}})
		if codeOf(err) != c.want || trailers != nil || len(got) > 5 {
			t.Errorf("%s: %q, %v, %v; want %s", c.why, got, trailers, err, c.want)
		}
	}
	if _, _, err := read(t, unsignedTrailer, "0\r\n"+crc+"\r\n", awschunked.Options{}); codeOf(err) != "MalformedTrailerError" {
		t.Errorf("a trailer that was not announced: %v", err)
	}
}

func TestMalformedSignedBodies(t *testing.T) {
	checksum := []trailer{{"x-amz-checksum-crc32", "NhCmhg=="}}
	for _, form := range []string{signed, signedTrailer} {
		seed := seedOf(sum("request"))
		o := awschunked.Options{Length: 5}
		if form == signedTrailer {
			o.Trailers = []string{"x-amz-checksum-crc32"}
		}
		body := encode([]string{"hello"}, checksum, form == signedTrailer, seed)
		for _, c := range []struct {
			why, old, new, want string
		}{
			{"no signature", ";chunk-signature=", "", "IncompleteBody"},
			{"another separator", ";chunk", ":chunk", "IncompleteBody"},
			{"a space before the extension", ";chunk", " ;chunk", "IncompleteBody"},
			{"a short signature", "hunk-signature=", "hunk-signature=ab", "IncompleteBody"},
			{"no digits", "hunk-signature=", "hunk-signature=zz", "IncompleteBody"},
			{"no line end behind the last chunk", "\r\n\r\n", "\r\n", "IncompleteBody"},
			{"more behind the end", "\r\n\r\n", "\r\n\r\n ", "IncompleteBody"},
			{"another line at the end", "\r\n\r\n", "\r\nx\r\n", "IncompleteBody"},
			{"other bytes", "hello", "hullo", "SignatureDoesNotMatch"},
			{"another trailer", "crc32:", "crc32c:", "MalformedTrailerError"},
			{"another checksum", "NhCmhg", "NhCmhh", "SignatureDoesNotMatch"},
			{"no signature of the trailers", "x-amz-trailer-signature", "x-amz-trailer-signatur", "IncompleteBody"},
			{"a long signature of the trailers", "trailer-signature:", "trailer-signature:00", "IncompleteBody"},
			{"two signatures of the trailers", "x-amz-trailer-signature:", "x-amz-trailer-signature:" + sum("") + "\r\nx-amz-trailer-signature:", "SignatureDoesNotMatch"},
		} {
			bad := strings.Replace(body, c.old, c.new, 1)
			if bad == body {
				if form == signedTrailer {
					t.Errorf("%s changes nothing", c.why)
				}
				continue
			}
			o.Seed = seed
			if got, _, err := read(t, form, bad, o); codeOf(err) != c.want {
				t.Errorf("%s, %s: %q, %v; want %s", form, c.why, got, err, c.want)
			}
			if o.Seed = nil; c.want == "SignatureDoesNotMatch" {
				continue
			}
			if got, _, err := read(t, form, bad, o); codeOf(err) != c.want {
				t.Errorf("%s, %s, not verified: %q, %v; want %s", form, c.why, got, err, c.want)
			}
		}
		for end := range len(body) - 1 {
			if got, _, err := read(t, form, body[:end], o); codeOf(err) != "IncompleteBody" {
				t.Fatalf("%s cut to %d bytes: %q, %v", form, end, got, err)
			}
		}
	}
	if _, _, err := read(t, signedTrailer, encode([]string{"hello"}, checksum, true, seedOf("")), awschunked.Options{Length: 5}); codeOf(err) != "MalformedTrailerError" {
		t.Errorf("a trailer that was not announced: %v", err)
	}
}

// versity/versitygw#1683 has S3's answer to chunks of 3 and 2 bytes.
func TestShortChunks(t *testing.T) {
	size := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct {
		sizes  []int
		number int // of the chunk that is told of; 0 for none
		bad    int64
	}{
		{[]int{3, 2}, 2, 3},
		{[]int{8192, 8192, 100}, 0, 0},
		{[]int{100}, 0, 0},
		{[]int{8191, 8192}, 2, 8191},
		{[]int{8192, 10, 8192, 20}, 3, 10},
	} {
		var chunks []string
		var length int64
		for _, n := range c.sizes {
			chunks, length = append(chunks, size(n)), length+int64(n)
		}
		for form, seed := range map[string]*awschunked.Seed{unsignedTrailer: nil, signed: seedOf("")} {
			_, _, err := read(t, form, encode(chunks, nil, false, seed), awschunked.Options{Length: length, Seed: seed})
			var e *wire.Error
			switch errors.As(err, &e); {
			case c.number == 0 && err == nil:
			case c.number == 0 || e == nil || e.Code != "InvalidChunkSizeError" || e.Fields["Chunk"] != c.number || e.Fields["BadChunkSize"] != c.bad:
				t.Errorf("%v in %s: %v", c.sizes, form, err)
			}
		}
	}
}

func TestMismatchIsTold(t *testing.T) {
	seed := seedOf(sum("request"))
	body := encode([]string{"hello"}, nil, false, seed)
	seed.Signature = sum("another request")
	want := &wire.Error{Code: "told"}
	var text, provided string
	seed.Mismatch = func(stringToSign, signature string) *wire.Error {
		text, provided = stringToSign, signature
		return want
	}
	_, _, err := read(t, signed, body, awschunked.Options{Length: 5, Seed: seed})
	wantText := strings.Join([]string{"AWS4-HMAC-SHA256-PAYLOAD", "20130524T000000Z", "20130524/us-east-1/s3/aws4_request", seed.Signature, sum(""), sum("hello")}, "\n")
	if !errors.Is(err, want) || text != wantText || !strings.Contains(body, provided) || len(provided) != 64 {
		t.Errorf("%v with %q and %q", err, text, provided)
	}
}

// SigV4A: the signatures are in DER, filled with asterisks. None is verified.
func TestAsymmetricSignatures(t *testing.T) {
	good := "3045022100" + sum("r") + "0220" + sum("s") + "**"
	for signature, want := range map[string]string{good: "<nil>", "": "IncompleteBody", "**": "IncompleteBody", good + "**": "IncompleteBody", "xyz": "IncompleteBody"} {
		body := "5;chunk-signature=" + signature + "\r\nhello\r\n0;chunk-signature=" + signature + "\r\n\r\n"
		if _, _, err := read(t, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", body, awschunked.Options{Length: 5, Seed: seedOf("")}); codeOf(err) != want {
			t.Errorf("signature %q: %v, want %s", signature, err, want)
		}
	}
}

func TestWhatIsNotChunked(t *testing.T) {
	for _, value := range []string{"", "UNSIGNED-PAYLOAD", sum(""), "streaming-unsigned-payload-trailer", "STREAMING-AWS4-HMAC-SHA256-EVENTS"} {
		if f, ok := awschunked.ParseForm(value); ok {
			t.Errorf("%q is %+v", value, f)
		}
	}
}

// No signature may be another: neither a chunk's, the last one's, nor the trailers'.
func TestEverySignatureCounts(t *testing.T) {
	for form, trailers := range map[string][]string{signed: nil, signedTrailer: {"x-amz-checksum-crc32"}} {
		seed := seedOf(sum("request"))
		chunks := []string{strings.Repeat("x", 8192), "hello"}
		body := encode(chunks, []trailer{{"x-amz-checksum-crc32", "NhCmhg=="}}, form == signedTrailer, seed)
		o := awschunked.Options{Length: 8197, Trailers: trailers, Seed: seed}
		count := 0
		for at := range body {
			if rest := body[at:]; strings.HasPrefix(rest, "chunk-signature=") || strings.HasPrefix(rest, "trailer-signature:") {
				i := at + strings.IndexAny(rest, "=:") + 1
				digit := map[bool]string{true: "1", false: "0"}[body[i] == '0']
				got, _, err := read(t, form, body[:i]+digit+body[i+1:], o)
				if codeOf(err) != "SignatureDoesNotMatch" {
					t.Errorf("%s: another signature at %d: %d bytes, %v", form, at, len(got), err)
				}
				count++
			}
		}
		if want := 3 + len(trailers); count != want {
			t.Errorf("%s has %d signatures, want %d", form, count, want)
		}
	}
}
