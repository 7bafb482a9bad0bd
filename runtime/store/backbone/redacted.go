package backbone

import (
	"net/url"
	"strings"
)

// Redacted returns the URLs of NATS servers, with commas between them, without
// the passwords and tokens in them: for people to read.
func Redacted(urls string) string {
	var all []string
	for s := range strings.SplitSeq(urls, ",") {
		s = strings.TrimSpace(s)
		if !strings.Contains(s, "://") {
			s = "nats://" + s // as the client reads it
		}
		u, err := url.Parse(s)
		if err != nil {
			all = append(all, "a server whose URL cannot be read")
			continue
		}
		if _, ok := u.User.Password(); !ok && u.User != nil {
			u.User = url.User("xxxxx") // a user without a password is a token
		}
		all = append(all, u.Redacted())
	}
	return strings.Join(all, ",")
}
