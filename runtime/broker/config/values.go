package config

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"millrace/runtime/arn"
)

// A form is what the values of a key look like.
type form struct {
	kind  Type
	want  string // for people: "true or false"
	check func(value string) bool
}

func oneOf(words ...string) form {
	return form{Text, "one of " + strings.Join(words, ", "), func(v string) bool {
		for _, w := range words {
			if v == w {
				return true
			}
		}
		return false
	}}
}

// whole numbers, without a sign or leading zeros that somebody might read as octal.
func whole(least, most int) form {
	want := "a whole number from " + strconv.Itoa(least) + " to " + strconv.Itoa(most)
	return form{Number, want, func(v string) bool {
		n, err := strconv.Atoi(v)
		return err == nil && strconv.Itoa(n) == v && least <= n && n <= most
	}}
}

const maxInt32 = 1<<31 - 1

var (
	flag   = form{Flag, "true or false", func(v string) bool { return v == "true" || v == "false" }}
	text   = form{Text, "text", func(v string) bool { return true }}
	amount = whole(1, maxInt32)
	https  = form{Text, "a URL that begins with https://", isHTTPS}
	host   = form{Text, "an IP address or a domain name", isHost}
	dn     = form{Text, "a distinguished name", isDN}
	query  = form{Text, "a query", isTerm}
	period = form{Text, "a number of milliseconds, or infinity", func(v string) bool { return v == "infinity" || whole(0, maxInt32).check(v) }}

	role   = form{Text, "the ARN of an IAM role", func(v string) bool { return isARN(v, "iam", "role/") }}
	object = form{Text, "the ARN of an S3 object", isObject}
	bundle = form{Text, "the ARN of an S3 object or of a private certificate authority", func(v string) bool {
		return isObject(v) || isARN(v, "acm-pca", "certificate-authority/")
	}}
	secret = form{Text, "the ARN of a Secrets Manager secret", func(v string) bool { return isARN(v, "secretsmanager", "secret:") }}

	algorithm = oneOf("Ed25519", "Ed25519ph", "Ed448", "Ed448ph", "EdDSA", "ES256K", "ES256", "ES384", "ES512",
		"HS256", "HS384", "HS512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512")
	peer     = oneOf("verify_peer", "verify_none")
	depth    = whole(0, 255)
	hostname = oneOf("wildcard", "none")
	crl      = oneOf("true", "false", "peer", "best_effort")
)

func isHTTPS(v string) bool {
	u, err := url.Parse(v)
	return err == nil && u.Scheme == "https" && strings.HasPrefix(v, "https://") && u.Hostname() != "" && u.User == nil
}

func isHost(v string) bool {
	if a, err := netip.ParseAddr(v); err == nil {
		return a.Zone() == "" // which can be any text
	}
	if len(v) > 253 {
		return false
	}
	for label := range strings.SplitSeq(v, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || !isKey(label) {
			return false
		}
	}
	return true
}

func isObject(v string) bool { return isARN(v, "s3", "") && strings.Contains(v, "/") }

func isARN(v, service, resource string) bool {
	a, err := arn.Parse(v)
	return err == nil && strings.HasPrefix(a.Partition, "aws") && a.Service == service &&
		strings.HasPrefix(a.Resource, resource) && len(a.Resource) > len(resource) && !strings.ContainsAny(v, " '#\"")
}

// isDN reports whether v is a distinguished name: RFC 4514, without the form in
// hexadecimal numbers.
func isDN(v string) bool {
	for v != "" {
		name, rest, ok := strings.Cut(v, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" || strings.Contains(name, "_") || !isKey(name) {
			return false
		}
		end, length := 0, 0
		for ; end < len(rest) && rest[end] != ',' && rest[end] != '+'; end++ {
			switch rest[end] {
			case '\\':
				if end++; end == len(rest) {
					return false
				}
			case '"', ';', '<', '>':
				return false
			}
			length++
		}
		if length == 0 || strings.TrimSpace(rest[:end]) == "" {
			return false
		}
		if v = ""; end < len(rest) {
			if v = strings.TrimSpace(rest[end+1:]); v == "" {
				return false // nothing after the comma
			}
		}
		if v == "" {
			return true
		}
	}
	return false
}
