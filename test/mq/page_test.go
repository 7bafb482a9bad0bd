package mq

import (
	"os/exec"
	"regexp"
	"testing"

	"millrace/test/needs"
)

// The sessions of the page about Amazon MQ that this product was asked for with work
// as they are printed there.
func TestSessionsOfThePage(t *testing.T) {
	drivers(t, func(t *testing.T, driver string) {
		_, err := exec.LookPath("aws")
		needs.That(t, err, "apt-get install awscli")
		s := start(t, "--mq-driver", driver, "--mq-plain-endpoints")
		said := s.bash("page.sh", "PYTHON="+python(t, "pika"))
		for what, want := range map[string]string{
			"what CreateBroker answers":  `(?s)"Id": "b-[0-9a-f-]{36}".*"Arn": "arn:aws:mq:us-east-1:000000000000:broker:orders:b-`,
			"the endpoints":              `(?s)"RUNNING".*"amqp://127.0.0.1:\d+",\s+"amqps://127.0.0.1:\d+",\s+"mqtt\+ssl://127.0.0.1:\d+",\s+"stomp\+ssl://127.0.0.1:\d+"`,
			"the round trips":            `(?s)Got: world.*Got: world`,
			"the console's queues":       `(?m)^https://127\.0\.0\.1:\d+\nhello$`,
			"the list after the reboot":  `\[\{"Name":"orders","State":"RUNNING"\}\]`,
			"what is left of the broker": `NotFoundException`,
		} {
			if !regexp.MustCompile(want).MatchString(said) {
				t.Errorf("%s, %q, are not in what the commands printed:\n%s", what, want, said)
			}
		}
	})
}
