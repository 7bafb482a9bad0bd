package main

import "testing"

func whole() *model {
	return &model{
		Operations: map[string]*operation{"GetMill": {}},
		Shapes: map[string]*shape{
			"Mill": {Type: "structure", Members: map[string]*ref{"name": {Shape: "Name"}}},
			"Name": {Type: "string"},
		},
	}
}

func TestAdditionsGoIntoTheModel(t *testing.T) {
	m := whole()
	err := additions{
		Operations: map[string]*operation{"GetRace": {}},
		Shapes: map[string]*shape{
			"Mill":  {Type: "structure", Members: map[string]*ref{"stones": {Shape: "Count"}}},
			"Count": {Type: "integer"},
		},
	}.addTo(m)
	if err != nil {
		t.Fatal(err)
	}
	if m.Operations["GetRace"] == nil || m.Shapes["Count"] == nil || m.Shapes["Mill"].Members["stones"] == nil || m.Shapes["Mill"].Members["name"] == nil {
		t.Errorf("%+v", m)
	}
}

// A newer model that has otherwise what was added wins: the addition is to be removed.
func TestAdditionsThatTheModelHasOtherwiseAreRefused(t *testing.T) {
	for what, a := range map[string]additions{
		"an operation": {Operations: map[string]*operation{"GetMill": {Name: "GetMill"}}},
		"a member":     {Shapes: map[string]*shape{"Mill": {Type: "structure", Members: map[string]*ref{"name": {Shape: "Mill"}}}}},
		"a shape":      {Shapes: map[string]*shape{"Name": {Type: "integer"}}},
	} {
		if err := a.addTo(whole()); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
