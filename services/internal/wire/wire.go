package wire

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
)

// A Request is what a codec reads.
type Request struct {
	HTTP   *http.Request
	Body   []byte
	Form   url.Values        // query protocol: of the query string and the body
	Labels map[string]string // REST protocols: of the URI
}

// NotImitated is the answer of an operation that a service does not implement.
func NotImitated(operation string) *Error {
	return &Error{Code: "NotImplemented", Status: http.StatusNotImplemented, Fault: true,
		Message: "The operation " + operation + " is not imitated by Millrace."}
}

// Operation returns the operation of a name, or nil.
func (s *Service) Operation(name string) *Operation {
	for _, op := range s.Operations {
		if op.Name == name {
			return op
		}
	}
	return nil
}

// Decode reads a request into in, what op.NewInput returned. Its error is an
// *Error.
func Decode(p Protocol, op *Operation, r *Request, in any) error {
	v := reflect.ValueOf(in).Elem()
	var err *Error
	switch p {
	case AWSJSON:
		err = decodeJSON(r.Body, op.Input, v)
	case AWSQuery:
		err = decodeQuery(r.Form, op.Input, v)
	case RestJSON:
		err = decodeREST(r, op.Input, v)
	default:
		return serialization("The protocol is not spoken here.")
	}
	if err != nil {
		return err
	}
	return nil
}

// EncodeResult writes the answer of an operation.
func EncodeResult(w http.ResponseWriter, p Protocol, s *Service, op *Operation, r *Request, requestID string, out any) error {
	v := reflect.ValueOf(out).Elem()
	h := w.Header()
	h.Set("X-Amzn-Requestid", requestID)
	status := op.Status
	if status == 0 {
		status = http.StatusOK
	}
	var body []byte
	switch p {
	case AWSJSON:
		h.Set("Content-Type", "application/x-amz-json-"+s.JSONVersion)
		body = appendJSON(make([]byte, 0, 512), op.Output, "", v)
	case AWSQuery:
		if acceptsJSON(r) {
			h.Set("Content-Type", "application/json")
			body = queryJSON(op, requestID, v)
			break
		}
		h.Set("Content-Type", "text/xml")
		body = queryXML(s, op, requestID, v)
	case RestJSON:
		body, status = encodeREST(h, op.Output, status, v)
	}
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}

// EncodeError writes an error in the protocol of the request.
func EncodeError(w http.ResponseWriter, p Protocol, s *Service, r *Request, requestID string, e *Error) {
	h := w.Header()
	h.Set("X-Amzn-Requestid", requestID)
	queryCode := e.QueryCode
	if queryCode == "" {
		queryCode = strings.TrimSuffix(e.Code, "Exception")
		if s.ShapePrefix == "" || strings.HasSuffix(e.Code, "Exception") && p != AWSQuery {
			queryCode = e.Code
		}
	}
	side := "Sender"
	if e.Fault {
		side = "Receiver"
	}
	var body []byte
	switch p {
	case AWSQuery:
		if acceptsJSON(r) {
			h.Set("Content-Type", "application/json")
			body = append(appendText([]byte(`{"Error":{"Code":`), queryCode), `,"Message":`...)
			body = append(appendText(body, e.Message), `,"Type":`...)
			body = append(appendText(body, side), `},"RequestId":`...)
			body = append(appendText(body, requestID), '}')
			break
		}
		h.Set("Content-Type", "text/xml")
		body = append(body, `<?xml version="1.0"?><ErrorResponse`...)
		if s.XMLNamespace != "" {
			body = append(append(append(body, ` xmlns="`...), s.XMLNamespace...), '"')
		}
		body = append(append(body, "><Error><Type>"...), side...)
		body = append(append(body, "</Type><Code>"...), queryCode...)
		body = append(appendEscaped(append(body, "</Code><Message>"...), e.Message), "</Message><Detail/></Error><RequestId>"...)
		body = append(append(body, requestID...), "</RequestId></ErrorResponse>"...)
	case RestJSON:
		h.Set("Content-Type", "application/json")
		h.Set("X-Amzn-Errortype", e.Code)
		body = restError(e)
	default:
		h.Set("Content-Type", "application/x-amz-json-"+s.JSONVersion)
		if s.QueryCompat {
			h.Set("X-Amzn-Query-Error", queryCode+";"+side)
		}
		code := e.Code
		if s.ShapePrefix != "" {
			code = s.ShapePrefix + "#" + code
		}
		body = appendText([]byte(`{"__type":`), code)
		if e.Message != "" {
			body = appendText(append(body, `,"message":`...), e.Message)
		}
		body = append(body, '}')
	}
	w.WriteHeader(e.Status)
	w.Write(body)
}

func acceptsJSON(r *Request) bool {
	return strings.Contains(r.HTTP.Header.Get("Accept"), "application/json")
}

func queryXML(s *Service, op *Operation, requestID string, v reflect.Value) []byte {
	b := append(make([]byte, 0, 1024), `<?xml version="1.0"?><`...)
	b = append(append(b, op.Name...), `Response xmlns="`...)
	b = append(append(b, s.XMLNamespace...), `">`...)
	if len(op.Output.Members) > 0 {
		if body := appendXML(nil, op.Output, v); len(body) > 0 {
			b = shut(append(open(b, op.ResultWrapper), body...), op.ResultWrapper)
		} else {
			b = append(append(append(b, '<'), op.ResultWrapper...), "/>"...)
		}
	}
	b = append(append(append(b, "<ResponseMetadata><RequestId>"...), requestID...), "</RequestId></ResponseMetadata>"...)
	return append(append(append(b, "</"...), op.Name...), "Response>"...)
}

// queryJSON is what AWS's query front answers to Accept: application/json.
func queryJSON(op *Operation, requestID string, v reflect.Value) []byte {
	b := append(appendText([]byte("{"), op.Name+"Response"), ":{"...)
	if len(op.Output.Members) > 0 {
		b = append(appendText(b, op.ResultWrapper), ':')
		b = append(appendJSON(b, op.Output, "", v), ',')
	}
	b = append(b, `"ResponseMetadata":{"RequestId":`...)
	return append(appendText(b, requestID), "}}}"...)
}
