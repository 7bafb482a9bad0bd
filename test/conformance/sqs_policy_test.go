package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	service "millrace/services/sqs"
	"millrace/test/testenv"
)

const stranger = "111111111111"

// as is the same queue, called by another account.
func (q queue) as(env *testenv.Env, account string) queue {
	cfg := env.AWS.Copy()
	cfg.Credentials = credentials.NewStaticCredentialsProvider(account, "secret", "")
	q.sdk = sqs.NewFromConfig(cfg)
	return q
}

func (q queue) trySend(body string) error {
	_, err := q.sdk.SendMessage(q.t.Context(), &sqs.SendMessageInput{QueueUrl: q.url, MessageBody: &body})
	return err
}

// A statement of a policy for the queue q.
func statement(effect, principal, action string, more ...string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":%q,"Principal":%s,"Action":%q,"Resource":"arn:aws:sqs:us-east-1:000000000000:q"%s}]}`,
		effect, principal, action, strings.Join(more, ""))
}

func notAllowed(who, action string) string {
	return "User: " + who + " is not authorized to perform: sqs:" + action + " on resource: arn:aws:sqs:us-east-1:000000000000:q because no resource-based policy allows the sqs:" + action + " action"
}

func deniedTo(who, action string) string {
	return "User: " + who + " is not authorized to perform: sqs:" + action + " on resource: arn:aws:sqs:us-east-1:000000000000:q with an explicit deny in a resource-based policy"
}

const strangersRoot = "arn:aws:iam::111111111111:root"

// Another account may what the queue's policy allows it, and no more.
func TestSQSOtherAccountsNeedAPolicy(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		mine := create(t, env, "q", nil)
		theirs := mine.as(env, stranger)
		wantError(t, "without a policy", theirs.trySend("x"), "AccessDenied", notAllowed(strangersRoot, "sendmessage"))

		mine.must(mine.permit("send", []string{stranger}, "SendMessage", "GetQueueUrl"))
		mine.must(theirs.trySend("theirs"))
		batch, id, body := &sqs.SendMessageBatchInput{QueueUrl: mine.url}, "a", "in a batch"
		batch.Entries = append(batch.Entries, types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body})
		_, err := theirs.sdk.SendMessageBatch(t.Context(), batch)
		mine.must(err)
		name, owner := "q", "000000000000"
		out, err := theirs.sdk.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name, QueueOwnerAWSAccountId: &owner})
		mine.must(err)
		wantEqual(t, "the URL", *out.QueueUrl, *mine.url)
		_, err = theirs.sdk.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: mine.url})
		wantError(t, "another action", err, "AccessDenied", notAllowed(strangersRoot, "receivemessage"))
		wantError(t, "an account that is not named", mine.as(env, "222222222222").trySend("x"), "AccessDenied", notAllowed("arn:aws:iam::222222222222:root", "sendmessage"))
		wantEqual(t, "what came", mine.bodies(), "theirs in a batch")

		mine.must(mine.forbid("send"))
		wantError(t, "after the permission went", theirs.trySend("x"), "AccessDenied", notAllowed(strangersRoot, "sendmessage"))

		mine.set("Policy", statement("Allow", `"*"`, "sqs:*"))
		mine.must(theirs.trySend("x"))
		for action, call := range map[string]func() error{
			"deletequeue": func() error {
				_, err := theirs.sdk.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: mine.url})
				return err
			},
			"listqueuetags": func() error {
				_, err := theirs.sdk.ListQueueTags(t.Context(), &sqs.ListQueueTagsInput{QueueUrl: mine.url})
				return err
			},
			"setqueueattributes": func() error {
				_, err := theirs.sdk.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: mine.url, Attributes: map[string]string{"DelaySeconds": "1"}})
				return err
			},
			"addpermission":    func() error { return theirs.permit("l", []string{stranger}, "*") },
			"removepermission": func() error { return theirs.forbid("l") },
			"tagqueue": func() error {
				_, err := theirs.sdk.TagQueue(t.Context(), &sqs.TagQueueInput{QueueUrl: mine.url, Tags: map[string]string{"a": "b"}})
				return err
			},
			"untagqueue": func() error {
				_, err := theirs.sdk.UntagQueue(t.Context(), &sqs.UntagQueueInput{QueueUrl: mine.url, TagKeys: []string{"a"}})
				return err
			},
			"startmessagemovetask": func() error {
				_, err := theirs.sdk.StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:q")})
				return err
			},
			"listmessagemovetasks": func() error {
				_, err := theirs.sdk.ListMessageMoveTasks(t.Context(), &sqs.ListMessageMoveTasksInput{SourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:q")})
				return err
			},
		} {
			wantError(t, "the owner's own "+action, call(), "AccessDenied", notAllowed(strangersRoot, action))
		}
	})
}

// A Deny is asked first, also of the owner; but the owner's root can always
// change the policy.
func TestSQSDenyWins(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		mine := create(t, env, "q", nil)
		theirs := mine.as(env, stranger)
		mine.set("Policy", `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}]}`)
		wantError(t, "a stranger", theirs.trySend("x"), "AccessDenied", deniedTo(strangersRoot, "sendmessage"))
		wantError(t, "the owner", mine.trySend("x"), "AccessDenied", deniedTo("arn:aws:iam::000000000000:root", "sendmessage"))
		_, err := theirs.sdk.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: mine.url})
		mine.must(err)

		mine.set("Policy", statement("Deny", `"*"`, "sqs:*"))
		_, err = mine.sdk.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: mine.url})
		wantError(t, "the owner, denied everything", err, "AccessDenied", deniedTo("arn:aws:iam::000000000000:root", "purgequeue"))
		mine.set("Policy", "")
		mine.must(mine.trySend("x"))

		// What insists on TLS does not shut out those who are on the same machine.
		mine.set("Policy", statement("Deny", `"*"`, "sqs:*", `,"Condition":{"Bool":{"aws:SecureTransport":"false"}}`))
		mine.must(mine.trySend("x"))
	})
}

// An unsigned call is nobody's: it needs a policy that lets everybody in.
func TestSQSUnsignedCalls(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		mine := create(t, env, "q", nil)
		r := raw{t, env}
		unsigned := func(op, in string) answer {
			return r.do("POST", "/", in, "X-Amz-Target", "AmazonSQS."+op, "Content-Type", "application/x-amz-json-1.0", "Authorization", "")
		}
		const send = `{"QueueUrl":"http://localhost:4566/000000000000/q","MessageBody":"x"}`
		const denied = `{"__type":"com.amazon.coral.service#AccessDeniedException","message":"Access to the resource http://localhost:4566/000000000000/q is denied."}`
		got := unsigned("SendMessage", send)
		wantEqual(t, "JSON, status", got.status, 403)
		wantEqual(t, "JSON, body", got.body, denied)
		wantEqual(t, "JSON, alias", got.header.Get("X-Amzn-Query-Error"), "AccessDenied;Sender")
		got = r.post("/000000000000/q", form("Action", "SendMessage", "MessageBody", "x"), "Authorization", "")
		wantEqual(t, "query, status", got.status, 403)
		wantEqual(t, "query, body", got.body, xmlError("AccessDenied", "Access to the resource http://localhost:4566/000000000000/q is denied."))
		for _, op := range []string{"ListQueues", "CreateQueue"} {
			got := unsigned(op, `{"QueueName":"mine"}`)
			wantEqual(t, op+", body", got.body, `{"__type":"com.amazon.coral.service#AccessDeniedException","message":"Access to the resource http://localhost:4566/ is denied."}`)
		}
		wantEqual(t, "sent", mine.counts(), "0/0/0")

		mine.set("Policy", statement("Allow", `{"AWS":"*"}`, "sqs:SendMessage", `,"Condition":{"StringEquals":{"aws:PrincipalType":"Anonymous"}}`))
		wantEqual(t, "allowed, status", unsigned("SendMessage", send).status, 200)
		wantEqual(t, "another action", unsigned("ReceiveMessage", send).status, 403)
		wantError(t, "what the condition leaves out", mine.as(env, stranger).trySend("x"), "AccessDenied", notAllowed(strangersRoot, "sendmessage"))
		wantEqual(t, "sent", mine.counts(), "1/0/0")
	})
}

// With policies off everybody may, and the policies are kept.
func TestSQSPoliciesOff(t *testing.T) {
	with(t, service.Options{PoliciesOff: true}, func(t *testing.T, env *testenv.Env) {
		mine := create(t, env, "q", nil)
		mine.set("Policy", statement("Deny", `"*"`, "sqs:*"))
		mine.must(mine.trySend("x"))
		mine.must(mine.as(env, stranger).trySend("x"))
		got := raw{t, env}.post("/000000000000/q", form("Action", "SendMessage", "MessageBody", "x"), "Authorization", "")
		wantEqual(t, "unsigned", got.status, 200)
		wantEqual(t, "the policy", mine.attributes()["Policy"], statement("Deny", `"*"`, "sqs:*"))
	})
}

// What no policy may be, in AWS's words, at creation and after it.
func TestSQSPolicyErrors(t *testing.T) {
	const bad = "Invalid value for the parameter Policy."
	const wsdl = " for parameter ActionName is invalid. Reason: Please refer to the appropriate WSDL for a list of valid actions. "
	many := func(n int, one string) string { return strings.TrimSuffix(strings.Repeat(one+",", n), ",") }
	one := `{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}`
	pad := func(size int) string {
		text := statement("Allow", `"*"`, "sqs:*", `,"Sid":"%s"`)
		return fmt.Sprintf(text, strings.Repeat("s", size-len(text)+2))
	}
	keys := make([]string, 11)
	for i := range keys {
		keys[i] = fmt.Sprintf(`"aws:k%d":"true"`, i)
	}
	elevenKeys := strings.Join(keys, ",")
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		create(t, env, "q", nil)
		r := raw{t, env}
		for _, c := range []struct{ rule, policy, code, text string }{
			{"no JSON", `{`, badAttr, bad},
			{"a list", `[]`, badAttr, bad},
			{"no statement", `{"Version":"2012-10-17"}`, badAttr, bad},
			{"an unknown version", `{"Version":"2020-01-01","Statement":` + one + `}`, badAttr, bad},
			{"an unknown element", `{"Statement":` + one + `,"Colour":"red"}`, badAttr, bad},
			{"an unknown effect", strings.Replace(statement("Allow", `"*"`, "sqs:*"), "Allow", "allow", 1), badAttr, bad},
			{"no principal", `{"Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}`, badAttr, bad},
			{"an unknown operator", statement("Allow", `"*"`, "sqs:*", `,"Condition":{"StringSounds":{"aws:UserAgent":"x"}}`), badAttr, bad},
			{"21 statements", `{"Statement":[` + many(21, one) + `]}`, "OverLimit", "21 statements were found in the submitted policy, max allowed is 20"},
			{"51 principals", statement("Allow", `{"AWS":[`+many(51, `"111111111111"`)+`]}`, "sqs:*"), "OverLimit", "51 principals were found in the submitted policy, max allowed is 50"},
			{"11 conditions", statement("Allow", `"*"`, "sqs:*", `,"Condition":{"Bool":{`+elevenKeys+`}}`), "OverLimit", "11 conditions were found in the submitted policy, max allowed is 10"},
			{"10 actions", strings.Replace(statement("Allow", `"*"`, "sqs:*"), `"sqs:*"`, "["+many(10, `"sqs:Get*"`)+"]", 1), "OverLimit", "10 actions were found in a statement from the submitted policy, max allowed is 7"},
			{"8193 bytes", pad(8193), "OverLimit", "Submitted policy is over max allowed size."},
			{"8193 bytes that are no policy", strings.Repeat("x", 8193), "OverLimit", "Submitted policy is over max allowed size."},
			{"an action of nobody", statement("Allow", `"*"`, "sqs:Fly"), badValue, "Value SQS:Fly" + wsdl},
			{"a batch form", statement("Allow", `"*"`, "sqs:ChangeMessageVisibilityBatch"), badValue, "Value SQS:ChangeMessageVisibilityBatch" + wsdl},
			{"another service", statement("Allow", `"*"`, "s3:GetObject"), badValue, "Value S3:GetObject" + wsdl},
		} {
			value, err := json.Marshal(c.policy)
			if err != nil {
				t.Fatal(err)
			}
			status := 400
			if c.code == "OverLimit" {
				status = 403
			}
			for _, op := range []string{`SetQueueAttributes {"QueueUrl":"q",`, `CreateQueue {"QueueName":"new",`} {
				name, head, _ := strings.Cut(op, " ")
				r.refused(t, c.rule+", "+name, name, head+`"Attributes":{"Policy":`+string(value)+`}}`, c.code, c.text, status)
			}
		}
		mine := queue{t, sqs.NewFromConfig(env.AWS), aws.String("q")}
		mine.set("Policy", pad(8192))
		wantError(t, "a permission that does not fit", mine.permit("l", []string{stranger}, "SendMessage"), "OverLimit", "Submitted policy is over max allowed size.")
		mine.set("Policy", "")
		wantEqual(t, "what was set", r.json("GetQueueAttributes", `{"QueueUrl":"q","AttributeNames":["Policy"]}`).body, "{}")
		wantEqual(t, "what was made", r.json("ListQueues", `{"QueueNamePrefix":"new"}`).body, "{}")
	})
}

// A Resource that is no ARN is taken, as at AWS, and names nothing.
func TestSQSPolicyOfNoARN(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		mine := create(t, env, "q", nil)
		theirs := mine.as(env, stranger)
		for _, resource := range []string{"abc", "/000000000000/q", *mine.url, "q", "", "*q", "${aws:username"} {
			name, err := json.Marshal(resource)
			if err != nil {
				t.Fatal(err)
			}
			for _, effect := range []string{"Allow", "Deny"} {
				text := strings.Replace(statement(effect, `"*"`, "sqs:*"), `"arn:aws:sqs:us-east-1:000000000000:q"`, string(name), 1)
				mine.set("Policy", text)
				wantEqual(t, effect+" of "+resource, mine.attributes()["Policy"], text)
				mine.must(mine.trySend("x"))
				wantError(t, effect+" of "+resource, theirs.trySend("x"), "AccessDenied", notAllowed(strangersRoot, "sendmessage"))
			}
		}
		mine.set("Policy", `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":["abc","arn:aws:sqs:*:000000000000:q"]},`+
			`{"Effect":"Deny","Principal":"*","Action":"sqs:PurgeQueue","NotResource":"abc"}]}`)
		mine.must(theirs.trySend("x"))
		_, err := mine.sdk.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: mine.url})
		wantError(t, "all but what is no ARN", err, "AccessDenied", deniedTo("arn:aws:iam::000000000000:root", "purgequeue"))
	})
}
