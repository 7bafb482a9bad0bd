package s3

import (
	"bytes"
	"context"
	"strings"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/object"
	"millrace/runtime/object/checksum"
	"millrace/runtime/object/jetobject"
	"millrace/runtime/object/notify"
	"millrace/runtime/object/owner"
	"millrace/runtime/policy"
)

// Target implements delivery.Resolver: it finds a bucket by its ARN. What is delivered
// to it becomes an object with the event's Key, stored as PutObject would store it.
func (s *Service) Target(name string) (delivery.Target, error) {
	bucket, ok := strings.CutPrefix(name, notify.BucketARN(""))
	if !ok || bucket == "" || strings.Contains(bucket, "/") {
		return nil, fault.New(fault.Invalid, "%s is not the ARN of a bucket", name)
	}
	return recordTarget{s, bucket}, nil
}

type recordTarget struct {
	service *Service
	bucket  string
}

// Durable implements delivery.DurableTarget.
func (recordTarget) Durable() {}

// Allows implements delivery.Target. Deliver asks the bucket's policy, as it has to know
// the object's key for that.
func (recordTarget) Allows(delivery.Source) error { return nil }

// Deliver implements delivery.Target: it puts the body.
func (t recordTarget) Deliver(ctx context.Context, e delivery.Event) (delivery.Reply, error) {
	b, err := t.service.buckets.Find(ctx, t.bucket)
	if err != nil {
		return delivery.Reply{}, err
	}
	if e.Key == "" || checkKey(e.Key) != nil {
		return delivery.Reply{}, fault.New(fault.Invalid, "%q cannot be the key of an object", e.Key)
	}
	if err := t.service.allows(b, &e); err != nil {
		return delivery.Reply{}, err
	}
	return delivery.Reply{}, t.service.putRecord(ctx, b, &e)
}

// allows returns nil if a bucket's policy lets the source of an event put its object.
func (s *Service) allows(b *jetobject.Bucket, e *delivery.Event) error {
	info := b.Info()
	text := info.Settings.Policy
	if s.config.PoliciesOff {
		return nil
	}
	resource := policy.Resource{
		ARN: resourceARN(info.ID.Name, e.Key), Account: info.ID.Account,
		Policy: s.policies.Document(info.ID, text, func() (string, error) { return text, nil }),
	}
	return resource.Authorize(e.Source.Principal, "s3:PutObject", e.Source.Context)
}

// putRecord stores the body of an event as an object.
func (s *Service) putRecord(ctx context.Context, b *jetobject.Bucket, e *delivery.Event) error {
	u := upload{bucket: b}
	var err error
	if u.encryption, _, err = s.encryption(ctx, b, &wantedEncryption{}); err != nil {
		return err
	}
	r, err := u.store(ctx, bytes.NewReader(e.Body), checksum.CRC64NVME)
	if err != nil {
		return err
	}
	defer r.Discard()
	put := &object.Put{Event: notify.ObjectCreatedPut, By: object.By{
		Caller: owner.CallerID(e.Source.Principal.Account), SourceIP: "127.0.0.1", TraceHeader: e.TraceHeader, TraceParent: e.TraceParent,
	}}
	put.Object = object.Object{
		Key: e.Key, Modified: s.now(), Encryption: u.encryption, Size: r.Size, ETag: r.ETag, Checksum: r.checksum,
		Headers: &object.Headers{ContentType: "application/json"},
	}
	put.Object.Content, put.Inline = r.Content()
	if err := b.Do(ctx, put); err != nil {
		return err
	}
	return put.Err
}
