// Command apigen writes the packages of services/internal/api from AWS's API
// models: types, the table of operations, and the interface that a service
// implements. It reads the trimmed models beside them; with -trim DIR it makes
// those first, from whole models in botocore's format.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	whole := flag.String("trim", "", "folder of whole models to trim first")
	dir := flag.String("dir", ".", "folder of the generated packages")
	flag.Parse()
	if err := run(*whole, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "apigen:", err)
		os.Exit(1)
	}
}

func run(whole, dir string) error {
	for _, s := range services {
		path := filepath.Join(dir, "models", s.name+".json")
		if whole != "" {
			if err := trim(filepath.Join(whole, s.name+".json"), path, s.operations); err != nil {
				return err
			}
		}
		m, err := readModel(path)
		if err != nil {
			return err
		}
		if err := generate(m, s, filepath.Join(dir, s.name)); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func trim(from, to string, operations []string) error {
	m, err := readModel(from)
	if err != nil {
		return err
	}
	if err := m.trim(operations); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(to, append(b, '\n'), 0o644)
}
