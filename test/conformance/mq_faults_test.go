package conformance

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"

	"millrace/test/testenv"
)

// askBroker calls the runtime's own API below /_runtime/mq/brokers/.
func askBroker(t *testing.T, env *testenv.Env, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, env.Endpoint+"/_runtime/mq/brokers/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := env.AWS.HTTPClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	_, _ = text.ReadFrom(resp.Body)
	return resp.StatusCode, strings.TrimSpace(text.String())
}

// required is the state of a broker, and the codes of the actions it requires.
func (b brokerClient) required() string {
	b.t.Helper()
	d := b.describe()
	text := string(d.BrokerState)
	for _, a := range d.ActionsRequired {
		if aws.ToString(a.ActionRequiredInfo) == "" {
			b.t.Errorf("%s says nothing", aws.ToString(a.ActionRequiredCode))
		}
		if code := aws.ToString(a.ActionRequiredCode); code != "METADATA_ONLY" {
			text += " " + code
		}
	}
	return text
}

// Faults of the mode state show in DescribeBroker, and some keep a broker from a reboot
// (Amazon MQ Developer Guide, "Troubleshooting").
func TestMQFaults(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		b := createBroker(t, env, rabbitInput("frail"))
		b.await(types.BrokerStateRunning)
		faults := *b.id + "/faults"
		for _, c := range []struct {
			method, path, body string
			status             int
			has                string // in the answer
			after              string
		}{
			{"GET", faults, "", 200, "[]", "RUNNING"},
			{"POST", faults, `{"code":"RABBITMQ_NONE"}`, 400, "RABBITMQ_MEMORY_ALARM, RABBITMQ_DISK_ALARM", "RUNNING"},
			{"POST", faults, `{"code":"RABBITMQ_DISK_ALARM"}`, 400, "mode state", "RUNNING"},
			{"POST", faults, `{"code":"RABBITMQ_INVALID_KMS_KEY","mode":"real"}`, 400, "disable the broker's KMS key", "RUNNING"},
			{"POST", faults, `{"code":"RABBITMQ_DISK_ALARM","mode":"state","ttl":"soon"}`, 400, "ttl", "RUNNING"},
			{"POST", faults, `{"code":"RABBITMQ_DISK_ALARM","mode":"state","ttl":"-1s"}`, 400, "ttl", "RUNNING"},
			{"POST", faults, `{"code":"RABBITMQ_DISK_ALARM","for":"1s"}`, 400, "body", "RUNNING"},
			{"POST", faults, `[`, 400, "body", "RUNNING"},
			{"POST", "b-none/faults", `{"code":"RABBITMQ_DISK_ALARM","mode":"state"}`, 404, "b-none", "RUNNING"},
			{"POST", faults, `{"code":"RABBITMQ_DISK_ALARM","mode":"state"}`, 200, `"mode":"state"`, "CRITICAL_ACTION_REQUIRED RABBITMQ_DISK_ALARM"},
			{"POST", faults, `{"code":"RABBITMQ_INVALID_ASSUMEROLE"}`, 200, `"code":"RABBITMQ_INVALID_ASSUMEROLE"`, "CRITICAL_ACTION_REQUIRED RABBITMQ_DISK_ALARM RABBITMQ_INVALID_ASSUMEROLE"},
			{"GET", faults, "", 200, `"RABBITMQ_DISK_ALARM"`, "CRITICAL_ACTION_REQUIRED RABBITMQ_DISK_ALARM RABBITMQ_INVALID_ASSUMEROLE"},
			{"DELETE", faults + "/RABBITMQ_MEMORY_ALARM", "", 404, "has no fault", "CRITICAL_ACTION_REQUIRED RABBITMQ_DISK_ALARM RABBITMQ_INVALID_ASSUMEROLE"},
			{"DELETE", faults + "/RABBITMQ_INVALID_ASSUMEROLE", "", 200, "{}", "CRITICAL_ACTION_REQUIRED RABBITMQ_DISK_ALARM"},
		} {
			status, body := askBroker(t, env, c.method, c.path, c.body)
			if status != c.status || !strings.Contains(body, c.has) {
				t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, status, body)
			}
			if after := b.required(); after != c.after {
				t.Errorf("%s %s %s: the broker is %s", c.method, c.path, c.body, after)
			}
		}
		if _, err := b.RebootBroker(t.Context(), &mq.RebootBrokerInput{BrokerId: b.id}); err == nil || !strings.Contains(err.Error(), "BadRequestException") {
			t.Errorf("a reboot under an alarm: %v", err)
		}
		askBroker(t, env, "DELETE", faults+"/RABBITMQ_DISK_ALARM", "")
		b.reboot()
		if status, body := askBroker(t, env, "POST", faults, `{"code":"RABBITMQ_DISK_ALARM","mode":"state","ttl":"5m"}`); status != 200 || !strings.Contains(body, `"until"`) {
			t.Errorf("with an end: %d %s", status, body)
		}
		time.Sleep(6 * time.Minute)
		if after := b.required(); after != "RUNNING" {
			t.Errorf("when the fault has ended: %s", after)
		}
	}, withMetadata)
}

// A broker whose KMS key is disabled is quarantined until the key is enabled.
func TestMQKeyIsDisabled(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		keys := kms.NewFromConfig(env.AWS)
		key, err := keys.CreateKey(t.Context(), &kms.CreateKeyInput{})
		if err != nil {
			t.Fatal(err)
		}
		in := rabbitInput("sealed")
		in.EncryptionOptions = &types.EncryptionOptions{UseAwsOwnedKey: aws.Bool(false), KmsKeyId: key.KeyMetadata.Arn}
		b := createBroker(t, env, in)
		b.await(types.BrokerStateRunning)
		if _, err := keys.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: key.KeyMetadata.KeyId}); err != nil {
			t.Fatal(err)
		}
		b.await(types.BrokerStateCriticalActionRequired)
		if got := b.required(); got != "CRITICAL_ACTION_REQUIRED RABBITMQ_INVALID_KMS_KEY" {
			t.Error(got)
		}
		if _, err := b.RebootBroker(t.Context(), &mq.RebootBrokerInput{BrokerId: b.id}); err == nil || !strings.Contains(err.Error(), "BadRequestException") {
			t.Errorf("a reboot in quarantine: %v", err)
		}
		if _, err := keys.EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: key.KeyMetadata.KeyId}); err != nil {
			t.Fatal(err)
		}
		b.await(types.BrokerStateRunning)
	}, withMetadata)
}
