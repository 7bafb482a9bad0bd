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
	"millrace/services/internal/wire"
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
	sha256 string // x-amz-content-sha256 in lower case; "" for none

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
	d.algorithm = d.checksum.Algorithm
	for _, name := range d.trailers {
		a, ok := checksum.OfHeader(name)
		switch {
		case !ok:
		case d.algorithm != checksum.None:
			return d, invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		default:
			d.algorithm = a
		}
	}
	announced, err := parseAlgorithm(sdkAlgorithm)
	if err == nil && announced != checksum.None && d.algorithm != checksum.None && announced != d.algorithm {
		err = invalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	return d, err
}

// readLength reads how long the content is, and how the body is coded.
func (d *bodyDigests) readLength(r *http.Request) error {
	if r == nil { // a call from inside
		return nil
	}
	hash := r.Header.Get("X-Amz-Content-Sha256")
	d.length = r.ContentLength
	if d.form, d.chunked = awschunked.ParseForm(hash); d.chunked {
		d.trailers = awschunked.TrailerNames(r.Header.Values("X-Amz-Trailer"))
		n, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
		if err != nil {
			n = -1
		}
		d.length = n
	} else if len(hash) == 2*sha256.Size {
		if _, err := hex.DecodeString(hash); err == nil {
			d.sha256 = strings.ToLower(hash)
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

// verify refuses a body that is not what the head said. trailers are those that came with
// it; part is the number of a part, 0 for an object.
func (d *bodyDigests) verify(etag checksum.ETag, sums []checksum.Value, trailers map[string]string, part int) error {
	if d.md5 != nil && string(d.md5) != string(etag.MD5[:]) {
		return wrongMD5(base64.StdEncoding.EncodeToString(d.md5), base64.StdEncoding.EncodeToString(etag.MD5[:]))
	}
	want := d.checksum
	if want.IsZero() && d.algorithm != checksum.None {
		var err error
		if want, err = (givenChecksum{d.algorithm, trailers[d.algorithm.Header()]}).read(); err != nil {
			return err
		}
	}
	for _, sum := range sums {
		switch {
		case sum.Algorithm == want.Algorithm && sum != want:
			return wrongChecksum(sum.Algorithm, part)
		case sum.Algorithm == checksum.SHA256 && d.sha256 != "" && hex.EncodeToString(sum.Sum()) != d.sha256:
			return sigv4.PayloadMismatch(d.sha256, hex.EncodeToString(sum.Sum()))
		}
	}
	return nil
}

func wrongChecksum(a checksum.Algorithm, part int) *wire.Error {
	if part == 0 {
		return badChecksum(a.String())
	}
	return refusal("BadDigest", http.StatusBadRequest,
		"The "+strings.ToLower(a.String())+" you specified for part "+strconv.Itoa(part)+" did not match what we received.")
}
