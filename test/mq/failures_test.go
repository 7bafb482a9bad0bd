package mq

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmq "github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"

	"millrace/test/needs"
)

// fails checks that the creation of a broker fails for a reason, and that nothing of it
// is left, neither before its deletion but a record, nor after.
func (b *broker) fails(reasons ...string) {
	b.Helper()
	d, _ := b.await(types.BrokerStateCreationFailed, types.BrokerStateRunning)
	for _, want := range reasons {
		if d.BrokerState != types.BrokerStateCreationFailed || !strings.Contains(reason(d), want) {
			b.Errorf("%s is %s, want a reason with %q: %s", *d.BrokerName, d.BrokerState, want, reason(d))
		}
	}
	if said := b.command("mq", "ls"); !strings.Contains(said, "CREATION_FAILED") || !strings.Contains(said, reasons[0]) {
		b.Errorf("mq ls says\n%s", said)
	}
	if left, _ := filepath.Glob(filepath.Join(b.data, "brokers", "*")); len(left) > 0 {
		b.Errorf("left %v", left)
	}
	b.delete()
}

// What asks somebody else who may log in cannot be run yet, and says so.
func TestOutsideLogins(t *testing.T) {
	needs.Long(t)
	installed(t)
	t.Parallel()
	s := start(t, "--mq-driver", "process")
	for name, text := range map[string]string{
		"oauth": "auth_backends.1 = oauth2\nauth_oauth2.resource_server_id = rabbitmq\nauth_oauth2.issuer = https://idp.example.com\nauth_oauth2.jwks_url = https://idp.example.com/jwks.json\n",
		"http":  "auth_backends.1 = http\nauth_http.user_path = https://auth.example.com/user\nauth_http.vhost_path = https://auth.example.com/vhost\nauth_http.resource_path = https://auth.example.com/resource\nauth_http.topic_path = https://auth.example.com/topic\n",
		"ldap":  "auth_backends.1 = ldap\nauth_ldap.servers.1 = ldap.example.com\nauth_ldap.user_dn_pattern = cn=${username},dc=example,dc=com\nauth_ldap.use_ssl = true\nauth_ldap.port = 636\n",
	} {
		c := s.configure(name, "4.2", text)
		b := s.create(name, "4.2", func(in *awsmq.CreateBrokerInput) {
			in.AuthenticationStrategy, in.Configuration, in.Users = types.AuthenticationStrategyConfigManaged, c, nil
		})
		b.fails("not support", name)
	}
}

func TestExactVersion(t *testing.T) {
	needs.Long(t)
	installed(t)
	t.Parallel()
	s := start(t, "--mq-driver", "process", "--mq-exact-version")
	s.create("exact", "3.13").fails("--mq-exact-version", "3.10.8", "3.13")
}

func TestMissingImage(t *testing.T) {
	needs.Long(t)
	engine(t)
	t.Parallel()
	s := start(t, "--mq-driver", "docker", "--mq-rabbitmq-image", "127.0.0.1:1/nobody/rabbitmq:{version}")
	s.create("imageless", "3.13").fails("127.0.0.1:1/nobody/rabbitmq:3.13")
}

// A broker may be deleted while it boots, at any instant of it.
func TestDeletionWhileCreating(t *testing.T) {
	needs.Long(t)
	installed(t)
	t.Parallel()
	s := start(t, "--mq-driver", "process")
	for n, wait := range []time.Duration{0, 200 * time.Millisecond, 2 * time.Second} {
		b := s.create(fmt.Sprint("unwanted-", n), "3.13")
		time.Sleep(wait) // which instant that is, is up to the machine
		b.delete()
		b.gone()
	}
	b := s.create("unwanted-0", "3.13") // its name is free again
	b.delete()
	b.gone()
}

// Without any engine, the reason says what to start.
func TestNoDockerEngine(t *testing.T) {
	needs.Long(t)
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "docker.sock"))
	s := start(t, "--mq-driver", "docker")
	b := s.create("engineless", "3.13", func(in *awsmq.CreateBrokerInput) { in.Tags = map[string]string{"a": "b"} })
	b.fails("docker")
	if all, err := s.api().ListBrokers(t.Context(), &awsmq.ListBrokersInput{MaxResults: aws.Int32(100)}); err != nil || len(all.BrokerSummaries) != 0 {
		t.Errorf("left: %+v, %v", all, err)
	}
}
