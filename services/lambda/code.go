package lambda

import (
	"net/http"
	"strconv"

	"millrace/runtime/fault"
	"millrace/runtime/function"
)

// codePath is the path that CodeHandler serves.
const codePath = "/_runtime/code/"

// CodeHandler serves the zip files of functions, where GetFunction's
// Code.Location says: GET /_runtime/code/<account>/<region>/<name>.
func (s *Service) CodeHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+codePath+"{account}/{region}/{name}", func(w http.ResponseWriter, r *http.Request) {
		id := function.ID{Account: r.PathValue("account"), Region: r.PathValue("region"), Name: r.PathValue("name")}
		zip, err := s.functions.Code(r.Context(), id)
		switch fault.Of(err) {
		case "":
			w.Header().Set("Content-Type", "application/zip")
			w.Header().Set("Content-Length", strconv.Itoa(len(zip)))
			_, _ = w.Write(zip) // the client may have disconnected
		case fault.NotFound:
			http.NotFound(w, r)
		default:
			http.Error(w, "the code cannot be read now", http.StatusServiceUnavailable)
		}
	})
	return mux
}
