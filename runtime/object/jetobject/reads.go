package jetobject

import (
	"context"

	"millrace/runtime/object"
)

// Get returns a version of a key, or the latest for the zero Version, with all that is known
// of it. It may be a delete marker. object.ErrNoSuchKey and object.ErrNoSuchVersion.
func (b *Bucket) Get(ctx context.Context, key string, version object.Version) (o object.Object, err error) {
	found := false
	err = b.view(ctx, func(m *object.Machine) { o, found = m.Get(key, version) })
	switch {
	case err != nil || found:
		return o, err
	case version == object.Version{}:
		return o, object.ErrNoSuchKey
	}
	return o, object.ErrNoSuchVersion
}

// List returns a page of the latest versions of objects.
func (b *Bucket) List(ctx context.Context, q object.ListQuery) (page object.Page, err error) {
	err = b.view(ctx, func(m *object.Machine) { page = m.List(q) })
	return page, err
}

// ListVersions returns a page of all versions and delete markers.
func (b *Bucket) ListVersions(ctx context.Context, q object.VersionsQuery) (page object.VersionsPage, err error) {
	err = b.view(ctx, func(m *object.Machine) { page = m.ListVersions(q) })
	return page, err
}

// ListUploads returns a page of uploads under way.
func (b *Bucket) ListUploads(ctx context.Context, q object.UploadsQuery) (page object.UploadsPage, err error) {
	err = b.view(ctx, func(m *object.Machine) { page = m.ListUploads(q) })
	return page, err
}

// Upload returns an upload under way, by its key and its id: object.ErrNoSuchUpload.
func (b *Bucket) Upload(ctx context.Context, key, id string) (u object.Upload, err error) {
	found := false
	err = b.view(ctx, func(m *object.Machine) { u, found = m.Upload(key, id) })
	if err == nil && !found {
		err = object.ErrNoSuchUpload
	}
	return u, err
}

// ListParts returns at most limit parts of an upload behind the part number after:
// object.ErrNoSuchUpload.
func (b *Bucket) ListParts(ctx context.Context, key, id string, after, limit int) (page object.PartsPage, err error) {
	found := false
	err = b.view(ctx, func(m *object.Machine) { page, found = m.ListParts(key, id, after, limit) })
	if err == nil && !found {
		err = object.ErrNoSuchUpload
	}
	return page, err
}

// VersionID is the id of a version that clients see: object.NullVersion, or 32 characters.
func (b *Bucket) VersionID(o object.Object) string { return b.ids.VersionID(o) }

// ParseVersionID returns the version that an id stands for, which need not exist. It is
// fault.Invalid for what is not an id of this bucket.
func (b *Bucket) ParseVersionID(id string) (object.Version, error) { return b.ids.ParseVersionID(id) }
