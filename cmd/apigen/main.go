// Command apigen writes the packages of services/internal/api from AWS's API
// models: types, the table of operations, and the interface that a service
// implements.
//
// It makes a package NAME for each NAME.options.json in the folder models, of the
// trimmed model NAME.json beside it. With -trim DIR it makes those first, of the whole
// models DIR/NAME.json in botocore's format. So a service is added by writing its
// options; there is no list of services here.
//
// With -suites DIR it writes the packages that the codecs' tests use instead: for
// AWS's protocol test cases in DIR, and for the models in DIR and in the folder
// streams beside it, each of which has a form that no service above has yet.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	whole := flag.String("trim", "", "folder of whole models to trim first")
	suites := flag.String("suites", "", "folder of protocol test cases to write the codecs' tests' packages for")
	dir := flag.String("dir", ".", "folder of the generated packages")
	flag.Parse()
	work := func() error { return run(*whole, *dir) }
	if *suites != "" {
		work = func() error { return runSuites(*suites, *whole, *dir) }
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "apigen:", err)
		os.Exit(1)
	}
}

func run(whole, dir string) error { return writeAll(whole, filepath.Join(dir, "models"), dir) }

// writeAll makes the packages of a folder of models in dir.
func writeAll(whole, models, dir string) error {
	services, err := readServices(models)
	if err != nil {
		return err
	}
	for _, s := range services {
		if err := s.write(whole, models, dir); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// write makes a service's package in dir, and before that, if whole names a
// folder of whole models, its trimmed model.
func (s service) write(whole, models, dir string) error {
	path := filepath.Join(models, s.name+".json")
	if whole != "" {
		if err := s.trim(filepath.Join(whole, s.name+".json"), path); err != nil {
			return err
		}
	}
	m, err := readModel(path)
	if err != nil {
		return err
	}
	if err := s.check(m); err != nil {
		return err
	}
	return generate(m, s, filepath.Join(dir, s.name))
}

func runSuites(suites, whole, dir string) error {
	for _, protocol := range []string{"json", "query", "rest-json", "rest-xml"} {
		m, err := readSuites(suites, protocol)
		if err != nil {
			return err
		}
		name := strings.ReplaceAll(protocol, "-", "")
		if err := generate(m, service{name: name}, filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("%s: %w", protocol, err)
		}
	}
	// The models of streams are parts of AWS's, written by hand: never trimmed.
	if err := writeAll("", filepath.Join(suites, "..", "streams"), dir); err != nil {
		return err
	}
	return writeAll(whole, suites, dir)
}

// restorers put back what a model has lost, by service. They are code, not options:
// what they put back follows rules over the whole model.
var restorers = map[string]func(*model){"sqs": restoreSQS}

// trim writes what is used of a whole model.
func (s service) trim(from, to string) error {
	m, err := readModel(from)
	if err != nil {
		return err
	}
	if err := s.Additions.addTo(m); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	if err := m.trim(s.Operations, s.RefuseByName); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	if restore := restorers[s.name]; restore != nil {
		restore(m)
	}
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(to, append(b, '\n'), 0o644)
}
