package sqs

import (
	"net"
	"net/netip"
	"net/url"
	"strings"

	"millrace/runtime/arn"
	"millrace/runtime/policy"
	"millrace/runtime/queue"
	"millrace/services/internal/identity"
)

// A URLForm is how the URLs look that are handed out. The names are those that
// SQS_ENDPOINT_STRATEGY has.
type URLForm string

// The forms. <host> is what the client reached us by.
const (
	PlainURLs    URLForm = "off"      // http://<host>/<account>/<name>; "" means the same. The host always resolves.
	StandardURLs URLForm = "standard" // http://sqs.<region>.<host>/<account>/<name>
	DomainURLs   URLForm = "domain"   // http://[<region>.]queue.<host>/<account>/<name>, without the region for us-east-1
	PathURLs     URLForm = "path"     // http://<host>/queue/<region>/<account>/<name>
	DynamicURLs  URLForm = "dynamic"  // the form of the request's own host and path
)

// url names a queue by the host that the client reached us by.
func (f URLForm) url(c identity.Caller, id queue.ID) string {
	path := "/" + id.Account + "/" + id.Name
	if f == DynamicURLs {
		f = formOf(c)
	}
	switch f {
	case StandardURLs:
		return "http://sqs." + id.Region + "." + bareHost(c.Host) + path
	case DomainURLs:
		if id.Region == "us-east-1" {
			return "http://queue." + bareHost(c.Host) + path
		}
		return "http://" + id.Region + ".queue." + bareHost(c.Host) + path
	case PathURLs:
		return "http://" + bareHost(c.Host) + "/queue/" + id.Region + path
	}
	return "http://" + c.Host + path
}

// formOf tells in which form a request was addressed.
func formOf(c identity.Caller) URLForm {
	if strings.HasPrefix(c.Path, "/queue/") {
		return PathURLs
	}
	if first, _, _ := strings.Cut(c.Host, "."); first == "sqs" {
		if _, ok := hostRegion(c.Host); ok {
			return StandardURLs
		}
	} else if _, ok := hostRegion(c.Host); ok {
		return DomainURLs
	}
	return PlainURLs
}

// bareHost takes the labels off a host that a URLForm puts before it, so that
// they are not put there twice. Nothing can stand before an address, so a
// loopback address becomes the name that browsers and resolvers know for it.
func bareHost(host string) string {
	name, port := host, ""
	if h, p, err := net.SplitHostPort(host); err == nil {
		name, port = h, ":"+p
	}
	if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		return "localhost" + port
	}
	first, rest, _ := strings.Cut(name, ".")
	second, after, _ := strings.Cut(rest, ".")
	switch _, ok := hostRegion(name); {
	case !ok:
		return host
	case first == "queue":
		return rest + port
	case first == "sqs" || second == "queue":
		return after + port
	}
	return host
}

// parseURL finds the queue that a QueueUrl means. Accepted are, with any host:
//
//	http://sqs.<region>.<host>/<account>/<name>
//	http://[<region>.]queue.<host>/<account>/<name>
//	http://<host>/queue/<region>/<account>/<name>
//	http://<host>/<account>/<name>
//	<name>
//
// and a slash behind each. Region and account, where missing, are the caller's.
func parseURL(c identity.Caller, text string) (id queue.ID, ok bool) {
	if !strings.Contains(strings.TrimRight(text, "/"), "/") {
		name := strings.TrimRight(text, "/")
		return queue.ID{Account: c.Account, Region: c.Region, Name: name}, name != ""
	}
	if host, path, ok := cutURL(text); ok {
		return locate(c, host, path)
	}
	u, err := url.Parse(text)
	if err != nil {
		return queue.ID{}, false
	}
	return locate(c, u.Hostname(), u.Path)
}

// cutURL reads the URLs that every call brings, made of words, as package url does:
// http://<host>[:<port>]/<path>. ok is false for all others.
func cutURL(text string) (host, path string, ok bool) {
	rest, ok := strings.CutPrefix(text, "http://")
	if !ok {
		return "", "", false
	}
	i := strings.IndexByte(rest, '/')
	if i < 0 {
		return "", "", false
	}
	host, path = rest[:i], rest[i:]
	host, port, _ := strings.Cut(host, ":")
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return "", "", false
		}
	}
	return host, path, wordsIn(host) && wordsIn(path)
}

// wordsIn reports whether nothing but words stands between dots and slashes.
func wordsIn(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '.' && c != '/' && !isWord(s[i:i+1]) {
			return false
		}
	}
	return true
}

// locate finds the queue that a path on a host means, as parseURL does.
func locate(c identity.Caller, host, path string) (id queue.ID, ok bool) {
	id.Region = c.Region
	path = strings.Trim(path, "/")
	if rest, ok := strings.CutPrefix(path, "queue/"); ok {
		id.Region, path, _ = strings.Cut(rest, "/")
	} else if region, ok := hostRegion(host); ok {
		id.Region = region
	}
	id.Account, id.Name, _ = strings.Cut(path, "/")
	return id, arn.IsRegion(id.Region) && policy.IsAccount(id.Account) && id.Name != "" && !strings.Contains(id.Name, "/")
}

// hostRegion finds the region in sqs.<region>.… and [<region>.]queue.… hosts.
func hostRegion(host string) (string, bool) {
	first, rest, _ := strings.Cut(host, ".")
	second, _, more := strings.Cut(rest, ".")
	switch {
	case first == "sqs" && more && isRegion(second):
		return second, true
	case second == "queue" && more && isRegion(first):
		return first, true
	case first == "queue" && rest != "":
		return "us-east-1", true // the oldest form names no region
	}
	return "", false
}

// isRegion tells a region's label from a host's own, which are no regions of AWS.
func isRegion(s string) bool { return strings.Count(s, "-") >= 2 && arn.IsRegion(s) }
