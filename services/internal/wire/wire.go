package wire

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A Request is what a codec reads.
type Request struct {
	HTTP   *http.Request
	Body   []byte            // all of it; in the REST protocols a payload that is bytes becomes a part of the input
	Form   url.Values        // query protocol: of the query string and the body
	Labels map[string]string // REST protocols: of the path, from Service.Route
}

// Decode reads a request into in, which op.NewInput made. An error is an *Error:
// a SerializationException, or what the protocol has in its place.
func Decode(p Protocol, op *Operation, r *Request, in any) error {
	if err := decode(p, op, r, reflect.ValueOf(in).Elem()); err != nil {
		return err
	}
	return nil
}

func decode(p Protocol, op *Operation, r *Request, v reflect.Value) *Error {
	switch p {
	case AWSJSON:
		if len(r.Body) == 0 {
			return nil
		}
		d := decoder{reader: &jsonReader{in: r.Body}}
		return d.document(op.Input, v)
	case CBOR:
		if len(r.Body) == 0 {
			return nil
		}
		d := decoder{reader: &cborReader{in: r.Body}}
		return d.document(op.Input, v)
	case AWSQuery:
		form, err := parseForm(r.Form)
		if err == nil {
			err = form.structure(op.Input, v)
		}
		if err != nil {
			return &Error{Code: "MalformedInput", Status: 400, Message: err.Message}
		}
		return nil
	}
	return decodeREST(p, r, op.Input, v)
}

const xmlHeader = `<?xml version="1.0"?>` + "\n"

// EncodeResult answers a request with what its operation returned.
func EncodeResult(w http.ResponseWriter, p Protocol, s *Service, op *Operation, r *Request, requestID string, out any) error {
	v := reflect.ValueOf(out).Elem()
	h := w.Header()
	status := op.Status
	if status == 0 {
		status = http.StatusOK
	}
	var body []byte
	switch p {
	case AWSJSON:
		h["Content-Type"] = jsonType(s)
		j := jsonWriters.Get().(*jsonWriter)
		defer j.free()
		encodeStructure(j, op.Output, v)
		body = j.out
	case CBOR:
		c := cborWriter{}
		encodeStructure(&c, op.Output, v)
		body = c.out
		setCBOR(h)
	case AWSQuery:
		if acceptsJSON(r) {
			h.Set("Content-Type", "application/json")
			body = queryJSON(s, op, requestID, v)
		} else {
			h.Set("Content-Type", "text/xml")
			body = queryXML(s, op, requestID, v)
		}
	default:
		status, body = encodeREST(p, h, op, status, v)
	}
	return reply(w, p, status, requestID, body)
}

// reply sends an answer whose other headers are set.
func reply(w http.ResponseWriter, p Protocol, status int, requestID string, body []byte) error {
	h := w.Header()
	values := []string{requestID, ""}
	h["X-Amzn-Requestid"] = values[:1:1]
	if p == RestXML {
		h.Set("X-Amz-Request-Id", requestID)
	}
	if status != http.StatusNoContent && h["Content-Length"] == nil { // an answer to HEAD may tell another body's
		values[1] = strconv.Itoa(len(body))
		h["Content-Length"] = values[1:]
	}
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}

var jsonTypes = map[string][]string{
	"1.0": {"application/x-amz-json-1.0"},
	"1.1": {"application/x-amz-json-1.1"},
}

// jsonType is the Content-Type of a service's awsJson answers.
func jsonType(s *Service) []string {
	if t := jsonTypes[s.JSONVersion]; t != nil {
		return t
	}
	return jsonTypes["1.0"]
}

// setCBOR says that an answer is CBOR; clients refuse one that does not.
func setCBOR(h http.Header) {
	h.Set("Content-Type", "application/cbor")
	h.Set("Smithy-Protocol", "rpc-v2-cbor")
}

// acceptsJSON reports whether a query request asks for the JSON that AWS's query
// front can also write.
func acceptsJSON(r *Request) bool {
	return strings.Contains(r.HTTP.Header.Get("Accept"), "application/json")
}

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

// queryJSON is the same as JSON. What is not there is null in it, maps are lists
// of pairs, and SQS's lists begin with a small letter.
func queryJSON(s *Service, op *Operation, requestID string, v reflect.Value) []byte {
	w := jsonWriter{query: true}
	w.begin(Structure)
	w.key(op.Name + "Response")
	w.begin(Structure)
	if op.ResultWrapper != "" {
		w.key(op.ResultWrapper)
		out := *op.Output
		if s.SigningName == "sqs" {
			out.Members = slices.Clone(out.Members)
			for i, m := range out.Members {
				if m.Name == "Messages" || m.Name == "QueueUrls" {
					small := *m
					small.Name = strings.ToLower(m.Name[:1]) + m.Name[1:]
					out.Members[i] = &small
				}
			}
		}
		encodeStructure(&w, &out, v)
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
