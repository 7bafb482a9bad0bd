package grammar_test

import (
	"reflect"
	"strings"
	"testing"

	"millrace/runtime/policy/grammar"
)

func TestRead(t *testing.T) {
	want := grammar.Statement{Sid: "a", Effect: "Allow", Action: grammar.Words{"sqs:*"}, Condition: map[string]map[string]grammar.Words{
		"Bool": {"aws:SecureTransport": {"true"}}, "NumericLessThan": {"aws:MultiFactorAuthAge": {"3600", "x"}},
	}}
	const statement = `{"Sid":"a","Effect":"Allow","Action":"sqs:*","Condition":{"Bool":{"aws:SecureTransport":true},"NumericLessThan":{"aws:MultiFactorAuthAge":[3600,"x"]}}}`
	for rule, text := range map[string]string{
		"one statement":      `{"Version":"2012-10-17","Id":"i","Statement":` + statement + `}`,
		"a list of one":      ` {"Version":"2012-10-17","Id":"i","Statement":[` + statement + "]}\n",
		"whatever the order": `{"Statement":[` + statement + `],"Id":"i","Version":"2012-10-17"}`,
	} {
		got, err := grammar.Read(text)
		if err != nil {
			t.Errorf("%s: %v", rule, err)
		} else if all := (grammar.Statements{want}); got.Version != grammar.Version2012 || got.ID != "i" || !reflect.DeepEqual(got.Statement, all) {
			t.Errorf("%s: %+v", rule, got)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for rule, text := range map[string]string{
		"nothing":                    ``,
		"no object":                  `"x"`,
		"null":                       `null`,
		"an open object":             `{"Statement":[{}]`,
		"a second value":             `{} {}`,
		"text after it":              `{}x`,
		"an unknown element":         `{"X":1}`,
		"an unknown one inside":      `{"Statement":{"X":1}}`,
		"an unknown one in a list":   `{"Statement":[{"X":1}]}`,
		"a member twice":             `{"Id":"a","Id":"a"}`,
		"a member twice, far inside": `{"Statement":[{"Principal":{"AWS":"1","AWS":"2"}}]}`,
		"in two cases":               `{"Id":"a","ID":"a"}`,
		"in two cases, one rare":     `{"Id":"a","Statement":[],"\u017ftatement":[]}`,
		"words that are numbered":    `{"Statement":{"Action":{"1":"a"}}}`,
		"words of words":             `{"Statement":{"Action":[["a"]]}}`,
		"words that are null":        `{"Statement":{"Action":[null]}}`,
		"too much inside":            `{"Statement":` + strings.Repeat("[", 4<<20),
	} {
		if got, err := grammar.Read(text); err == nil {
			t.Errorf("%s: %.80s was read as %+v", rule, text, got)
		}
	}
}
