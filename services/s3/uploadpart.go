package s3

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"millrace/runtime/object"
	"millrace/runtime/object/checksum"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// UploadPart   restXml
//
//   - part numbers are 1 to 10,000; a part takes the place of one with its number
//   - the body is as in PutObject; a checksum that comes with it is of the upload's algorithm
//   - a part of a COMPOSITE upload needs a checksum; for others one is computed
func (s *Service) UploadPart(ctx context.Context, in *api.UploadPartInput) (*api.UploadPartOutput, error) {
	t, up, err := s.upload(ctx, "PutObject", in.Bucket, in.Key, in.UploadId, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	number, err := readPartNumber(in.PartNumber)
	if err != nil {
		return nil, err
	}
	u := upload{bucket: t.bucket, encryption: up.Encryption, part: number}
	key := customerKey{in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5}
	if u.customer, err = key.forPart(&up.Encryption); err != nil {
		return nil, err
	}
	if u.digests, err = readDigests(identity.From(ctx).HTTP, in.ContentMD5, in.ChecksumAlgorithm, ofUploadPart(in)); err != nil {
		return nil, err
	}
	if err := checkPartAlgorithm(&up, u.digests.algorithm); err != nil {
		return nil, err
	}
	u.stored = cmp.Or(up.Algorithm, checksum.CRC64NVME)
	r, err := s.receive(ctx, &u, in.Body)
	if err != nil {
		return nil, t.translate(err)
	}
	defer r.Discard()
	p, err := s.putPart(ctx, &t, number, r)
	if err != nil {
		return nil, err
	}
	e := showEncryption(&up.Encryption)
	out := &api.UploadPartOutput{
		ETag: quoted(p.ETag), ServerSideEncryption: e.algorithm, SSEKMSKeyId: e.key, BucketKeyEnabled: e.bucketKey,
		SSECustomerAlgorithm: e.customerAlgorithm, SSECustomerKeyMD5: e.customerDigest,
	}
	shown := p.Checksum
	if up.Algorithm == checksum.None && u.digests.algorithm != checksum.None { // what the client has sent comes back
		for _, sum := range r.Sums {
			if sum.Algorithm == u.digests.algorithm {
				shown = sum
			}
		}
	}
	ofUploadPartOutput(out).set(shown)
	return out, nil
}

// upload finds an upload under way, and its bucket.
func (s *Service) upload(ctx context.Context, action string, bucket, key, id, owner *string) (target, object.Upload, error) {
	t, err := s.target(ctx, action, bucket, key, nil, owner)
	if err != nil {
		return t, object.Upload{}, err
	}
	t.subject.upload = kit.Value(id)
	u, err := t.bucket.Upload(ctx, t.key, t.subject.upload)
	return t, u, t.translate(err)
}

// putPart stores a part with the content that was received.
func (s *Service) putPart(ctx context.Context, t *target, number int, r *received) (*object.Part, error) {
	put := &object.PutPart{Key: t.key, Upload: t.subject.upload, Part: object.Part{
		Number: number, Size: r.Size, ETag: r.ETag, Checksum: r.checksum, Modified: s.now(),
	}}
	put.Part.Content, put.Inline = r.Content()
	if err := t.bucket.Do(ctx, put); err != nil {
		return nil, t.translate(err)
	}
	return &put.Stored, t.translate(put.Err)
}

// readPartNumber checks the number of a part.
func readPartNumber(n *int32) (int, error) {
	if number := int(kit.Value(n)); number >= 1 && number <= checksum.MaxParts {
		return number, nil
	}
	return 0, invalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", strconv.Itoa(int(kit.Value(n))))
}

// checkPartAlgorithm refuses a part whose checksum is not of its upload's algorithm.
func checkPartAlgorithm(u *object.Upload, a checksum.Algorithm) error {
	if u.Algorithm == checksum.None || a == u.Algorithm || a == checksum.None && u.Type == checksum.FullObject {
		return nil
	}
	actual := strings.ToLower(cmp.Or(a.String(), "null"))
	return invalidRequest("Checksum Type mismatch occurred, expected checksum Type: " + strings.ToLower(u.Algorithm.String()) + ", actual checksum Type: " + actual)
}
