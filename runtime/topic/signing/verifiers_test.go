package signing_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"millrace/runtime/topic/signing"
	"millrace/test/needs"
)

// A verifier is a program of another language that verifies documents: it prints true for
// each, or why not.
type verifier struct {
	command []string
	dir     string
}

// try gives a verifier documents that are good and forgeries of them.
func (v verifier) try(t *testing.T) {
	var l listening
	b := start(t, func(c *signing.Config) { c.Listen, c.Host = l.listen, "sns.{region}.amazonaws.com" })
	url := b.url()
	root, err := b.authority.Root()
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, root, 0o600); err != nil {
		t.Fatal(err)
	}
	documents := map[string]string{}
	for _, version := range []string{"1", "2"} {
		for kind, unsigned := range documentsOf(url, version) {
			name := "good " + kind + " " + version
			documents[name] = b.Finish(unsigned)
			documents["forged"+name] = strings.ReplaceAll(documents[name], ":orders", ":others")
		}
	}
	task, err := json.Marshal(map[string]any{"documents": documents, "ca": ca, "connect": l.address()})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), v.command[0], v.command[1:]...)
	c.Dir, c.Env, c.Stdin = v.dir, append(os.Environ(), "NODE_EXTRA_CA_CERTS="+ca), bytes.NewReader(task)
	var complaints bytes.Buffer
	c.Stderr = &complaints
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, complaints.String())
	}
	var verdicts map[string]any
	if err := json.Unmarshal(out, &verdicts); err != nil || len(verdicts) < len(documents) {
		t.Fatalf("%v: %s", err, out)
	}
	for name, verdict := range verdicts {
		if good := strings.HasPrefix(name, "good"); good != (verdict == true) {
			t.Errorf("%s: %v", name, verdict)
		}
	}
}

func TestPythonVerifies(t *testing.T) {
	needs.Time(t)
	for _, tool := range []string{"python3", "openssl"} {
		_, err := exec.LookPath(tool)
		needs.That(t, err, "apt-get install python3 openssl")
	}
	verifier{command: []string{"python3", "testdata/verify.py"}}.try(t)
}

func TestNodeVerifies(t *testing.T) {
	needs.Long(t)
	for _, tool := range []string{"node", "npm"} {
		_, err := exec.LookPath(tool)
		needs.That(t, err, "apt-get install nodejs npm")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/validators")); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		needs.That(t, errors.Join(err, errors.New(string(out))), "npm ci in runtime/topic/signing/testdata/validators, which asks the registry")
	}
	verifier{command: []string{"node", "verify.cjs"}, dir: dir}.try(t)
}
