package delivery

import (
	"net/url"
	"strings"

	"millrace/runtime/fault"
)

// A Resolver finds a target by its name: an ARN, or a URL. fault.NotFound says that
// there is none of this name, fault.Invalid that it cannot be one.
//
// A name is a text and not an arn.ARN, because endpoints have URLs.
type Resolver func(name string) (Target, error)

// Resolvers are the resolvers by kind of name: the service of an ARN ("sqs"), or the
// scheme of a URL ("https").
type Resolvers map[string]Resolver

// Resolve is the Resolver of all kinds.
func (r Resolvers) Resolve(name string) (Target, error) {
	resolve := r[kindOf(name)]
	if resolve == nil {
		return nil, fault.New(fault.Invalid, "%s is nothing that events can be delivered to", label(name))
	}
	return resolve(name)
}

// kindOf reads the service out of an ARN, or the scheme out of a URL.
func kindOf(name string) string {
	if rest, ok := strings.CutPrefix(name, "arn:"); ok {
		_, rest, _ = strings.Cut(rest, ":") // the partition
		service, _, _ := strings.Cut(rest, ":")
		return service
	}
	scheme, _, _ := strings.Cut(name, ":")
	return strings.ToLower(scheme)
}

// label is a target's name for logs and metrics. Of a URL it has the scheme and the
// host: the rest may hold a secret, as the paths of webhooks do.
func label(name string) string {
	if !strings.Contains(name, "://") {
		return name
	}
	u, err := url.Parse(name)
	if err != nil || u.Host == "" {
		return kindOf(name) + ":"
	}
	return u.Scheme + "://" + u.Host
}
