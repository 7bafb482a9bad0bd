package conformance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/test/testenv"
)

// permit calls AddPermission as the SDK does.
func (q queue) permit(label string, accounts []string, actions ...string) error {
	_, err := q.sdk.AddPermission(q.t.Context(), &sqs.AddPermissionInput{QueueUrl: q.url, Label: &label, AWSAccountIds: accounts, Actions: actions})
	return err
}

func (q queue) forbid(label string) error {
	_, err := q.sdk.RemovePermission(q.t.Context(), &sqs.RemovePermissionInput{QueueUrl: q.url, Label: &label})
	return err
}

// The policy that permissions make, to the letter, and its end with the last one.
func TestSQSPermissionsMakeThePolicy(t *testing.T) {
	const arn = "arn:aws:sqs:us-east-1:000000000000:q"
	const head = `{"Version":"2008-10-17","Id":"` + arn + `/SQSDefaultPolicy","Statement":[`
	const one = `{"Sid":"one","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"SQS:SendMessage","Resource":"` + arn + `"}`
	const many = `{"Sid":"many","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111111111111:root","arn:aws:iam::222222222222:root"]},"Action":["SQS:ReceiveMessage","SQS:*"],"Resource":"` + arn + `"}`
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "q", nil)
		q.must(q.permit("one", []string{"111111111111"}, "SendMessage"))
		wantEqual(t, "one permission", q.attributes()["Policy"], head+one+"]}")
		q.must(q.permit("many", []string{"111111111111", "222222222222"}, "ReceiveMessage", "*"))
		wantEqual(t, "two permissions", q.attributes()["Policy"], head+one+","+many+"]}")
		q.must(q.forbid("one"))
		wantEqual(t, "the first removed", q.attributes()["Policy"], head+many+"]}")
		q.must(q.forbid("many"))
		if p, ok := q.attributes()["Policy"]; ok {
			t.Errorf("no permission is left, but there is the policy %s", p)
		}

		const own = `{"Version":"2012-10-17","Statement":{"Sid":"mine","Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*","Condition":{"StringLike":{"aws:UserAgent":"<a&b>"}}}}`
		q.set("Policy", own)
		q.must(q.permit("one", []string{"111111111111"}, "SendMessage"))
		statement := strings.TrimSuffix(strings.TrimPrefix(own, `{"Version":"2012-10-17","Statement":`), "}")
		wantEqual(t, "added to a policy of one's own", q.attributes()["Policy"], `{"Version":"2012-10-17","Statement":[`+statement+","+one+"]}")
		q.must(q.forbid("mine"))
		wantEqual(t, "its own statement removed by its Sid", q.attributes()["Policy"], `{"Version":"2012-10-17","Statement":[`+one+"]}")
	})
}

func TestSQSPermissionErrors(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "q", nil)
		q.must(q.permit("taken", []string{"111111111111"}, "SendMessage"))
		before := q.attributes()["Policy"]
		account := []string{"111111111111"}
		const wsdl = "Please refer to the appropriate WSDL for a list of valid actions. "
		for _, c := range []struct {
			rule, label string
			accounts    []string
			actions     []string
			code, text  string
		}{
			{"a label twice", "taken", account, []string{"SendMessage"}, badValue, "Value taken for parameter Label is invalid. Reason: Already exists."},
			{"a bad label", "a b", account, []string{"SendMessage"}, badValue, "Value a b for parameter Label is invalid. Reason: Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length."},
			{"a long label", strings.Repeat("l", 81), account, []string{"SendMessage"}, badValue, "Value " + strings.Repeat("l", 81) + " for parameter Label is invalid. Reason: Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length."},
			{"no label", "", account, []string{"SendMessage"}, missing, "The request must contain the parameter Label."},
			{"no accounts", "l", []string{}, []string{"SendMessage"}, badValue, "Value [] for parameter PrincipalId is invalid. Reason: Unable to verify."},
			{"everybody", "l", []string{"*"}, []string{"SendMessage"}, badValue, "Value [*] for parameter PrincipalId is invalid. Reason: Unable to verify."},
			{"no actions", "l", account, []string{}, missing, "The request must contain the parameter Actions."},
			{"an owner's action", "l", account, []string{"SendMessage", "DeleteQueue"}, badValue, "Value SQS:DeleteQueue for parameter ActionName is invalid. Reason: Only the queue owner is allowed to invoke this action."},
			{"an unknown action", "l", account, []string{"Fly"}, badValue, "Value SQS:Fly for parameter ActionName is invalid. Reason: " + wsdl},
			{"a batch form", "l", account, []string{"SendMessageBatch"}, badValue, "Value SQS:SendMessageBatch for parameter ActionName is invalid. Reason: " + wsdl},
			{"eight actions", "l", account, []string{"SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes", "GetQueueUrl", "PurgeQueue", "*"}, "OverLimit", "8 Actions were found, maximum allowed is 7."},
		} {
			wantError(t, c.rule, q.permit(c.label, c.accounts, c.actions...), c.code, c.text)
		}
		wantError(t, "an unknown label", q.forbid("unknown"), badValue, "Value unknown for parameter Label is invalid. Reason: can't find label.")
		wantEqual(t, "the policy after what was refused", q.attributes()["Policy"], before)

		crowd := make([]string, 50)
		for i := range crowd {
			crowd[i] = fmt.Sprintf("%012d", i)
		}
		wantError(t, "51 principals", q.permit("l", crowd, "SendMessage"), "OverLimit", "51 principals were found in the submitted policy, max allowed is 50")
		wantEqual(t, "the policy after that", q.attributes()["Policy"], before)
		for i := range 19 {
			q.must(q.permit(fmt.Sprint(i), account, "SendMessage"))
		}
		wantError(t, "21 statements", q.permit("l", account, "SendMessage"), "OverLimit", "21 statements were found in the submitted policy, max allowed is 20")
	})
}
