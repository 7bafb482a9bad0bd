package object

import (
	"encoding/json"
	"reflect"
	"testing"

	"millrace/runtime/object/notify"
)

func TestSettingsAreAsTheyWereStored(t *testing.T) {
	s := Settings{
		Versioning: VersioningSuspended,
		Notifications: notify.Configuration{EventBridge: true, Destinations: []notify.Destination{{
			Kind: notify.Queue, ID: "1", ARN: "arn:aws:sqs:us-east-1:000000000000:q", Events: []string{"s3:ObjectCreated:*"},
			Filter: []notify.FilterRule{{Name: notify.Prefix, Value: "in/"}},
		}}},
		Tags:       map[string]string{"a": "", "b": "2"},
		Policy:     "{}",
		Ownership:  "BucketOwnerEnforced",
		Public:     &PublicAccess{BlockPolicy: true},
		CORS:       []CORSRule{{Origins: []string{"*"}, Methods: []string{"GET"}, MaxAge: new(0)}},
		Encryption: BucketEncryption{Algorithm: "AES256", BlockSSEC: true},
		Location:   "EU",
		Documents:  map[string]json.RawMessage{"Website": json.RawMessage(`{"IndexDocument":{"Suffix":"i"}}`)},
	}
	for _, s := range []Settings{s, {}} {
		text, err := json.Marshal(&s)
		if err != nil {
			t.Fatal(err)
		}
		var back Settings
		if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, s) {
			t.Errorf("%s became %+v, %v", text, back, err)
		}
	}
}

func TestCloneIsApart(t *testing.T) {
	s := Settings{Tags: map[string]string{"a": "1"}, Public: &PublicAccess{}, CORS: []CORSRule{{ID: "1"}}, Documents: map[string]json.RawMessage{"a": nil}}
	c := s.Clone()
	c.Tags["a"], c.CORS[0].ID, c.Public.BlockACLs = "2", "2", true
	delete(c.Documents, "a")
	if s.Tags["a"] != "1" || s.CORS[0].ID != "1" || s.Public.BlockACLs || len(s.Documents) != 1 {
		t.Errorf("the clone changed %+v", s)
	}
}
