package s3

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// HostPath implements gateway.Hoster: S3 is served at the hosts s3.DOMAIN, and each
// bucket at BUCKET.s3.DOMAIN besides. The path of a request to a bucket's host has the
// bucket in front, as it has to s3.DOMAIN. ok is false for other hosts. Of DOMAIN only the
// region counts, and not even that: localhost, eu-west-1.amazonaws.com.
func (*Service) HostPath(r *http.Request) (path string, ok bool) {
	bucket, ok := hostBucket(r.Host)
	path = r.URL.EscapedPath()
	if bucket != "" {
		path = "/" + url.PathEscape(bucket) + path
	}
	return path, ok
}

// hostBucket returns the bucket that a host names, "" for none. ok is false where the
// host is not S3's. Bucket names may hold dots, and so even look like a part of S3's
// names: the last label that is s3 is S3's own.
func hostBucket(host string) (bucket string, ok bool) {
	const label = "s3"
	if !strings.Contains(host, label+".") { // most hosts
		return "", false
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(host)
	if i := strings.LastIndex(host, "."+label+"."); i > 0 {
		return host[:i], true
	}
	return "", strings.HasPrefix(host, label+".")
}
