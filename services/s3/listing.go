package s3

import (
	"encoding/base64"
	"strconv"
	"time"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// maxPage is how many entries a page of a list has at most.
const maxPage = 1000

// A listing is what all lists of keys have in common.
type listing struct {
	prefix, delimiter string
	encoding          keyEncoding
	max               int
}

// readListing checks the parameters. maxName is what the limit is called.
func readListing(prefix, delimiter, encoding *string, limit *int32, maxName string) (l listing, err error) {
	l.prefix, l.delimiter = kit.Value(prefix), kit.Value(delimiter)
	if l.encoding, err = parseEncoding(encoding); err != nil {
		return l, err
	}
	l.max, err = pageSize(limit, maxName)
	return l, err
}

// pageSize reads how many entries a page shall have: 0 to maxPage.
func pageSize(limit *int32, name string) (int, error) {
	n := kit.ValueOr(limit, maxPage)
	if n < 0 {
		return 0, invalidArgument("Argument "+name+" must be an integer between 0 and 2147483647", name, strconv.Itoa(int(n)))
	}
	return min(int(n), maxPage), nil
}

// conditions are the keys that policies have for a list.
func (l *listing) conditions() map[string]string {
	return map[string]string{"s3:prefix": l.prefix, "s3:delimiter": l.delimiter, "s3:max-keys": strconv.Itoa(l.max)}
}

// prefixes are groups of keys, as answers have them.
func (l *listing) prefixes(all []string) []*api.CommonPrefix {
	out := make([]*api.CommonPrefix, len(all))
	for i, p := range all {
		out[i] = &api.CommonPrefix{Prefix: l.encoding.text(p)}
	}
	return out
}

// objects are the entries of a page; owner is nil for lists that do not show it.
func (l *listing) objects(all []object.Object, owner *api.Owner) []*api.Object {
	// A page has a thousand entries of many values each: they share one allocation.
	type entry struct {
		api.Object
		key, etag, class string
		modified         time.Time
	}
	entries, out := make([]entry, len(all)), make([]*api.Object, len(all))
	for i := range all {
		o, e := &all[i], &entries[i]
		e.key, e.etag, e.class, e.modified = l.encoding.encode(o.Key), o.ETag.Quoted(), shownClass(o.Headers), wholeSeconds(o.Modified)
		e.Object = api.Object{
			Key: &e.key, ETag: &e.etag, LastModified: &e.modified, Size: &o.Size, StorageClass: &e.class,
			ChecksumAlgorithm: shownAlgorithms(o.Checksum), ChecksumType: shownType(o.Checksum), Owner: owner,
		}
		out[i] = &e.Object
	}
	return out
}

// shownTime is a time as documents have it.
func shownTime(t time.Time) *time.Time { return new(wholeSeconds(t)) }

// wholeSeconds is a time without its fraction of a second, which S3 does not tell.
func wholeSeconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// continuationToken is the token of the page behind a key.
func continuationToken(after string) string {
	return base64.StdEncoding.EncodeToString([]byte(tokenVersion + after))
}

// tokenVersion stands in front of a token's key, so that no text is a token by chance.
const tokenVersion = "\x01k"

func parseToken(token string) (after string, err error) {
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(b) <= len(tokenVersion) || string(b[:len(tokenVersion)]) != tokenVersion {
		return "", invalidArgument("The continuation token provided is incorrect", "continuation-token", token)
	}
	return string(b[len(tokenVersion):]), nil
}
