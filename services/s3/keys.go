package s3

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"millrace/services/internal/kit"
)

// maxKey is how long a key may be, in bytes.
const maxKey = 1024

// checkKey refuses a key that no object can have: bytes that are no UTF-8 could be put,
// but neither a list nor an event could name them.
func checkKey(key string) error {
	if !utf8.ValidString(key) {
		return refusal("InvalidURI", http.StatusBadRequest, "Couldn't parse the specified URI.", "URI", encodeKey(key))
	}
	if len(key) > maxKey {
		return refusal("KeyTooLongError", http.StatusBadRequest, "Your key is too long",
			"Size", strconv.Itoa(len(key)), "MaxSizeAllowed", strconv.Itoa(maxKey))
	}
	return nil
}

// A keyEncoding is how a list writes keys, and what is made of keys: as they are, or as
// in a URL, for those that XML cannot hold.
type keyEncoding bool

// parseEncoding reads the parameter encoding-type.
func parseEncoding(text *string) (keyEncoding, error) {
	if text != nil && *text != "url" {
		return false, invalidArgument("Invalid Encoding Method specified in Request", "encoding-type", *text)
	}
	return text != nil, nil
}

// name is what an answer says of the encoding; nil for none.
func (e keyEncoding) name() *string {
	if e {
		return new("url")
	}
	return nil
}

// encode writes a key.
func (e keyEncoding) encode(key string) string {
	if e {
		return encodeKey(key)
	}
	return key
}

// text is encode for what an answer always has.
func (e keyEncoding) text(key string) *string { return new(e.encode(key)) }

// optional is text for what an answer leaves out when it is empty.
func (e keyEncoding) optional(key string) *string {
	return kit.Optional(e.encode(key))
}

// encodeKey writes a key as a form has it, but for its slashes: a space is a plus.
func encodeKey(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}
