// Package grammar reads the JSON of policy documents, without judging what they
// say: identity policies, trust policies and resource policies are all written
// in this one form.
//
// The grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
package grammar

import (
	"encoding/json"
	"fmt"
	"strings"
)

// The versions of the language. A document without one is of the older, which
// has no policy variables.
const (
	Version2008 = "2008-10-17"
	Version2012 = "2012-10-17"
)

// A Document is a policy's text, read. Elements that are not there are nil or "".
type Document struct {
	Version   string
	ID        string `json:"Id"`
	Statement Statements
}

// A Statement has its elements as they were written.
type Statement struct {
	Sid          string
	Effect       string
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Action       Words
	NotAction    Words
	Resource     Words
	NotResource  Words
	Condition    map[string]map[string]Words // by operator, then by key
}

// Statements are one object or a list of them.
type Statements []Statement

// Words are one text or a list of them. Nil means that the element is missing.
type Words []string

// Read reads a document. It refuses what is not exactly one JSON object, members
// that the language does not have, and members that are there twice: of two
// conditions with one name JSON would quietly forget the first.
func Read(text string) (*Document, error) {
	if err := checkDuplicates(text); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return nil, fmt.Errorf("a policy is a JSON object")
	}
	d := new(Document)
	if err := decode([]byte(text), d); err != nil {
		return nil, err
	}
	return d, nil
}

// UnmarshalJSON takes one statement or several.
func (s *Statements) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return decode(b, (*[]Statement)(s))
	}
	*s = make([]Statement, 1)
	return decode(b, &(*s)[0])
}

// UnmarshalJSON takes booleans and numbers too, as conditions do, in their JSON form.
func (w *Words) UnmarshalJSON(b []byte) error {
	list := []json.RawMessage{b}
	if b[0] == '[' {
		if err := json.Unmarshal(b, &list); err != nil {
			return err
		}
	}
	*w = make(Words, len(list))
	for i, item := range list {
		switch item[0] {
		case '"':
			if err := json.Unmarshal(item, &(*w)[i]); err != nil {
				return err
			}
		case '{', '[', 'n':
			return fmt.Errorf("%s is no text", item)
		default:
			(*w)[i] = string(item)
		}
	}
	return nil
}
