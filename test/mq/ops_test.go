package mq

import (
	"context"
	"encoding/json"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	awsmq "github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"
	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/test/needs"
	"millrace/test/output"
	"millrace/test/patience"
)

// How a broker is looked after: its log, its metrics, its alarms and its key.
func TestOperations(t *testing.T) {
	needs.Long(t)
	installed(t)
	t.Parallel()
	s := start(t, "--mq-driver", "process")
	keys := kms.New(kms.Options{Region: "us-east-1", BaseEndpoint: &s.endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	key, err := keys.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	b := s.create("watched", "3.13", func(in *awsmq.CreateBrokerInput) {
		in.EncryptionOptions = &types.EncryptionOptions{UseAwsOwnedKey: aws.Bool(false), KmsKeyId: key.KeyMetadata.Arn}
	})
	b.await(types.BrokerStateRunning)
	b.publish("kept", "before all of it")
	log := follow(b)
	b.inside(t, "alarms", alarms)
	b.inside(t, "connections are closed", func(b *broker) {
		conn, err := b.dial(b.owner, b.password)
		if err != nil {
			b.Fatal(err)
		}
		closed := conn.NotifyClose(make(chan *amqp.Error, 1))
		b.command("mq", "fault", "watched", "CONNECTION_CLOSED")
		if err := patience.For(b, "the close", closed, nil); err == nil || err.Code != amqp.ConnectionForced {
			b.Errorf("the client is told %v", err)
		}
	})
	b.inside(t, "metrics", measured)
	b.inside(t, "the key is disabled", func(b *broker) {
		if _, err := keys.DisableKey(b.Context(), &kms.DisableKeyInput{KeyId: key.KeyMetadata.KeyId}); err != nil {
			b.Fatal(err)
		}
		at := b.at("amqps")
		b.await(types.BrokerStateCriticalActionRequired)
		if d := b.describe(); len(d.ActionsRequired) != 1 || aws.ToString(d.ActionsRequired[0].ActionRequiredCode) != "RABBITMQ_INVALID_KMS_KEY" {
			b.Errorf("required are %s", reason(d))
		}
		b.refusesReboot()
		patience.Until(b, "the end of the broker", func() bool {
			conn, err := amqp.DialConfig("amqps://"+at+"/", amqp.Config{TLSClientConfig: b.trust})
			if err == nil {
				conn.Close()
			}
			return err != nil
		}, nil)
		if said := b.command("mq", "logs", "watched"); !strings.Contains(said, "startup complete") {
			b.Error("a broker that is stopped has no log")
		}
		if _, err := keys.EnableKey(b.Context(), &kms.EnableKeyInput{KeyId: key.KeyMetadata.KeyId}); err != nil {
			b.Fatal(err)
		}
		b.await(types.BrokerStateRunning)
		if got := b.stored("kept"); len(got) != 1 {
			b.Errorf("stored: %q", got)
		}
	})
	b.inside(t, "the log goes on", func(b *broker) {
		if _, err := log.Await(regexp.MustCompile(`(?s)startup complete.*startup complete`)); err != nil {
			b.Errorf("%v\n%s", err, log)
		}
		if strings.Contains(log.String(), b.password) {
			b.Error("a password is in the log")
		}
	})
}

// follow follows the log of a broker by the command line, until the test is over.
func follow(b *broker) *output.Text {
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	cmd := exec.CommandContext(ctx, binary, "mq", "logs", b.id, "-f", "--data", b.data)
	log := output.New()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cancel()
		cmd.Wait()
	})
	return log
}

func (b *broker) refusesReboot() {
	b.Helper()
	if _, err := b.api().RebootBroker(b.Context(), &awsmq.RebootBrokerInput{BrokerId: &b.id}); code(err) != "BadRequestException" {
		b.Errorf("RebootBroker: %v", err)
	}
}

// alarms are provoked in the broker, which blocks publishers, and cleared.
func alarms(b *broker) {
	conn, err := b.dial(b.owner, b.password)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	blocked := conn.NotifyBlocked(make(chan amqp.Blocking, 16))
	ch, err := conn.Channel()
	if err != nil {
		b.Fatal(err)
	}
	if err := ch.Confirm(false); err != nil {
		b.Fatal(err)
	}
	for _, alarm := range []string{"RABBITMQ_MEMORY_ALARM", "RABBITMQ_DISK_ALARM"} {
		b.command("mq", "fault", "watched", alarm, "--for", "1h")
		b.await(types.BrokerStateCriticalActionRequired)
		if d := b.describe(); len(d.ActionsRequired) != 1 || aws.ToString(d.ActionsRequired[0].ActionRequiredCode) != alarm {
			b.Errorf("required are %s", reason(d))
		}
		b.refusesReboot()
		sent, err := ch.PublishWithDeferredConfirm("", "nowhere", false, false, amqp.Publishing{Body: []byte("held")})
		if err != nil {
			b.Fatal(err)
		}
		if got := patience.For(b, "the block", blocked, nil); !got.Active {
			b.Errorf("%s: %+v", alarm, got)
		}
		if sent.Acked() {
			b.Error("a blocked message is confirmed")
		}
		if said := b.command("mq", "fault", "watched"); !strings.Contains(said, alarm) || !strings.Contains(said, "real") {
			b.Errorf("mq fault lists\n%s", said)
		}
		b.command("mq", "fault", "watched", alarm, "--clear")
		if got := patience.For(b, "the end of the block", blocked, nil); got.Active {
			b.Errorf("%s: %+v", alarm, got)
		}
		if !sent.Wait() {
			b.Error("a message that was blocked is lost")
		}
		b.await(types.BrokerStateRunning)
	}
}

// measured is what the broker is at the next full minute.
func measured(b *broker) {
	var got struct {
		Namespace string
		Series    []struct {
			Name       string
			Dimensions map[string]string
			Points     []struct{ Value float64 }
		}
	}
	values := map[string]float64{}
	patience.Until(b, "metrics", func() bool {
		resp, err := http.Get(b.endpoint + "/_runtime/mq/brokers/" + b.id + "/metrics")
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
			b.Fatal(err)
		}
		for _, s := range got.Series {
			values[s.Name+" "+s.Dimensions["Node"]+s.Dimensions["Queue"]] = s.Points[0].Value
		}
		return values["MessageCount "] == 1
	}, nil)
	node := b.id + "-1@localhost"
	if got.Namespace != "AWS/AmazonMQ" || values["QueueCount "] != 1 || values["MessageReadyCount kept"] != 1 ||
		values["RabbitMQMemUsed "] == 0 || values["RabbitMQMemUsed "] != values["RabbitMQMemUsed "+node] || values["RabbitMQDiskFreeLimit "+node] != 200e6 {
		b.Errorf("measured are %s, %v", got.Namespace, values)
	}
	if said := b.command("mq", "stats", "watched", "--since", "1h"); !strings.Contains(said, "RabbitMQMemLimit") || !strings.Contains(said, "kept in /") {
		b.Errorf("mq stats says\n%s", said)
	}
}
