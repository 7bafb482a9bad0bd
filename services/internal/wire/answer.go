package wire

import (
	"net/http"
	"strconv"
)

// reply sends an answer whose other headers are set.
func reply(w http.ResponseWriter, status int, requestID string, body []byte) error {
	h := w.Header()
	values := []string{requestID, ""}
	if h["X-Amz-Request-Id"] == nil { // S3's name for it
		h["X-Amzn-Requestid"] = values[:1:1]
	}
	if status != http.StatusNoContent && h["Content-Length"] == nil { // an answer to HEAD may tell another body's
		values[1] = strconv.Itoa(len(body))
		h["Content-Length"] = values[1:]
	}
	w.WriteHeader(status)
	if len(body) == 0 { // some answers may have none
		return nil
	}
	_, err := w.Write(body)
	return err
}
