package wire

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// NotSupported is the answer of an operation that a service does not implement.
func NotSupported(operation string) *Error {
	return &Error{Code: "NotImplemented", Status: http.StatusNotImplemented, Fault: true,
		Message: "The operation " + operation + " is not supported by Millrace."}
}

// unsupported is the text for an operation of AWS's that Millrace has not.
func (s *Service) unsupported(name string) string {
	return "The operation " + name + " of " + s.Name + " is not supported by Millrace."
}

// unknown is AWS's answer to a name that the service does not have, or that is not
// supported; it says which of the two.
func (s *Service) unknown(name string) *Error {
	e := &Error{Code: "UnknownOperationException", Status: http.StatusBadRequest}
	if slices.Contains(s.MissingOps, name) {
		e.Message = s.unsupported(name)
	}
	return e
}

// unknownPath is the same for a service whose operations are paths.
func (s *Service) unknownPath(r *Request) *Error {
	return &Error{Code: "UnknownOperationException", Status: http.StatusNotFound,
		Message: fmt.Sprintf("No operation of %s that Millrace supports answers %s %s.", s.Name, r.HTTP.Method, r.HTTP.URL.Path)}
}

// exception returns the model's shape of an error, or nil.
func (s *Service) exception(code string) *Shape {
	for _, sh := range s.Errors {
		if sh.Name == code {
			return sh
		}
	}
	return nil
}

// qualified is the type of an error as SQS writes it: errors that are not in its
// model are those of the framework under AWS's services (http4k#1336).
func (s *Service) qualified(code string) string {
	switch {
	case s.ShapePrefix == "":
		return code
	case s.exception(code) == nil:
		return "com.amazon.coral.service#" + code
	}
	return s.ShapePrefix + "#" + code
}

func (e *Error) queryCode(sh *Shape) string {
	switch {
	case e.QueryCode != "":
		return e.QueryCode
	case sh != nil:
		return first(sh.Error.Code, e.Code)
	}
	return e.Code
}

// encode writes the error as a document: its type, unless that stands in a
// header, the message, and its other fields. Members of the shape that are
// headers become headers.
func (e *Error) encode(w writer, sh *Shape, h http.Header, typ string) {
	message, fields := "message", maps.Clone(e.Fields)
	if sh != nil {
		for _, m := range sh.Members {
			switch {
			case strings.EqualFold(m.Name, "message"):
				message = m.wire()
			case m.Location == "header" && fields[m.wire()] != nil:
				h.Set(m.wire(), fmt.Sprint(fields[m.wire()]))
				delete(fields, m.wire())
			case m.Name == "Type" && fields["Type"] == nil: // Lambda tells whose fault it was
				fields = with(fields, "Type", e.party())
			}
		}
	}
	w.begin(Structure)
	if typ != "" {
		w.key("__type")
		w.text(typ)
	}
	if e.Message != "" {
		w.key(message)
		w.text(e.Message)
	}
	encodeFields(w, fields)
	w.end(Structure)
}

// side says whose fault an error is, in the query protocol's words.
func (e *Error) side() string {
	if e.Fault {
		return "Receiver"
	}
	return "Sender"
}

// party is the same in the words of REST services.
func (e *Error) party() string {
	if e.Fault {
		return "Service"
	}
	return "User"
}

// setQueryError tells a service's clients of the query protocol's days the code that
// they know.
func (s *Service) setQueryError(h http.Header, e *Error, sh *Shape) {
	if s.QueryCompat {
		h.Set("X-Amzn-Query-Error", e.queryCode(sh)+";"+e.side())
	}
}

func with(fields map[string]any, name string, value any) map[string]any {
	if fields == nil {
		fields = map[string]any{}
	}
	fields[name] = value
	return fields
}
