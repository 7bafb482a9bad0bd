package conformance

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"millrace/cmd/runtime/app"
	"millrace/test/testenv"
)

// A diary is a log that remembers all of it.
type diary struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(p)
}

// secrets makes texts that can be looked for, and knows them all.
type secrets []string

func (s *secrets) next() *string {
	*s = append(*s, fmt.Sprintf("0pen-Sesame-%04d-behold", len(*s)))
	return &(*s)[len(*s)-1]
}

// Passwords of brokers, values of secrets and messages of topics, used well and badly, are neither in the log
// of any level, nor in an error, nor in the clear in the data folder.
func TestSecretsStaySecret(t *testing.T) {
	var log diary
	var known secrets
	data := t.TempDir()
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ctx := t.Context()
		tell := func(err error) {
			if err != nil {
				fmt.Fprintln(&log, err)
			}
		}
		tellBrokers(ctx, t, env, &known, tell)
		tellSecrets(ctx, secretsmanager.NewFromConfig(env.AWS), &known, tell)
		tellTopics(t, env, &known)
	}, withMetadata, testenv.WithData(data), func(c *app.Config) {
		c.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 4}))
	})
	if !strings.Contains(log.text.String(), "a broker is running") {
		t.Error("the log is not the runtime's")
	}
	for _, s := range known {
		if strings.Contains(log.text.String(), s) {
			t.Errorf("%s is in the log", s)
		}
	}
	named := false
	err := filepath.WalkDir(data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		named = named || bytes.Contains(content, []byte("ada"))
		for _, s := range known {
			if bytes.Contains(content, []byte(s)) {
				t.Errorf("%s is in %s", s, path)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// tellBrokers gives brokers passwords, good ones and ones that are refused.
func tellBrokers(ctx context.Context, t *testing.T, env *testenv.Env, known *secrets, tell func(error)) {
	in := activeInput("active")
	in.Users[0].Password = known.next()
	in.AuthenticationStrategy, in.LdapServerMetadata = "LDAP", directory("a.example.com")
	in.LdapServerMetadata.ServiceAccountPassword = known.next()
	createBroker(t, env, in).await(types.BrokerStateRunning)

	in = activeInput("simple")
	in.Users[0].Password = known.next()
	b := createBroker(t, env, in)
	b.await(types.BrokerStateRunning)
	name := aws.String("ada")
	tell(second(b.CreateUser(ctx, &mq.CreateUserInput{BrokerId: b.id, Username: name, Password: known.next()})))
	tell(second(b.CreateUser(ctx, &mq.CreateUserInput{BrokerId: b.id, Username: name, Password: known.next()}))) // taken
	tell(second(b.UpdateUser(ctx, &mq.UpdateUserInput{BrokerId: b.id, Username: name, Password: known.next()})))
	tell(second(b.UpdateUser(ctx, &mq.UpdateUserInput{BrokerId: b.id, Username: name, Password: aws.String(*known.next() + ",:=")})))
	b.reboot()

	in = rabbitInput("rabbit")
	in.Users[0].Password = known.next()
	r := createBroker(t, env, in)
	r.await(types.BrokerStateRunning)
	tell(second(r.CreateUser(ctx, &mq.CreateUserInput{BrokerId: r.id, Username: name, Password: known.next()})))
	in = rabbitInput("other")
	in.Users[0].Password = aws.String(*known.next() + "é")
	tell(second(r.CreateBroker(ctx, in)))
}

// tellSecrets stores and reads values, and has some refused.
func tellSecrets(ctx context.Context, c *secretsmanager.Client, known *secrets, tell func(error)) {
	id, token := aws.String("safe"), aws.String("00000000-0000-0000-0000-000000000000")
	tell(second(c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: id, SecretString: known.next()})))
	tell(second(c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: id, SecretString: known.next()}))) // taken
	tell(second(c.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: id, SecretBinary: []byte(*known.next())})))
	tell(second(c.UpdateSecret(ctx, &secretsmanager.UpdateSecretInput{SecretId: id, SecretString: known.next(), ClientRequestToken: token})))
	tell(second(c.UpdateSecret(ctx, &secretsmanager.UpdateSecretInput{SecretId: id, SecretString: known.next(), ClientRequestToken: token})))
	long := strings.Repeat(*known.next(), 4000)
	tell(second(c.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: id, SecretString: &long})))
	tell(second(c.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: id, SecretString: known.next(), SecretBinary: []byte(*known.next())})))
	tell(second(c.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String("none"), SecretString: known.next()})))
	tell(second(c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: id})))
	tell(second(c.BatchGetSecretValue(ctx, &secretsmanager.BatchGetSecretValueInput{Filters: []sm.Filter{{Key: "name", Values: []string{"safe"}}}})))
	if out, err := c.GetRandomPassword(ctx, &secretsmanager.GetRandomPasswordInput{ExcludePunctuation: aws.Bool(true)}); err == nil {
		*known = append(*known, *out.RandomPassword)
	} else {
		tell(err)
	}
	tell(second(c.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: id})))
	tell(second(c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: id})))
}

// tellTopics publishes secrets to subscribers of each kind, those that are not there too.
func tellTopics(t *testing.T, env *testenv.Env, known *secrets) {
	p := createTopic(t, env, "orders", nil)
	p.feed("orders")
	for protocol, endpoint := range map[string]string{"lambda": functionARNs + "gone", "sms": "+15550100", "sqs": queueARNs + "gone"} {
		p.subscribe(protocol, endpoint)
	}
	p.subscribe("email", "ada@example.com")
	p.publish(*known.next(), withSubject(*known.next()), withText("a", "String", *known.next()))
	f := createTopic(t, env, "orders.fifo", map[string]string{"FifoTopic": "true"})
	f.feed("orders.fifo")
	f.subscribe("sqs", queueARNs+"gone.fifo")
	f.publish(*known.next(), withGroup("g", "1"))
	_, err := p.sdk.Publish(t.Context(), &sns.PublishInput{PhoneNumber: aws.String("+15550100"), Message: known.next()})
	if err != nil {
		t.Error(err)
	}
	synctest.Wait()
}
