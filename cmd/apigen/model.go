package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// A model is an API model in botocore's format, as far as it is used.
type model struct {
	Metadata   metadata              `json:"metadata"`
	Operations map[string]*operation `json:"operations"`
	// Others are the operations that were trimmed away, by name.
	Others []string `json:"others,omitempty"`
	// OtherRoutes are their routes, of a service that refuses them by name.
	OtherRoutes []*operation      `json:"otherRoutes,omitempty"`
	Shapes      map[string]*shape `json:"shapes"`
}

type metadata struct {
	APIVersion     string          `json:"apiVersion"`
	EndpointPrefix string          `json:"endpointPrefix"`
	SigningName    string          `json:"signingName,omitempty"`
	JSONVersion    string          `json:"jsonVersion,omitempty"`
	TargetPrefix   string          `json:"targetPrefix,omitempty"`
	Protocol       string          `json:"protocol"`
	Protocols      []string        `json:"protocols"`
	ServiceID      string          `json:"serviceId"`
	XMLNamespace   namespace       `json:"xmlNamespace,omitzero"`
	QueryCompat    json.RawMessage `json:"awsQueryCompatible,omitempty"`
}

// A namespace stands as a text in metadata and as an object in shapes.
type namespace struct {
	URI    string `json:"uri"`
	Prefix string `json:"prefix,omitempty"`
}

func (n *namespace) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte(`"`)) {
		return json.Unmarshal(b, &n.URI)
	}
	type plain namespace
	return json.Unmarshal(b, (*plain)(n))
}

type operation struct {
	Name   string `json:"name"`
	HTTP   http   `json:"http"`
	Input  *ref   `json:"input,omitempty"`
	Output *ref   `json:"output,omitempty"`
	Errors []*ref `json:"errors,omitempty"`

	// Needs are names of parameters and headers that tell the operation from others of
	// the same method and path, see needs.go.
	Needs      *needs `json:"needs,omitempty"`
	Deprecated bool   `json:"deprecated,omitempty"`
}

type http struct {
	Method       string `json:"method"`
	RequestURI   string `json:"requestUri"`
	ResponseCode int    `json:"responseCode,omitempty"`
}

// A ref is a use of a shape.
type ref struct {
	Shape           string    `json:"shape"`
	Location        string    `json:"location,omitempty"`
	LocationName    string    `json:"locationName,omitempty"`
	QueryName       string    `json:"queryName,omitempty"`
	QueryJSONName   string    `json:"queryJsonName,omitempty"` // restored, see sqs.go
	ResultWrapper   string    `json:"resultWrapper,omitempty"`
	TimestampFormat string    `json:"timestampFormat,omitempty"`
	Flattened       bool      `json:"flattened,omitempty"`
	XMLAttribute    bool      `json:"xmlAttribute,omitempty"`
	JSONValue       bool      `json:"jsonvalue,omitempty"`
	Streaming       bool      `json:"streaming,omitempty"`
	EventHeader     bool      `json:"eventheader,omitempty"`
	EventPayload    bool      `json:"eventpayload,omitempty"`
	XMLNamespace    namespace `json:"xmlNamespace,omitzero"`
	Payload         string    `json:"payload,omitempty"` // protocol tests only
}

type shape struct {
	Type            string          `json:"type"`
	Members         map[string]*ref `json:"members,omitempty"`
	Required        []string        `json:"required,omitempty"`
	Payload         string          `json:"payload,omitempty"`
	Member          *ref            `json:"member,omitempty"`
	Key             *ref            `json:"key,omitempty"`
	Value           *ref            `json:"value,omitempty"`
	Min             *float64        `json:"min,omitempty"`
	Max             *float64        `json:"max,omitempty"`
	Pattern         string          `json:"pattern,omitempty"`
	Enum            []string        `json:"enum,omitempty"`
	Sensitive       bool            `json:"sensitive,omitempty"`
	Flattened       bool            `json:"flattened,omitempty"`
	TimestampFormat string          `json:"timestampFormat,omitempty"`
	Location        string          `json:"location,omitempty"` // protocol tests only
	LocationName    string          `json:"locationName,omitempty"`
	XMLNamespace    namespace       `json:"xmlNamespace,omitzero"`
	Exception       bool            `json:"exception,omitempty"`
	Streaming       bool            `json:"streaming,omitempty"`
	EventStream     bool            `json:"eventstream,omitempty"`
	Fault           bool            `json:"fault,omitempty"`

	exceptions map[string]*ref // of a stream of events, taken out of Members
	Error      *errorTrait     `json:"error,omitempty"`
}

type errorTrait struct {
	Code           string `json:"code,omitempty"`
	HTTPStatusCode int    `json:"httpStatusCode,omitempty"`
	SenderFault    bool   `json:"senderFault,omitempty"`
}

func readModel(path string) (*model, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := &model{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// trim leaves the named operations with the shapes that they reach; the others
// stay by name, and by their routes if withRoutes.
func (m *model) trim(operations []string, withRoutes bool) error {
	if withRoutes {
		m.tellApart()
		m.dropOldNames(operations)
	}
	if operations != nil {
		for _, name := range operations {
			if m.Operations[name] == nil {
				return fmt.Errorf("the model has no operation %s", name)
			}
		}
		for name := range m.Operations {
			if !slices.Contains(operations, name) {
				if !slices.Contains(m.Others, name) { // else it was added to a model that is trimmed already
					m.addOther(name, withRoutes && !m.sharesRoute(m.Operations[name], operations))
				}
				delete(m.Operations, name)
			}
		}
		slices.Sort(m.Others)
		slices.SortFunc(m.OtherRoutes, func(a, b *operation) int { return strings.Compare(a.Name, b.Name) })
	}
	used := m.reachable()
	maps.DeleteFunc(m.Shapes, func(name string, _ *shape) bool { return !used[name] })
	return nil
}

// addOther notes an operation that is trimmed away.
func (m *model) addOther(name string, withRoute bool) {
	m.Others = append(m.Others, name)
	if op := m.Operations[name]; withRoute {
		m.OtherRoutes = append(m.OtherRoutes, &operation{Name: name, HTTP: op.HTTP, Needs: op.Needs})
	}
}

// reachable are the names of the shapes that the operations lead to.
func (m *model) reachable() map[string]bool {
	used := map[string]bool{}
	var walk func(refs ...*ref)
	walk = func(refs ...*ref) {
		for _, r := range refs {
			if r == nil || used[r.Shape] {
				continue
			}
			used[r.Shape] = true
			s := m.Shapes[r.Shape]
			walk(s.Member, s.Key, s.Value)
			for _, member := range s.Members {
				walk(member)
			}
			for _, exception := range s.exceptions {
				walk(exception)
			}
		}
	}
	for _, op := range m.Operations {
		walk(op.Input, op.Output)
		walk(op.Errors...)
	}
	return used
}
