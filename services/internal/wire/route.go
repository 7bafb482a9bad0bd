package wire

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Operation returns the operation of a name, or nil.
func (s *Service) Operation(name string) *Operation {
	for _, op := range s.Operations {
		if op.Name == name {
			return op
		}
	}
	return nil
}

// Route finds the operation of a REST protocol whose method, escaped path and fixed
// query string a request has, and the labels of its path, decoded. Of several
// the most particular one is it: it may be one of the MissingRoutes, whose Call is nil.
// A slash at the end does not matter, but in a greedy label, which is the rest of a path
// as it is.
func (s *Service) Route(r *http.Request, path string) (*Operation, map[string]string) {
	return s.route(r, path, queryOf(r))
}

// HasRoute reports whether Route finds an operation, which costs less.
func (s *Service) HasRoute(r *http.Request, path string) bool {
	return s.mostParticular(r, strings.TrimPrefix(path, "/"), queryOf(r)) != nil
}

func queryOf(r *http.Request) url.Values {
	if r.URL.RawQuery == "" {
		return nil
	}
	return r.URL.Query()
}

func (s *Service) route(r *http.Request, path string, query url.Values) (*Operation, map[string]string) {
	path = strings.TrimPrefix(path, "/")
	found := s.mostParticular(r, path, query)
	if found == nil {
		return nil, nil
	}
	labels := map[string]string{}
	pattern, _, _ := strings.Cut(found.URI, "?")
	match(pattern, path, func(name, text string) { labels[name] = text })
	return found, labels
}

// mostParticular is the operation that Route finds; nil for none.
func (s *Service) mostParticular(r *http.Request, path string, query url.Values) (found *Operation) {
	most := -1
	for _, all := range [...][]*Operation{s.Operations, s.MissingRoutes} {
		for _, op := range all {
			if op.Method != r.Method {
				continue
			}
			pattern, fixed, _ := strings.Cut(op.URI, "?")
			if fixed != "" && len(query) == 0 {
				continue
			}
			params, has := hasAll(query, fixed)
			if !has {
				continue
			}
			needs, has := op.needed(r.Header, query)
			if !has {
				continue
			}
			literals, ok := match(pattern, path, nil)
			if rank := literals + 100*params + 10000*needs; ok && rank > most {
				found, most = op, rank
			}
		}
	}
	return found
}

// needed reports whether a request has what the operation needs, and counts that.
func (op *Operation) needed(h http.Header, query url.Values) (n int, ok bool) {
	if len(op.NeedsQuery) > 0 {
		if !slices.ContainsFunc(op.NeedsQuery, query.Has) {
			return 0, false
		}
		n++
	}
	for _, name := range op.NeedsHeaders {
		if h.Get(name) == "" {
			return 0, false
		}
		n++
	}
	return n, true
}

// match walks a pattern and an escaped path side by side, and counts the
// segments that are equal to the letter.
func match(pattern, path string, label func(name, text string)) (literals int, ok bool) {
	pattern = strings.Trim(pattern, "/")
	for {
		want, moreWanted, goOn := strings.Cut(pattern, "/")
		name, isLabel := strings.CutPrefix(strings.TrimSuffix(want, "}"), "{")
		name, greedy := strings.CutSuffix(name, "+")
		got, rest, more := strings.Cut(path, "/")
		if greedy {
			got, rest, more = path, "", false
		}
		if isLabel {
			if greedy {
				// Of a key, AWS takes a plus for a space, as in a form. Its clients write %2B
				// for one (aws-sdk-ruby#654).
				got = strings.ReplaceAll(got, "+", "%20")
			}
			text, err := url.PathUnescape(got)
			if err != nil || text == "" {
				return 0, false
			}
			if label != nil {
				label(name, text)
			}
		} else {
			if got != want {
				return 0, false
			}
			literals++
		}
		switch {
		case !goOn:
			return literals, !more || rest == ""
		case !more:
			return 0, false
		}
		pattern, path = moreWanted, rest
	}
}

// hasAll reports whether a query string has the fixed parameters, and counts them.
func hasAll(query url.Values, fixed string) (n int, ok bool) {
	if fixed == "" {
		return 0, true
	}
	for param := range strings.SplitSeq(fixed, "&") {
		name, value, given := strings.Cut(param, "=")
		if !query.Has(name) || given && query.Get(name) != value {
			return 0, false
		}
		n++
	}
	return n, true
}
