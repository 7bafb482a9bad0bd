package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// awsQuery is the query protocol: a form whose Action names the operation, in the
// body or in the query string, and answers in XML or, for who asks, JSON.
type awsQuery struct{}

func (awsQuery) String() string { return "awsQuery" }

func (awsQuery) Matches(r *Request) bool {
	return r.Target == "" && (r.Form.Has("Action") || r.IsForm())
}

// ServiceName is the form's Version.
func (awsQuery) ServiceName(r *Request) string { return r.Form.Get("Version") }

func (awsQuery) Find(s *Service, r *Request) (*Operation, string) {
	name := r.Form.Get("Action")
	return s.Operation(name), name
}

func (awsQuery) UnknownOperation(s *Service, _ *Request, name string) *Error {
	e := &Error{Code: "InvalidAction", Status: http.StatusBadRequest}
	switch {
	case name == "":
		e.Code, e.Message = "MissingAction", "The request must contain the parameter Action."
	case slices.Contains(s.MissingOps, name):
		e.Message = s.unsupported(name)
	default:
		e.Message = fmt.Sprintf("Could not find operation %s for version %s", name, s.APIVersion)
	}
	return e
}

func (awsQuery) decode(op *Operation, r *Request, v reflect.Value) *Error {
	nameEntries(op, r.Form)
	form, err := parseForm(r.Form)
	if err == nil {
		err = form.structure(op.Input, v)
	}
	if err != nil {
		return &Error{Code: "MalformedInput", Status: 400, Message: err.Message}
	}
	return nil
}

// nameEntries gives the entries of flat lists and maps the names that the model
// has for them, where AWS takes others too:
//
//   - an entry without a number is the first: AWS's own examples ask for
//     AttributeName=All and set Attribute.Name and Attribute.Value
//     (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html);
//     but nothing at all is no entry, since SDKs wrote an empty list so
//   - the member's name stands for the entries', as in the Tags.1.Key of the Java
//     SDKs (aws/aws-sdk-java-v2#2524)
//
// An entry that is there under the model's name stays as it came.
func nameEntries(op *Operation, form url.Values) {
	for _, m := range op.Input.Members {
		if m.Query == "" || !m.flat() {
			continue
		}
		for key, texts := range form {
			for _, name := range [...]string{m.Query, m.Name} {
				rest, ok := strings.CutPrefix(key, name)
				if ok && (rest == "" && form.Get(key) != "" || len(rest) > 1 && rest[0] == '.') {
					if rest == "" || rest[1] < '0' || rest[1] > '9' {
						rest = ".1" + rest
					}
					if !form.Has(m.Query + rest) {
						form[m.Query+rest] = texts
					}
				}
			}
		}
	}
}

func (awsQuery) encodeResult(w http.ResponseWriter, s *Service, op *Operation, r *Request, requestID string, v reflect.Value) error {
	if acceptsJSON(r) {
		w.Header().Set("Content-Type", "application/json")
		return reply(w, op.ok(), requestID, queryJSON(op, requestID, v))
	}
	w.Header().Set("Content-Type", "text/xml")
	return reply(w, op.ok(), requestID, queryXML(s, op, requestID, v))
}

func (awsQuery) encodeError(h http.Header, s *Service, r *Request, requestID string, e *Error) []byte {
	code := e.queryCode(s.exception(e.Code))
	if acceptsJSON(r) {
		h.Set("Content-Type", "application/json")
		return queryErrorJSON(e, code, requestID)
	}
	h.Set("Content-Type", "text/xml")
	return queryErrorXML(s, e, code, requestID)
}

// acceptsJSON reports whether a request asks for the JSON that AWS's query front
// can also write.
func acceptsJSON(r *Request) bool {
	return strings.Contains(r.header("Accept"), "application/json")
}

const xmlHeader = `<?xml version="1.0"?>` + "\n"

func queryXML(s *Service, op *Operation, requestID string, v reflect.Value) []byte {
	b := append(make([]byte, 0, 1024), xmlHeader...)
	b = append(append(append(b, '<'), op.Name...), "Response"...)
	b = append(appendNamespace(b, "", s.XMLNamespace), '>')
	if op.ResultWrapper != "" {
		if body := appendMembers(nil, op.Output, v); len(body) > 0 {
			b = shut(append(open(b, op.ResultWrapper), body...), op.ResultWrapper)
		} else {
			b = append(append(append(b, '<'), op.ResultWrapper...), "/>"...)
		}
	}
	b = appendLeaf(append(b, "<ResponseMetadata>"...), "RequestId", requestID)
	return shut(append(b, "</ResponseMetadata>"...), op.Name+"Response")
}

// queryJSON is the same as JSON. What is not there is null in it, and maps are lists
// of pairs.
func queryJSON(op *Operation, requestID string, v reflect.Value) []byte {
	w := jsonWriter{query: true}
	w.begin(Structure)
	w.key(op.Name + "Response")
	w.begin(Structure)
	if op.ResultWrapper != "" {
		w.key(op.ResultWrapper)
		encodeStructure(&w, namedForQueryJSON(op.Output), v)
	}
	w.key("ResponseMetadata")
	w.begin(Structure)
	w.key("RequestId")
	w.text(requestID)
	w.end(Structure)
	w.end(Structure)
	w.end(Structure)
	return w.out
}

// namedForQueryJSON is a shape whose members have the names of the query protocol's
// JSON.
func namedForQueryJSON(sh *Shape) *Shape {
	if !slices.ContainsFunc(sh.Members, func(m *Member) bool { return m.QueryJSON != "" }) {
		return sh
	}
	named := *sh
	named.Members = slices.Clone(sh.Members)
	for i, m := range named.Members {
		if m.QueryJSON != "" {
			own := *m
			own.Wire = m.QueryJSON
			named.Members[i] = &own
		}
	}
	return &named
}

func queryErrorXML(s *Service, e *Error, code, requestID string) []byte {
	b := append([]byte(xmlHeader), "<ErrorResponse"...)
	b = append(appendNamespace(b, "", s.XMLNamespace), "><Error>"...)
	b = appendLeaf(b, "Type", e.side())
	b = appendLeaf(b, "Code", code)
	b = appendLeaf(b, "Message", e.Message)
	if s.QueryCompat { // of the services of this protocol, SQS alone has it
		b = append(b, "<Detail/>"...)
	}
	b = shut(b, "Error")
	return shut(appendLeaf(b, "RequestId", requestID), "ErrorResponse")
}

func queryErrorJSON(e *Error, code, requestID string) []byte {
	w := jsonWriter{}
	encodeAny(&w, map[string]any{
		"Error":     map[string]any{"Code": code, "Message": e.Message, "Type": e.side()},
		"RequestId": requestID,
	})
	return w.out
}
