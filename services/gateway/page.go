package gateway

import (
	"context"
	"net/http"

	"millrace/services/internal/identity"
)

// servePage decides about a request that a page of another origin sent, and answers
// preflights. served means that the request is answered. A request of a client that is no
// browser, or of a page of our own, goes on.
func (c *call) servePage(ctx context.Context) (served bool, err error) {
	r := c.req.HTTP
	reason := refusePage(r)
	preflight := r.Method == http.MethodOptions
	if reason == "" && header(r, "Origin") == "" && !preflight {
		return false, nil
	}
	pages, ok := c.service.(PageServer)
	if !ok {
		if reason != "" {
			c.refuseRouted(reason)
		}
		return reason != "", nil
	}
	ctx = identity.With(ctx, &c.caller)
	if preflight {
		if err := pages.Preflight(ctx, &c.req.Request, c.w.Header()); err != nil {
			return false, err
		}
		c.w.Header().Set("Content-Length", "0")
		c.w.WriteHeader(http.StatusOK)
		return true, nil
	}
	if !pages.AllowPage(ctx, &c.req.Request, c.w.Header()) && reason != "" {
		c.refuseRouted(reason)
		return true, nil
	}
	return false, nil
}
