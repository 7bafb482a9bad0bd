package sigv4

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// canonical is the canonical request: the text that is signed, with a path as it is
// encoded in it.
func (s *Signature) canonical(r *http.Request, path string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + path + "\n" + canonicalQuery(r.URL.RawQuery) + "\n")
	for _, name := range s.SignedHeaders {
		values := headerValues(r, name)
		for i := range values {
			values[i] = strings.Join(strings.FieldsFunc(values[i], isSpace), " ")
		}
		b.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	b.WriteString("\n" + strings.Join(s.SignedHeaders, ";") + "\n" + s.Payload)
	return b.String()
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' }

// headerValues are a request's values of a header, also of those that net/http takes
// out of it. The values may be changed.
func headerValues(r *http.Request, name string) []string {
	switch name {
	case "host":
		return []string{r.Host}
	case "content-length":
		if r.Header.Get("Content-Length") == "" && r.ContentLength >= 0 {
			return []string{strconv.FormatInt(r.ContentLength, 10)}
		}
	case "transfer-encoding":
		return slices.Clone(r.TransferEncoding)
	}
	return slices.Clone(r.Header[http.CanonicalHeaderKey(name)])
}

// rawPath is the path as the client has sent it.
func rawPath(r *http.Request) string {
	path := r.URL.EscapedPath()
	if strings.HasPrefix(r.RequestURI, "/") {
		path, _, _ = strings.Cut(r.RequestURI, "?")
	}
	if path == "" {
		return "/"
	}
	return path
}

// canonicalPath encodes each byte once but the unreserved ones and the slash. S3 is the
// one service that does not normalize paths.
func canonicalPath(raw string) string {
	path, err := url.PathUnescape(raw)
	if err != nil {
		return raw
	}
	return encode(path, true)
}

// canonicalQuery sorts the parameters by their encoded names and values. The signature
// itself is left out.
func canonicalQuery(raw string) string {
	type parameter struct{ name, value string }
	var all []parameter
	for part := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		if part == "" || name == "X-Amz-Signature" {
			continue
		}
		all = append(all, parameter{encodeAgain(name), encodeAgain(value)})
	}
	slices.SortFunc(all, func(a, b parameter) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.value, b.value)) })
	var b strings.Builder
	for i, p := range all {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name + "=" + p.value)
	}
	return b.String()
}

// encodeAgain decodes a part of a query and encodes it as AWS does.
func encodeAgain(text string) string {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		plain = text
	}
	return encode(plain, false)
}

// encode is the UriEncode of AWS's documentation.
func encode(text string, keepSlash bool) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~", c) >= 0, keepSlash && c == '/':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}
