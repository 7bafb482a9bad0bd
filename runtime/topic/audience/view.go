package audience

import "millrace/runtime/pattern"

// A view is a message as patterns see it. Each part is made when it is first asked
// for. It is of one goroutine.
type view struct {
	message Message

	attributesRead bool
	attributeMap   map[string]any
	malformed      []string // attributes that are not what their type says

	bodyRead bool
	bodyMap  map[string]any // nil when the body is no JSON object
}

// attributes are the message attributes by name; an empty map if there are none.
func (v *view) attributes() map[string]any {
	if !v.attributesRead {
		v.attributesRead = true
		v.attributeMap = make(map[string]any, len(v.message.Attributes))
		for _, a := range v.message.Attributes {
			value := pattern.Attribute(a.DataType, string(a.Value))
			if value == pattern.Opaque && !isBinary(a.DataType) {
				v.malformed = append(v.malformed, a.Name)
			}
			v.attributeMap[a.Name] = value
		}
	}
	return v.attributeMap
}

func isBinary(dataType string) bool {
	return len(dataType) >= 6 && dataType[:6] == "Binary"
}

// body is the message's body, if it is a JSON object.
func (v *view) body() (map[string]any, bool) {
	if !v.bodyRead {
		v.bodyRead = true
		v.bodyMap, _ = pattern.Body(v.message.Body)
	}
	return v.bodyMap, v.bodyMap != nil
}
