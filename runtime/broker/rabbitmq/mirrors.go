package rabbitmq

import (
	"context"
	"maps"
	"net/http"
	"net/url"

	"millrace/runtime/broker/catalog"
)

// mirrored reports whether Amazon MQ has all classic queues of the broker mirrored: those
// of clusters of RabbitMQ 3.
func (c *control) mirrored() bool {
	return c.Mode == catalog.Cluster && catalog.Series(c.Version) == "3" && c.running.mirrors()
}

// mirrorAll has the queues of each policy mirrored, and restores the policy that Amazon MQ
// owns (Amazon MQ Developer Guide, "Policies"): missing keys are added to policies of the
// broker's owner, and others overwritten.
func (c *control) mirrorAll(ctx context.Context) (changed []string, err error) {
	var all []policy
	if err := c.api.call(ctx, http.MethodGet, "/api/policies", nil, &all); err != nil {
		return nil, err
	}
	owned := false
	for _, p := range all {
		owned = owned || p.VHost == "/" && p.Name == mirrorPolicy
		if !p.lacksMirrors() {
			continue
		}
		p.Definition = maps.Clone(p.Definition)
		p.mirror()
		if err := c.put(ctx, p); err != nil {
			return changed, err
		}
		changed = append(changed, "had the queues of a policy mirrored: "+p.Name)
	}
	if owned {
		return changed, nil
	}
	if err := c.put(ctx, ownedMirrors()); missing(err) { // nor is there "/"
		return changed, nil
	} else if err != nil {
		return changed, err
	}
	return append(changed, "restored the policy "+mirrorPolicy), nil
}

func (c *control) put(ctx context.Context, p policy) error {
	return c.api.call(ctx, http.MethodPut, "/api/policies/"+url.PathEscape(p.VHost)+"/"+url.PathEscape(p.Name), p, nil)
}

// lacksMirrors reports whether a policy is for queues that can be mirrored, and does not
// say so.
func (p policy) lacksMirrors() bool {
	switch p.ApplyTo {
	case "all", "queues", "classic_queues":
		return p.Definition["ha-mode"] != "all" || p.Definition["ha-sync-mode"] != "automatic" || p.Definition["ha-params"] != nil
	}
	return false
}

// ownedMirrors is the policy that remains when the owner deletes all others.
func ownedMirrors() policy {
	p := policy{VHost: "/", Name: mirrorPolicy, Pattern: ".*", ApplyTo: "all", Definition: map[string]any{}}
	p.mirror()
	return p
}
