package sns

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"millrace/runtime/queue"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// attributes checks message attributes and puts them in the order of their names. A
// message has as many as fit into its size.
func attributes(in map[string]*api.MessageAttributeValue) ([]queue.Attribute, error) {
	if len(in) == 0 {
		return nil, nil
	}
	all := make([]queue.Attribute, 0, len(in))
	for _, name := range slices.Sorted(maps.Keys(in)) {
		a, err := attribute(name, in[name])
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func attribute(name string, v *api.MessageAttributeValue) (queue.Attribute, error) {
	if v == nil {
		v = &api.MessageAttributeValue{}
	}
	a := queue.Attribute{Name: name, DataType: kit.Value(v.DataType)}
	if err := checkAttributeName(name); err != nil {
		return a, err
	}
	base, label, labelled := strings.Cut(a.DataType, ".")
	if base != "String" && base != "Number" && base != "Binary" || labelled && label == "" {
		return a, badMessageAttribute("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
	}
	a.DataType = text(a.DataType)
	field, given, other := "String", v.StringValue != nil, v.BinaryValue != nil
	if v.StringValue != nil {
		a.Value = []byte(text(*v.StringValue))
	}
	if base == "Binary" {
		field, given, other, a.Value = "Binary", other, given, v.BinaryValue
	}
	switch {
	case !given && other:
		return a, badMessageAttribute("The message attribute '%s' with type '%s' must use field '%s'.", name, a.DataType, field)
	case len(a.Value) == 0:
		return a, badMessageAttribute("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, a.DataType)
	}
	return a, nil
}

// checkAttributeName checks the name of a message attribute. Unlike SQS, SNS has no
// reserved prefixes: AWS.SNS.SMS.SenderID is an attribute of its own.
func checkAttributeName(name string) error {
	switch {
	case name == "":
		return badMessageAttribute("Length of message attribute name must be at least 1 byte.")
	case len(name) > 256:
		return badMessageAttribute("Length of message attribute name must be less than 256 bytes.")
	case name[0] == '.':
		return badMessageAttribute("Invalid message attribute name starting with character '.' was found.")
	case name[len(name)-1] == '.':
		return badMessageAttribute("Invalid message attribute name ending with character '.' was found.")
	}
	dot := false
	for _, r := range name {
		switch {
		case r == '.' && dot:
			return badMessageAttribute("Message attribute name can not have successive '.' character.")
		case r != '.' && !isWord(r):
			return badMessageAttribute("Invalid non-alphanumeric character '#x%X' was found in the message attribute name. "+
				"Can only include alphanumeric characters, hyphens, underscores, or dots.", r)
		}
		dot = r == '.'
	}
	return nil
}

// isWord reports whether a character is one of A-Z a-z 0-9 _ -.
func isWord(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '-'
}

func badMessageAttribute(format string, args ...any) *wire.Error {
	return api.ErrInvalidParameterValueException(fmt.Sprintf(format, args...))
}
