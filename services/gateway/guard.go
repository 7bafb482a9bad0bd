package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// A guard keeps web pages out. A page on another origin can make a browser send
// requests here, and DNS rebinding can make its own name resolve to loopback;
// the Origin and Host headers tell both. Clients that are no browsers send no
// Origin, and a Host that they were configured with.
type guard struct {
	hosts []string // allowed beside loopback names and IP addresses
}

// refuse returns why the request may not be served, or "".
func (g guard) refuse(r *http.Request) string {
	if reason := g.refuseHost(r); reason != "" {
		return reason
	}
	return refusePage(r)
}

// refuseHost refuses names that lead here but are not ours.
func (g guard) refuseHost(r *http.Request) string {
	if g.hostAllowed(r.Host) {
		return ""
	}
	host := strip(r.Host)
	return "Host " + host + " is not served here. To serve it, start the runtime with --allow-host " + host
}

// refusePage refuses pages of other origins.
func refusePage(r *http.Request) string {
	origin := header(r, "Origin")
	if origin == "" {
		// Browsers leave Origin out of some cross-origin GETs, but tell so here.
		if site := header(r, "Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
			return "Cross-origin requests are refused."
		}
		return ""
	}
	u, err := url.Parse(origin)
	if err != nil || !strings.EqualFold(u.Host, r.Host) {
		return "Cross-origin requests are refused."
	}
	return ""
}

// awsDomain is where AWS's own endpoints are. Only AWS says where its names lead, so a
// page there cannot be rebound to this address: whoever sends such a name has been told
// that AWS is here, by a hosts file or a resolver.
const awsDomain = ".amazonaws.com"

// hostAllowed accepts IP addresses, which no page can rebind, loopback names
// with any label in front (queue and bucket hosts), AWS's own, and the configured names.
func (g guard) hostAllowed(host string) bool {
	name := strings.ToLower(strings.TrimSuffix(strip(host), "."))
	if name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") || strings.HasSuffix(name, awsDomain) {
		return true
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return true
	}
	return slices.ContainsFunc(g.hosts, func(h string) bool {
		h = strings.ToLower(h)
		return name == h || strings.HasSuffix(name, "."+h)
	})
}

// strip returns a Host header without its port.
func strip(host string) string {
	if !strings.Contains(host, ":") {
		return host // most names; the error below would cost more than the rest
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return host
}
