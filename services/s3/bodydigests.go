package s3

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"millrace/runtime/object/checksum"
	"millrace/services/internal/awschunked"
	"millrace/services/internal/sigv4"
)

// maxPut is how long the body of one request may be, in bytes.
const maxPut = 5 << 30

// bodyDigests are what the head of a request says of its body.
type bodyDigests struct {
	length int64 // of the content, without the coding of the body

	chunked  bool // the body is in the coding aws-chunked
	form     awschunked.Form
	trailers []string // their names

	md5    []byte // Content-MD5; nil for none
	sha256 string // x-amz-content-sha256 as it was given; "" for none

	algorithm checksum.Algorithm // of the checksum that comes with it; None for none
	checksum  checksum.Value     // in a header; the zero Value when it is in a trailer
}

// readDigests reads and checks the head of a request with a content in its body. m are the
// checksums in its headers.
func readDigests(r *http.Request, contentMD5, sdkAlgorithm *string, m checksumMembers) (d bodyDigests, err error) {
	if err := d.readLength(r); err != nil {
		return d, err
	}
	if contentMD5 != nil {
		if d.md5, err = base64.StdEncoding.DecodeString(*contentMD5); err != nil || len(d.md5) != md5.Size {
			return d, invalidMD5(*contentMD5)
		}
	}
	if d.checksum, err = m.one(); err != nil {
		return d, err
	}
	if err := d.readAlgorithm(); err != nil {
		return d, err
	}
	if r != nil && hasUnknownChecksum(r.Header) {
		return d, invalidRequest("The algorithm type you specified in x-amz-checksum- header is invalid.")
	}
	return d, d.checkAnnounced(r, sdkAlgorithm)
}

// readAlgorithm finds out which checksum comes with the body: one, in a header or in a
// trailer. The texts, and which goes before which, were seen at AWS (OpenStack Swift,
// test/s3api/test_input_errors.py).
func (d *bodyDigests) readAlgorithm() error {
	var trailing []checksum.Algorithm
	for _, name := range d.trailers {
		if a, ok := checksum.OfHeader(name); ok {
			trailing = append(trailing, a)
		}
	}
	d.algorithm = d.checksum.Algorithm
	switch {
	case len(trailing) > 1:
		return multipleChecksums()
	case len(trailing) == 1 && d.algorithm != checksum.None:
		return invalidRequest("Expecting a single x-amz-checksum- header")
	case len(trailing) == 1 && !d.chunked:
		return awschunked.BadTrailer()
	case len(trailing) == 1:
		d.algorithm = trailing[0]
	}
	return nil
}

// checkAnnounced holds x-amz-sdk-checksum-algorithm against the checksum that comes. Who made
// a presigned URL with it did not know the body: there it needs no checksum.
func (d *bodyDigests) checkAnnounced(r *http.Request, name *string) error {
	if name == nil {
		return nil
	}
	switch a, ok := checksum.ParseAlgorithm(*name); {
	case !ok, d.algorithm != checksum.None && a != d.algorithm:
		return invalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
	case d.algorithm == checksum.None && (r == nil || !r.URL.Query().Has("x-amz-sdk-checksum-algorithm")):
		return invalidRequest("x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	}
	return nil
}

// hasUnknownChecksum reports whether a header is for a checksum of no algorithm.
func hasUnknownChecksum(h http.Header) bool {
	const prefix = "X-Amz-Checksum-"
	for name := range h {
		rest, ok := strings.CutPrefix(name, prefix)
		if _, known := checksum.ParseAlgorithm(rest); ok && !known && rest != "Algorithm" && rest != "Mode" && rest != "Type" {
			return true
		}
	}
	return false
}

// readLength reads how long the content is, and how the body is coded.
func (d *bodyDigests) readLength(r *http.Request) error {
	if r == nil { // a call from inside
		return nil
	}
	hash := r.Header.Get("X-Amz-Content-Sha256")
	d.length = r.ContentLength
	d.trailers = awschunked.TrailerNames(r.Header.Values("X-Amz-Trailer"))
	if d.form, d.chunked = awschunked.ParseForm(hash); d.chunked {
		n, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
		if err != nil {
			n = -1
		}
		d.length = n
	} else if len(hash) == 2*sha256.Size {
		if _, err := hex.DecodeString(hash); err == nil {
			d.sha256 = hash
		}
	}
	switch {
	case d.sha256 == "" && !d.chunked && hash != "" && hash != "UNSIGNED-PAYLOAD":
		return invalidArgument("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "+
			"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
			"x-amz-content-sha256", hash)
	case d.length < 0:
		return refusal("MissingContentLength", http.StatusLengthRequired, "You must provide the Content-Length HTTP header.")
	case d.length > maxPut:
		return refusal("EntityTooLarge", http.StatusBadRequest, "Your proposed upload exceeds the maximum allowed size",
			"ProposedSize", strconv.FormatInt(d.length, 10), "MaxSizeAllowed", strconv.Itoa(maxPut))
	}
	return nil
}

// isChunked reports whether the body of a request is in the coding aws-chunked.
func isChunked(r *http.Request) bool {
	if r == nil { // a call from inside
		return false
	}
	_, chunked := awschunked.ParseForm(r.Header.Get("X-Amz-Content-Sha256"))
	return chunked
}

// algorithms are the checksums to compute of a body of which one is stored.
func (d *bodyDigests) algorithms(stored checksum.Algorithm) []checksum.Algorithm {
	all := []checksum.Algorithm{stored}
	if d.algorithm != checksum.None && d.algorithm != stored {
		all = append(all, d.algorithm)
	}
	if d.sha256 != "" && stored != checksum.SHA256 && d.algorithm != checksum.SHA256 {
		all = append(all, checksum.SHA256)
	}
	return all
}

// verify refuses a body that is not what the head said. The hash that is signed goes before
// the other digests. trailers are those that came with the body.
func (d *bodyDigests) verify(etag checksum.ETag, sums []checksum.Value, trailers map[string]string) error {
	for _, sum := range sums {
		if sum.Algorithm == checksum.SHA256 && d.sha256 != "" && hex.EncodeToString(sum.Sum()) != strings.ToLower(d.sha256) {
			return sigv4.PayloadMismatch(d.sha256, hex.EncodeToString(sum.Sum()))
		}
	}
	if d.md5 != nil && string(d.md5) != string(etag.MD5[:]) {
		return wrongMD5(d.md5, etag.MD5[:])
	}
	want := d.checksum
	if want.IsZero() && d.algorithm != checksum.None {
		var err error
		if want, err = (givenChecksum{d.algorithm, trailers[d.algorithm.Header()]}).read(); err != nil {
			return err
		}
	}
	for _, sum := range sums {
		if sum.Algorithm == want.Algorithm && sum != want {
			return badChecksum(sum.Algorithm.String())
		}
	}
	return nil
}
