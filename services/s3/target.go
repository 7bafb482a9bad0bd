package s3

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"millrace/runtime/object"
	"millrace/runtime/object/jetobject"
	"millrace/services/internal/kit"
)

// A target is an object, or a version of it, that a request names.
type target struct {
	bucket *jetobject.Bucket
	subject
	version   object.Version
	versionID string // as it was given; "" for none
}

// target finds the bucket of an object, for a caller that may do the action to it.
func (s *Service) target(ctx context.Context, action string, bucket, key, versionID, owner *string) (t target, err error) {
	t.subject = subject{bucket: kit.Value(bucket), key: kit.Value(key)}
	if err := checkKey(t.key); err != nil {
		return t, err
	}
	if versionID != nil && *versionID == "" {
		return t, invalidArgument("Version id cannot be the empty string", "versionId", "")
	}
	r := request{action: action, bucket: bucket, owner: owner, key: t.key}
	if versionID != nil {
		r.action, r.conditions = versioned(action), map[string]string{"s3:versionid": *versionID}
	}
	if t.bucket, err = s.find(ctx, r); err != nil || versionID == nil {
		return t, err
	}
	t.versionID = *versionID
	if t.version, err = t.bucket.ParseVersionID(t.versionID); err != nil {
		return t, invalidArgument("Invalid version id specified", "versionId", t.versionID)
	}
	return t, nil
}

// versioned is what policies call an action on an object when it is on a version of it:
// s3:GetObjectVersionTagging for s3:GetObjectTagging.
func versioned(action string) string {
	return strings.Replace(action, "Object", "ObjectVersion", 1)
}

// isVersioned reports whether versions of a bucket have ids that answers show.
func isVersioned(b *jetobject.Bucket) bool {
	return b.Info().Settings.Versioning != object.Unversioned
}

// shownVersion is the id of a version in answers; nil in a bucket that never had versions.
func shownVersion(b *jetobject.Bucket, o *object.Object) *string {
	if !isVersioned(b) {
		return nil
	}
	return new(b.VersionID(*o))
}

// look returns the object that a request names, if it is one.
//
// A delete marker is answered as such: as an object that does not exist, and when a request
// names it, as one that only a DELETE can be for.
func (t *target) look(ctx context.Context, method string) (object.Object, error) {
	o, err := t.bucket.Get(ctx, t.key, t.version)
	switch {
	case errors.Is(err, object.ErrNoSuchVersion):
		return o, noSuchVersion(t.key, t.versionID)
	case err != nil:
		return o, t.translate(err)
	case o.Marker:
		return o, t.marker(&o, method)
	}
	return o, nil
}

func (t *target) marker(o *object.Object, method string) error {
	e := noSuchKey(t.key)
	if t.versionID != "" {
		e = refusal("MethodNotAllowed", http.StatusMethodNotAllowed, "The specified method is not allowed against this resource.",
			"Method", method, "ResourceType", "DeleteMarker")
		e.Header = http.Header{"Allow": {http.MethodDelete}, "Last-Modified": {o.Modified.Format(http.TimeFormat)}}
	} else {
		e.Header = http.Header{}
	}
	e.Header.Set("X-Amz-Delete-Marker", "true")
	e.Header.Set("X-Amz-Version-Id", t.bucket.VersionID(*o))
	return e
}
