package s3

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"millrace/runtime/object"
	"millrace/services/internal/wire"
)

// A page is what a browser says of the page that sends a request.
type page struct {
	origin  string
	method  string
	headers []string // that the page wants to send, in lower case; of a preflight
}

// Preflight implements gateway.PageServer: a browser asks whether a page may send a
// request. The answer is the first rule of the bucket that fits, and the texts are
// recorded ones.
func (s *Service) Preflight(ctx context.Context, r *wire.Request, h http.Header) error {
	p := page{
		origin: r.HTTP.Header.Get("Origin"), method: r.HTTP.Header.Get("Access-Control-Request-Method"),
		headers: headerNames(r.HTTP.Header.Values("Access-Control-Request-Headers")),
	}
	switch {
	case p.origin == "":
		return refusal("BadRequest", http.StatusBadRequest, "Insufficient information. Origin request header needed.")
	case !slices.Contains(corsMethods, p.method):
		name := p.method
		if name == "" {
			name = "null"
		}
		return refusal("BadRequest", http.StatusBadRequest, "Invalid Access-Control-Request-Method: "+name)
	}
	bucket, key := resourceOf(r)
	rules, ok := s.corsOf(ctx, bucket)
	switch {
	case !ok:
		return p.forbidden("CORSResponse: Bucket not found", key)
	case len(rules) == 0:
		return p.forbidden("CORSResponse: CORS is not enabled for this bucket.", key)
	}
	rule := p.ruleOf(rules)
	if rule == nil {
		return p.forbidden("CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, "+
			"request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.", key)
	}
	p.allow(rule, h)
	if len(p.headers) > 0 {
		h.Set("Access-Control-Allow-Headers", strings.Join(p.headers, ", "))
	}
	return nil
}

func (p *page) forbidden(message, key string) error {
	kind := "OBJECT"
	if key == "" {
		kind = "BUCKET"
	}
	return refusal("AccessForbidden", http.StatusForbidden, message, "Method", p.method, "ResourceType", kind)
}

// AllowPage implements gateway.PageServer: a page may send what a rule of the bucket
// allows, and see the answer. One that only embeds what it gets, without an origin, may do
// what every origin may.
//
// Not supported: AWS serves requests of pages that no rule allows, and leaves it to browsers
// to keep the answers from them. Here they are refused, since a page is a stranger on a port
// that trusts its callers.
func (s *Service) AllowPage(ctx context.Context, r *wire.Request, h http.Header) bool {
	p := page{origin: r.HTTP.Header.Get("Origin"), method: r.HTTP.Method}
	bucket, _ := resourceOf(r)
	rules, _ := s.corsOf(ctx, bucket)
	if len(rules) == 0 {
		return false
	}
	h.Add("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")
	rule := p.ruleOf(rules)
	if rule == nil {
		return false
	}
	if p.origin != "" {
		p.allow(rule, h)
	}
	return true
}

// allow says in an answer what a rule allows.
func (p *page) allow(rule *object.CORSRule, h http.Header) {
	if slices.Contains(rule.Origins, "*") {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		h.Set("Access-Control-Allow-Origin", p.origin)
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	h.Set("Access-Control-Allow-Methods", strings.Join(rule.Methods, ", "))
	if len(rule.Expose) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(rule.Expose, ", "))
	}
	if rule.MaxAge != nil {
		h.Set("Access-Control-Max-Age", strconv.Itoa(*rule.MaxAge))
	}
	h.Set("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")
}

// ruleOf is the first rule that allows a page its request; nil for none.
func (p *page) ruleOf(rules []object.CORSRule) *object.CORSRule {
	for i := range rules {
		r := &rules[i]
		if slices.ContainsFunc(r.Origins, func(o string) bool { return fits(o, p.origin) }) && slices.Contains(r.Methods, p.method) && p.headersFit(r) {
			return r
		}
	}
	return nil
}

func (p *page) headersFit(r *object.CORSRule) bool {
	for _, name := range p.headers {
		if !slices.ContainsFunc(r.Headers, func(h string) bool { return fits(strings.ToLower(h), name) }) {
			return false
		}
	}
	return true
}

// fits reports whether a text is the pattern, whose * stands for any characters.
func fits(pattern, text string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == text
	}
	return len(text) >= len(before)+len(after) && strings.HasPrefix(text, before) && strings.HasSuffix(text, after)
}

// headerNames are the names in lists of them, in lower case.
func headerNames(lists []string) (names []string) {
	for _, list := range lists {
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// corsOf are the rules of a bucket; ok is false where there is none of the name.
func (s *Service) corsOf(ctx context.Context, bucket string) (rules []object.CORSRule, ok bool) {
	b, err := s.buckets.Find(ctx, bucket)
	if err != nil {
		return nil, false
	}
	return b.Info().Settings.CORS, true
}

// resourceOf is the bucket that the path of a request names, and what follows it, escaped.
func resourceOf(r *wire.Request) (bucket, key string) {
	path := r.Path
	if path == "" {
		path = r.HTTP.URL.EscapedPath()
	}
	bucket, key, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if name, err := url.PathUnescape(bucket); err == nil {
		bucket = name
	}
	return bucket, key
}
