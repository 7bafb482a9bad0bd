package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// optionsSuffix ends the name of the file that stands beside each model: the model of
// NAME.options.json is NAME.json, and the generated package is NAME.
const optionsSuffix = ".options.json"

// Options are what a model does not say of a service. They are written by hand; a
// service that needs none of them has {}.
type options struct {
	// ShapePrefix stands before error shapes in __type, as in
	// "com.amazonaws.sqs#QueueDoesNotExist"; "" for bare names.
	ShapePrefix string `json:"shapePrefix"`

	// AlsoSpeaks are protocols spoken beside the model's own, by their names in models:
	// "query".
	AlsoSpeaks []string `json:"alsoSpeaks"`

	// AlsoSigned are services in credential scopes that mean this one too: "s3express".
	AlsoSigned []string `json:"alsoSigned"`

	// GenericChecks says that what breaks a constraint of the model is refused with
	// AWS's generic text, "1 validation error detected: …", before the service sees it.
	GenericChecks bool `json:"genericChecks"`

	// Operations are the supported ones, which -trim keeps with their shapes; null for
	// all. The others stay in the trimmed model by name.
	Operations []string `json:"operations"`

	// MaxBody bounds the body of a request by operation, in bytes, where it is not
	// usualBody. It is what AWS takes, with the encoding around it: 70167211 for a
	// document of Lambda's that holds a zip file of 50 MiB in base64.
	MaxBody map[string]int64 `json:"maxBody"`

	// Statuses are the statuses of success, by operation, where AWS's answer has another one
	// than its model: 204 for S3's PutBucketPolicy.
	Statuses map[string]int `json:"statuses"`

	// ReadWhole are operations whose blobs come to the service whole, as []byte, though
	// the model says that they stream: what they take is short, and used as a whole.
	ReadWhole []string `json:"readWhole"`

	// OwnBounds are shapes whose bounds the service checks itself, in other words than
	// those of GenericChecks.
	OwnBounds []string `json:"ownBounds"`

	// UsualBody is what bounds the bodies of the operations that MaxBody does not name,
	// in bytes; 0 for usualBody.
	UsualBody int64 `json:"usualBody"`

	// Roots are the root elements of answers in restXml by operation, where they are
	// not "<operation>Response": the models do not have them.
	Roots map[string]string `json:"roots"`

	// XMLNamespace stands at the roots of answers, where the model names none.
	XMLNamespace string `json:"xmlNamespace"`

	// Milliseconds says that times in documents always show them, be they 0.
	Milliseconds bool `json:"milliseconds"`

	// RefuseByName says that -trim also keeps the routes of operations that are not
	// supported: a request for one of them is refused by its name, and never taken for
	// one for another operation whose route is wider.
	RefuseByName bool `json:"refuseByName"`

	// Additions are what AWS's API has and the whole model at hand has not yet: -trim
	// puts it into the trimmed model. It is the one place for that, and goes away with
	// a newer model: one that has the same otherwise is refused.
	Additions additions `json:"additions"`
}

// usualBody bounds the body of a request, in bytes. It leaves room for the longest
// that AWS takes of a document (a batch of 1 MiB for SQS, six bytes for a character
// in JSON), and for what is longer to be refused in the service's own words.
const usualBody = 16 << 20

func (o options) maxBody(operation string) int64 {
	if n, ok := o.MaxBody[operation]; ok {
		return n
	}
	if o.UsualBody > 0 {
		return o.UsualBody
	}
	return usualBody
}

// status is that of an operation's success; 0 where neither says it.
func (o options) status(operation string, model int) int {
	if n, ok := o.Statuses[operation]; ok {
		return n
	}
	return model
}

// check refuses options for what the model does not have.
func (o options) check(m *model) error {
	for _, name := range slices.Concat(slices.Sorted(maps.Keys(o.MaxBody)), slices.Sorted(maps.Keys(o.Roots)), slices.Sorted(maps.Keys(o.Statuses)), o.ReadWhole) {
		if m.Operations[name] == nil {
			return fmt.Errorf("maxBody, roots, statuses, readWhole: the model has no operation %s", name)
		}
	}
	for _, name := range o.OwnBounds {
		if m.Shapes[name] == nil {
			return fmt.Errorf("ownBounds: the model has no shape %s", name)
		}
	}
	for _, p := range o.AlsoSpeaks {
		if protocols[p] == "" {
			return fmt.Errorf("alsoSpeaks: no protocol is named %q", p)
		}
	}
	return nil
}

// readOptions reads a file of options. A member that is not known is an error: it
// would be a misspelled one.
func readOptions(path string) (options, error) {
	var o options
	b, err := os.ReadFile(path)
	if err != nil {
		return o, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		return o, fmt.Errorf("%s: %w", path, err)
	}
	if d.More() {
		return o, fmt.Errorf("%s: trailing data after the document", path)
	}
	return o, nil
}

// A service is what is generated of one of AWS's models.
type service struct {
	name string // of the model's file and of the package
	options
}

// readServices reads the options in a folder of models, sorted by name. A model without
// options is an error: nothing would be made of it. Options without a model are
// none, since -trim makes the model.
func readServices(models string) ([]service, error) {
	files, err := filepath.Glob(filepath.Join(models, "*.json"))
	if err != nil {
		return nil, err
	}
	var all []service
	for _, file := range files {
		name, ok := strings.CutSuffix(filepath.Base(file), optionsSuffix)
		if !ok {
			beside := strings.TrimSuffix(file, ".json") + optionsSuffix
			if _, err := os.Stat(beside); err != nil {
				return nil, fmt.Errorf("%s has no options: %w", file, err)
			}
			continue
		}
		o, err := readOptions(file)
		if err != nil {
			return nil, err
		}
		all = append(all, service{name, o})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no models with options", models)
	}
	return all, nil
}
