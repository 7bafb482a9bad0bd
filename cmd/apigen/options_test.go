package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const sample = `{"metadata": {"serviceId": "Sample", "endpointPrefix": "sample", "protocols": ["json"]},
	"operations": {"GetThing": {"name": "GetThing"}, "PutThing": {"name": "PutThing"}}, "shapes": {}}`

// write puts files into a new folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Options and a whole model are all that a new service needs: no file of Go names it.
func TestOptionsMakeAService(t *testing.T) {
	whole := write(t, map[string]string{"sample.json": sample})
	dir := write(t, map[string]string{"models/sample.options.json": `{"operations": ["GetThing"], "maxBody": {"GetThing": 77}}`})
	if err := run(whole, dir); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "sample/service.gen.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"MaxBody: 77", `MissingOps: []string{"PutThing"}`} {
		if !strings.Contains(strings.Join(strings.Fields(string(b)), " "), want) {
			t.Errorf("no %s in\n%s", want, b)
		}
	}
	if err := run("", dir); err != nil {
		t.Errorf("of the trimmed model: %v", err)
	}
}

// A shape has the bounds of the model, unless the service checks them itself.
func TestOwnBounds(t *testing.T) {
	model := `{"metadata": {"serviceId": "Sample", "endpointPrefix": "sample", "protocols": ["json"], "jsonVersion": "1.1"},
		"operations": {"Do": {"name": "Do", "input": {"shape": "A"}}},
		"shapes": {
			"A": {"type": "structure", "members": {"Own": {"shape": "Own"}, "Usual": {"shape": "Usual"}}},
			"Own": {"type": "string", "min": 1, "max": 7}, "Usual": {"type": "string", "min": 2, "max": 8}}}`
	dir := write(t, map[string]string{"models/sample.json": model, "models/sample.options.json": `{"ownBounds": ["Own"]}`})
	if err := run("", dir); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "sample/service.gen.go"))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(b); strings.Contains(text, "float64(7)") || !strings.Contains(text, "float64(8)") {
		t.Errorf("the bounds of\n%s", text)
	}
	dir = write(t, map[string]string{"models/sample.json": model, "models/sample.options.json": `{"ownBounds": ["None"]}`})
	if err := run("", dir); err == nil {
		t.Error("a shape that is not there has own bounds")
	}
}

// An operation streams its blob, unless its options have it whole.
func TestReadWhole(t *testing.T) {
	model := `{"metadata": {"serviceId": "Sample", "endpointPrefix": "sample", "protocols": ["rest-json"]},
		"operations": {"Whole": {"name": "Whole", "input": {"shape": "A"}}, "Stream": {"name": "Stream", "input": {"shape": "B"}}},
		"shapes": {
			"A": {"type": "structure", "members": {"Body": {"shape": "Blob"}}, "payload": "Body"},
			"B": {"type": "structure", "members": {"Body": {"shape": "Blob"}}, "payload": "Body"},
			"Blob": {"type": "blob", "streaming": true}}}`
	dir := write(t, map[string]string{"models/sample.json": model, "models/sample.options.json": `{"readWhole": ["Whole"]}`})
	if err := run("", dir); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "sample/types.gen.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"type WholeInput struct {\n\tBody []byte\n", "type StreamInput struct {\n\tBody io.Reader\n"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %q in\n%s", want, b)
		}
	}
}

// A status of success is the model's, unless the options say otherwise.
func TestStatuses(t *testing.T) {
	model := `{"metadata": {"serviceId": "Sample", "endpointPrefix": "sample", "protocols": ["rest-xml"]},
		"operations": {"Put": {"name": "Put", "http": {"method": "PUT", "requestUri": "/"}, "input": {"shape": "A"}},
			"Make": {"name": "Make", "http": {"method": "POST", "requestUri": "/", "responseCode": 201}, "input": {"shape": "A"}}},
		"shapes": {"A": {"type": "structure", "members": {}}}}`
	dir := write(t, map[string]string{"models/sample.json": model, "models/sample.options.json": `{"statuses": {"Put": 204}}`})
	if err := run("", dir); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "sample/service.gen.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`Name: "Put", Method: "PUT", URI: "/", Status: 204,`, `Name: "Make", Method: "POST", URI: "/", Status: 201,`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %q in\n%s", want, b)
		}
	}
}

// A model that was trimmed is trimmed already.
func TestTrimTwice(t *testing.T) {
	const models = "../../services/internal/api/models"
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "models"), os.DirFS(models)); err != nil {
		t.Fatal(err)
	}
	if err := run(models, dir); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(models, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, "models", filepath.Base(file)))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s changed", file)
		}
	}
}

func TestWrongOptionsAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"none":               {map[string]string{"sample.json": sample}, "sample.json has no options"},
		"no models":          {map[string]string{"README": ""}, "no models with options"},
		"no model":           {map[string]string{"sample.options.json": "{}"}, "sample.json: no such file"},
		"misspelled":         {map[string]string{"sample.json": sample, "sample.options.json": `{"maxbodies": {}}`}, `unknown field "maxbodies"`},
		"no such operation":  {map[string]string{"sample.json": sample, "sample.options.json": `{"maxBody": {"GetThin": 1}}`}, "no operation GetThin"},
		"no such protocol":   {map[string]string{"sample.json": sample, "sample.options.json": `{"alsoSpeaks": ["soap"]}`}, `no protocol is named "soap"`},
		"trailing documents": {map[string]string{"sample.json": sample, "sample.options.json": `{} {}`}, "trailing data"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := writeAll("", write(t, tt.files), t.TempDir()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %s", err, tt.want)
			}
		})
	}
}
