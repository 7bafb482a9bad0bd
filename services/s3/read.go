package s3

import (
	"context"
	"net/http"
	"strconv"

	"millrace/runtime/object"
	"millrace/runtime/object/checksum"
	"millrace/runtime/object/content"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// A reading is what GetObject and HeadObject have found: an object, which of its bytes are
// asked for, and the answer but for its body.
type reading struct {
	target
	byteRange
	object   object.Object
	customer *content.CustomerKey // nil for an object that needs none
	answer   *api.GetObjectOutput
}

// read does what GetObject and HeadObject have in common.
func (s *Service) read(ctx context.Context, in *api.GetObjectInput, method string) (r *reading, err error) {
	r = &reading{}
	if r.target, err = s.target(ctx, "GetObject", in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	overrides := overridesOf(in)
	if err := overrides.check(ctx); err != nil {
		return nil, err
	}
	if in.Range != nil && in.PartNumber != nil {
		return nil, invalidRequest("Cannot specify both Range header and partNumber query parameter")
	}
	if r.object, err = r.look(ctx, method); err != nil {
		return nil, err
	}
	o := &r.object
	key := customerKey{in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5}
	if r.customer, err = key.forReading(&o.Encryption); err != nil {
		return nil, err
	}
	condition := readCondition{in.IfMatch, in.IfNoneMatch, in.IfModifiedSince, in.IfUnmodifiedSince}
	if err := condition.check(o, s.now(), r.validators); err != nil {
		return nil, err
	}
	r.answer = r.describe()
	if err := r.choose(in); err != nil {
		return nil, err
	}
	overrides.apply(r.answer)
	return r, nil
}

// validators are the headers of an answer that has no more to say of the object.
func (r *reading) validators() http.Header {
	h := http.Header{"Etag": {*quoted(r.object.ETag)}, "Last-Modified": {r.object.Modified.UTC().Format(http.TimeFormat)}}
	if id := shownVersion(r.bucket, &r.object); id != nil {
		h.Set("X-Amz-Version-Id", *id)
	}
	return h
}

// choose finds out which bytes are asked for, and says so in the answer.
func (r *reading) choose(in *api.GetObjectInput) (err error) {
	o, size := &r.object, r.object.Size
	r.byteRange = byteRange{0, size}
	sum := o.Checksum
	part := false
	switch {
	case in.Range != nil:
		var chosen byteRange
		if chosen, part, err = parseRange(*in.Range, size); err != nil {
			return err
		}
		if part {
			r.byteRange, sum = chosen, checksum.Value{}
		}
	case in.PartNumber != nil:
		if sum, err = r.choosePart(int(*in.PartNumber)); err != nil {
			return err
		}
		part = size > 0
	}
	r.answer.ContentLength = new(r.to - r.from)
	if part {
		r.answer.ContentRange = new(r.contentRange(size))
	}
	if kit.Value(in.ChecksumMode) == "ENABLED" && !sum.IsZero() {
		ofGetObjectOutput(r.answer).set(sum)
		r.answer.ChecksumType = new(o.Checksum.Type.String())
	}
	return nil
}

// choosePart chooses the bytes of a part. An object that was put in one piece is its own
// first part. It returns the checksum to show.
func (r *reading) choosePart(number int) (checksum.Value, error) {
	o := &r.object
	count := max(len(o.Parts), 1)
	if number < 1 || number > count {
		return checksum.Value{}, refusal("InvalidPartNumber", http.StatusRequestedRangeNotSatisfiable, "The requested partnumber is not satisfiable",
			"ActualPartCount", strconv.Itoa(count), "PartNumberRequested", strconv.Itoa(number))
	}
	if len(o.Parts) == 0 {
		return o.Checksum, nil
	}
	r.answer.PartsCount = new(int32(count))
	for _, p := range o.Parts[:number-1] {
		r.from += p.Size
	}
	p := &o.Parts[number-1]
	r.to = r.from + p.Size
	if count == 1 {
		return o.Checksum, nil
	}
	if p.Checksum.Algorithm != o.Checksum.Algorithm {
		return checksum.Value{}, nil
	}
	return p.Checksum, nil
}

// describe is what an answer says of the object, whatever of it is asked for.
func (r *reading) describe() *api.GetObjectOutput {
	o := &r.object
	e := showEncryption(&o.Encryption)
	out := &api.GetObjectOutput{
		AcceptRanges: new("bytes"), ContentType: new(defaultType), ETag: quoted(o.ETag), LastModified: new(o.Modified), VersionId: shownVersion(r.bucket, o),
		ServerSideEncryption: e.algorithm, SSEKMSKeyId: e.key, BucketKeyEnabled: e.bucketKey,
		SSECustomerAlgorithm: e.customerAlgorithm, SSECustomerKeyMD5: e.customerDigest,
	}
	if n := len(o.Tags); n > 0 {
		out.TagCount = new(int32(n))
	}
	if h := o.Headers; h != nil {
		if h.ContentType != "" {
			out.ContentType = &h.ContentType
		}
		out.CacheControl, out.ContentDisposition = kit.Optional(h.CacheControl), kit.Optional(h.ContentDisposition)
		out.ContentEncoding, out.ContentLanguage, out.Expires = kit.Optional(h.ContentEncoding), kit.Optional(h.ContentLanguage), kit.Optional(h.Expires)
		out.StorageClass, out.WebsiteRedirectLocation = kit.Optional(h.StorageClass), kit.Optional(h.WebsiteRedirect)
		out.Metadata = shownMetadata(h.User)
	}
	return out
}
