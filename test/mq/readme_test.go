package mq

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"millrace/test/needs"
)

// The README's way to a broker and on to a function works word for word.
func TestReadmeBrokers(t *testing.T) {
	needs.Long(t)
	installed(t)
	t.Parallel()
	_, err := exec.LookPath("aws")
	needs.That(t, err, "apt-get install awscli")
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, "--mq-driver", "process")
	dir := t.TempDir()
	for _, name := range []string{"functions", "go.mod", "go.sum"} { // of this tree, for go build
		from, err := filepath.Abs("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(from, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"bin", "build"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(binary, filepath.Join(dir, "bin", "runtime")); err != nil {
		t.Fatal(err)
	}
	for _, part := range []struct{ mark, want string }{
		{"mq", `(?s)orders +b-[0-9a-f-]+ +RUNNING +RabbitMQ 3\.13.*https://127\.0\.0\.1:\d+.*admin`},
		{"pika", `Hello, broker!`},
		{"relay", `(?s)"Body": "Hello from RabbitMQ!".*"OK"`},
	} {
		blocks := regexp.MustCompile("(?s)<!-- walk: "+part.mark+" -->\n```\\w+\n(.*?)```\n").FindAllSubmatch(readme, -1)
		if len(blocks) == 0 {
			t.Fatalf("the README has no blocks marked %s", part.mark)
		}
		cmd := exec.CommandContext(t.Context(), "bash", "-e", "-s")
		if part.mark == "pika" {
			cmd = exec.CommandContext(t.Context(), python(t, "pika"), "-")
		}
		var text strings.Builder
		if part.mark != "pika" { // as the alias further up in the README
			text.WriteString(`aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }` + "\n")
		}
		for _, b := range blocks {
			text.Write(b[1])
		}
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(text.String())
		cmd.Env = append(s.environ(), "AWS_ENDPOINT_URL="+s.endpoint, "MILLRACE_ENDPOINT="+s.endpoint, "MILLRACE_DATA="+s.data)
		said, err := cmd.CombinedOutput()
		if err != nil || !regexp.MustCompile(part.want).Match(said) {
			t.Fatalf("%s: %v; want %s in\n%s", part.mark, err, part.want, said)
		}
	}
	s.boto3()
}

// boto3 plays boto3.py with the one broker that there is.
func (s *server) boto3() {
	s.Helper()
	said := s.interpret("boto3.py", nil, python(s.T, "boto3"), "-")
	want := `^RUNNING RabbitMQ 3\.13\.7 \['amqps://127\.0\.0\.1:\d+'\]
True \[\] rabbitmq 3\.10\.8 \(process\)
2 \[\] consumer_timeout = 60000
True
\['millrace:engine'\]
NotFoundException 404
BadRequestException 400
$`
	if !regexp.MustCompile(want).MatchString(said) {
		s.Errorf("boto3 printed\n%swant\n%s", said, want)
	}
}
