package s3

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"millrace/runtime/object"
	"millrace/runtime/object/content"
	"millrace/services/internal/kit"
)

// maxCopy is how large a source of a copy may be, in bytes.
const maxCopy = 5 << 30

// A wantedSource is what a request says of the source of a copy.
type wantedSource struct {
	name, owner *string
	condition   readCondition
	customer    customerKey
}

// A source is the object that is copied.
type source struct {
	target
	object   object.Object
	customer *content.CustomerKey // nil for an object that needs none
}

// source finds what is to be copied, for a caller that may read it.
func (s *Service) source(ctx context.Context, w *wantedSource) (*source, error) {
	bucket, key, version, err := parseSource(kit.Value(w.name))
	if err != nil {
		return nil, err
	}
	from := &source{}
	if from.target, err = s.target(ctx, "GetObject", &bucket, &key, version, w.owner); err != nil {
		return nil, err
	}
	if from.object, err = from.look(ctx, http.MethodGet); err != nil {
		if from.object.Marker && version != nil {
			err = invalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.")
		}
		return nil, err
	}
	if from.customer, err = w.customer.forReading(&from.object.Encryption); err != nil {
		return nil, err
	}
	if err := w.condition.checkSource(&from.object, s.now()); err != nil {
		return nil, err
	}
	if isArchived(&from.object) {
		return nil, refusal("ObjectNotInActiveTierError", http.StatusForbidden, "The source object of the COPY operation is not in the active tier and is only stored in Amazon Glacier.", "Key", key)
	}
	return from, nil
}

// parseSource reads x-amz-copy-source: bucket/key, as in a URL, and ?versionId= behind it.
func parseSource(text string) (bucket, key string, version *string, err error) {
	const name = "x-amz-copy-source"
	path, query, _ := strings.Cut(text, "?")
	if id, ok := strings.CutPrefix(query, "versionId="); ok {
		version = &id
	} else if query != "" { // a key may have a question mark of its own
		path = text
	}
	path, e := url.PathUnescape(path)
	if e != nil {
		return "", "", nil, invalidArgument("Invalid copy source encoding.", name, text)
	}
	bucket, key, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !ok || bucket == "" || key == "" {
		return "", "", nil, invalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey", name, text)
	}
	return bucket, key, version, nil
}

// copyRange stores bytes of the source as another content.
func (from *source) copyRange(ctx context.Context, u *upload, r byteRange) (*received, error) {
	body, err := from.bucket.Open(ctx, from.object, r.from, r.to, from.customer)
	if err != nil {
		return nil, from.translate(err)
	}
	defer body.Close()
	got, err := u.store(ctx, body, u.stored)
	return got, from.translate(err)
}

// shownID is the id of the version that was copied, as answers show it.
func (from *source) shownID() *string { return shownVersion(from.bucket, &from.object) }
