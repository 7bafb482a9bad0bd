package audience

import (
	"strings"

	"millrace/runtime/pattern"
)

// A view is a message as patterns see it. Each part is made when it is first asked
// for, once for all policies. It is of one goroutine.
type view struct {
	message Message

	attributesRead bool
	attributeMap   map[string]any
	malformed      []string

	bodyRead bool
	bodyMap  map[string]any
}

// attributes are the message attributes by name, and the names of those that are not
// what their type says.
func (v *view) attributes() (byName map[string]any, malformed []string) {
	if !v.attributesRead {
		v.attributesRead = true
		v.attributeMap = make(map[string]any, len(v.message.Attributes))
		for _, a := range v.message.Attributes {
			value := pattern.Attribute(a.DataType, string(a.Value))
			if value == pattern.Opaque && !strings.HasPrefix(a.DataType, "Binary") {
				v.malformed = append(v.malformed, a.Name)
			}
			v.attributeMap[a.Name] = value
		}
	}
	return v.attributeMap, v.malformed
}

// body is the message's body, if it is a JSON object.
func (v *view) body() (body map[string]any, ok bool) {
	if !v.bodyRead {
		v.bodyRead = true
		v.bodyMap, _ = pattern.Body(v.message.Body)
	}
	return v.bodyMap, v.bodyMap != nil
}
