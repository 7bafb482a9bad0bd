package sqs

import (
	"net/url"
	"strings"

	"millrace/runtime/queue"
	"millrace/services/internal/identity"
)

// queueURL names a queue the way the client reached us: every form that
// parseURL reads works, this is the one we hand out.
func queueURL(c identity.Caller, id queue.ID) string {
	return "http://" + c.Host + "/" + id.Account + "/" + id.Name
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
	id = queue.ID{Account: c.Account, Region: c.Region}
	text = strings.TrimRight(text, "/")
	if !strings.Contains(text, "/") {
		id.Name = text
		return id, text != ""
	}
	host, path := "", text
	if u, err := url.Parse(text); err == nil {
		host, path = u.Hostname(), u.Path
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	n := len(parts)
	switch {
	case n == 4 && parts[0] == "queue":
		id.Region = parts[1]
	case n == 2:
		if region, ok := hostRegion(host); ok {
			id.Region = region
		}
	default:
		return queue.ID{}, false
	}
	id.Account, id.Name = parts[n-2], parts[n-1]
	return id, len(id.Account) == 12
}

// hostRegion finds the region in sqs.<region>.… and [<region>.]queue.… hosts.
func hostRegion(host string) (string, bool) {
	first, rest, _ := strings.Cut(host, ".")
	second, _, more := strings.Cut(rest, ".")
	switch {
	case first == "sqs" && more && strings.Count(second, "-") >= 2:
		return second, true
	case first == "queue":
		return "us-east-1", true // the oldest form names no region
	case second == "queue":
		return first, true
	}
	return "", false
}
