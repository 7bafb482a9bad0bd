package wire

import (
	"net/http"
	"net/url"
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

// Route finds the operation of a REST protocol whose method, path and fixed
// query string a request has, and the labels of its path, decoded. Of several
// the most particular one is it. A slash at the end does not matter, but in a
// greedy label, which is the rest of a path as it is.
func (s *Service) Route(r *http.Request) (*Operation, map[string]string) {
	var query url.Values
	if r.URL.RawQuery != "" {
		query = r.URL.Query()
	}
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	var found *Operation
	most := -1
	for _, op := range s.Operations {
		if op.Method != r.Method {
			continue
		}
		pattern, fixed, _ := strings.Cut(op.URI, "?")
		literals, ok := match(pattern, path, nil)
		params, has := hasAll(query, fixed)
		if rank := literals + 100*params; ok && has && rank > most {
			found, most = op, rank
		}
	}
	if found == nil {
		return nil, nil
	}
	labels := map[string]string{}
	pattern, _, _ := strings.Cut(found.URI, "?")
	match(pattern, path, func(name, text string) { labels[name] = text })
	return found, labels
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
