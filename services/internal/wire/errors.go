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

// EncodeError answers a request with an error. Where the service's model has the
// error, its members' names are the model's.
func EncodeError(w http.ResponseWriter, p Protocol, s *Service, r *Request, requestID string, e *Error) {
	h := w.Header()
	shape := s.exception(e.Code)
	code, side := e.queryCode(shape), "Sender"
	if e.Fault {
		side = "Receiver"
	}
	if s.QueryCompat && (p == AWSJSON || p == CBOR) {
		h.Set("X-Amzn-Query-Error", code+";"+side)
	}
	var body []byte
	switch p {
	case AWSQuery:
		if acceptsJSON(r) {
			h.Set("Content-Type", "application/json")
			body = queryErrorJSON(e, code, side, requestID)
		} else {
			h.Set("Content-Type", "text/xml")
			body = queryErrorXML(s, e, code, side, requestID)
		}
	case RestXML:
		h.Set("Content-Type", "application/xml")
		body = restErrorXML(e, requestID)
	case RestJSON:
		h.Set("Content-Type", "application/json")
		h.Set("X-Amzn-Errortype", e.Code)
		j := &jsonWriter{}
		e.encode(j, shape, h, "")
		body = j.out
	case CBOR:
		setCBOR(h)
		c := &cborWriter{}
		e.encode(c, shape, h, s.qualified(e.Code))
		body = c.out
	default:
		h["Content-Type"] = jsonType(s)
		j := &jsonWriter{}
		e.encode(j, shape, h, s.qualified(e.Code))
		body = j.out
	}
	reply(w, p, e.Status, requestID, body)
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
				fields = with(fields, "Type", e.side())
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

func (e *Error) side() string {
	if e.Fault {
		return "Service"
	}
	return "User"
}

func with(fields map[string]any, name string, value any) map[string]any {
	if fields == nil {
		fields = map[string]any{}
	}
	fields[name] = value
	return fields
}

func queryErrorXML(s *Service, e *Error, code, side, requestID string) []byte {
	b := append([]byte(xmlHeader), "<ErrorResponse"...)
	b = append(appendNamespace(b, "", s.XMLNamespace), "><Error>"...)
	b = appendLeaf(b, "Type", side)
	b = appendLeaf(b, "Code", code)
	b = appendLeaf(b, "Message", e.Message)
	b = append(b, "<Detail/></Error>"...)
	return shut(appendLeaf(b, "RequestId", requestID), "ErrorResponse")
}

func queryErrorJSON(e *Error, code, side, requestID string) []byte {
	w := jsonWriter{}
	encodeAny(&w, map[string]any{
		"Error":     map[string]any{"Code": code, "Message": e.Message, "Type": side},
		"RequestId": requestID,
	})
	return w.out
}

// restErrorXML is an error as S3 has it: with no wrapper.
func restErrorXML(e *Error, requestID string) []byte {
	b := append([]byte(xmlHeader), "<Error>"...)
	b = appendLeaf(b, "Code", e.Code)
	b = appendLeaf(b, "Message", e.Message)
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		b = appendLeaf(b, name, fmt.Sprint(e.Fields[name]))
	}
	return shut(appendLeaf(b, "RequestId", requestID), "Error")
}
