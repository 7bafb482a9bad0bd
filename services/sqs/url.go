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
	if !strings.Contains(strings.TrimRight(text, "/"), "/") {
		name := strings.TrimRight(text, "/")
		return queue.ID{Account: c.Account, Region: c.Region, Name: name}, name != ""
	}
	u, err := url.Parse(text)
	if err != nil {
		return queue.ID{}, false
	}
	return locate(c, u.Hostname(), u.Path)
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
	return id, isAccount(id.Account) && id.Name != "" && !strings.Contains(id.Name, "/")
}

func isAccount(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }

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

func isRegion(s string) bool { return strings.Count(s, "-") >= 2 }
