package s3

import (
	"encoding/base64"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"millrace/runtime/object"
	"millrace/services/internal/kit"
)

// maxUserMetadata is how long the names and values of a client's own headers may be in
// all, in bytes.
const maxUserMetadata = 2048

// defaultType is the type of an object whose client has named none. It is not stored: of a
// million objects it would be a tenth of the index.
const defaultType = "binary/octet-stream"

// storedHeaders are the headers of a request that are stored with its object.
type storedHeaders struct {
	contentType, cacheControl, contentDisposition, contentEncoding, contentLanguage, expires *string

	storageClass, redirect *string
	user                   map[string]string
}

// read checks the headers.
func (h *storedHeaders) read() (*object.Headers, error) {
	o := &object.Headers{
		ContentType: kit.Value(h.contentType), CacheControl: kit.Value(h.cacheControl), ContentDisposition: kit.Value(h.contentDisposition),
		ContentEncoding: withoutChunks(kit.Value(h.contentEncoding)), ContentLanguage: kit.Value(h.contentLanguage), Expires: kit.Value(h.expires),
	}
	var err error
	if o.StorageClass, err = storageClass(h.storageClass); err != nil {
		return nil, err
	}
	if o.WebsiteRedirect, err = websiteRedirect(h.redirect); err != nil {
		return nil, err
	}
	o.User, err = userMetadata(h.user)
	return o, err
}

// withoutChunks removes the coding of the request's body, which is none of the object's.
func withoutChunks(encoding string) string {
	if !strings.Contains(encoding, "aws-chunked") {
		return encoding
	}
	codings := strings.Split(encoding, ",")
	codings = slices.DeleteFunc(codings, func(c string) bool { return strings.TrimSpace(c) == "aws-chunked" })
	return strings.TrimSpace(strings.Join(codings, ","))
}

// storageClasses are those that an object in a bucket of a region can have.
var storageClasses = []string{"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR"}

// standard is the storage class of an object that names none. It is not stored.
const standard = "STANDARD"

func storageClass(name *string) (string, error) {
	switch class := kit.ValueOr(name, standard); {
	case class == standard:
		return "", nil
	case slices.Contains(storageClasses, class):
		return class, nil
	default:
		return "", refusal("InvalidStorageClass", http.StatusBadRequest, "The storage class you specified is not valid", "StorageClassRequested", class)
	}
}

// isArchived reports whether an object has to be restored before it can be read.
func isArchived(o *object.Object) bool {
	return o.Headers != nil && (o.Headers.StorageClass == "GLACIER" || o.Headers.StorageClass == "DEEP_ARCHIVE")
}

// shownClass is the storage class in lists.
func shownClass(h *object.Headers) string {
	if h == nil || h.StorageClass == "" {
		return standard
	}
	return h.StorageClass
}

func websiteRedirect(location *string) (string, error) {
	const maxLength = 2048
	text := kit.Value(location)
	switch {
	case text == "":
		return "", nil
	case len(text) > maxLength:
		return "", refusal("InvalidRedirectLocation", http.StatusBadRequest, "The length of website redirect location cannot exceed 2,048 characters.")
	case strings.HasPrefix(text, "/"):
		return text, nil
	}
	if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return "", refusal("InvalidRedirectLocation", http.StatusBadRequest, "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.")
	}
	return text, nil
}

// userMetadata reads a client's own headers, by the rest of their names in lower case.
// Values are texts: bytes beyond ASCII stand for characters of ISO 8859-1, as in all
// headers, and words in the form of RFC 2047 for what they encode (S3 User Guide,
// "Working with object metadata").
func userMetadata(headers map[string]string) (map[string]string, error) {
	if len(headers) == 0 {
		return nil, nil
	}
	var words mime.WordDecoder
	user, size := make(map[string]string, len(headers)), 0
	for name, value := range headers {
		if !isASCII(value) {
			value = fromLatin1(value)
		} else if strings.Contains(value, "=?") {
			if decoded, err := words.DecodeHeader(value); err == nil {
				value = decoded
			}
		}
		name = strings.ToLower(name)
		user[name] = value
		size += len(name) + len(value)
	}
	if size > maxUserMetadata {
		return nil, refusal("MetadataTooLarge", http.StatusBadRequest, "Your metadata headers exceed the maximum allowed metadata size",
			"Size", strconv.Itoa(size), "MaxSizeAllowed", strconv.Itoa(maxUserMetadata))
	}
	return user, nil
}

// shownMetadata are a client's own headers as an answer has them: what is not ASCII is
// encoded by RFC 2047.
func shownMetadata(user map[string]string) map[string]string {
	ascii := true
	for _, value := range user {
		ascii = ascii && isASCII(value)
	}
	if ascii {
		return user
	}
	shown := maps.Clone(user)
	for name, value := range shown {
		if !isASCII(value) {
			shown[name] = "=?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte(value)) + "?="
		}
	}
	return shown
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// fromLatin1 reads bytes as characters of ISO 8859-1.
func fromLatin1(text string) string {
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}
