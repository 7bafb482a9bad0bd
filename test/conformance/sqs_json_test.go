package conformance

import (
	"strings"
	"testing"

	"millrace/test/testenv"
)

// The SDKs hide much of an answer: what they are sent, to the letter.
func TestSQSJSONAnswers(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		create(t, env, "q", map[string]string{"MaximumMessageSize": "1024"})
		create(t, env, "q.fifo", map[string]string{"FifoQueue": "true"})
		r := raw{t, env}
		const noQueue = `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}`
		failure := func(shape, text string) string {
			return `{"__type":"` + qualified(shape) + `","message":"` + text + `"}`
		}
		for _, c := range []struct {
			rule, op, in string
			status       int
			alias        string // x-amzn-query-error without ;Sender
			body         string
		}{
			{"an operation without output", "TagQueue", `{"QueueUrl":"q","Tags":{"a":"1"}}`, 200, "", `{}`},
			{"tags", "ListQueueTags", `{"QueueUrl":"q"}`, 200, "", `{"Tags":{"a":"1"}}`},
			{"no tags", "ListQueueTags", `{"QueueUrl":"q.fifo"}`, 200, "", `{}`},
			{"no messages", "ReceiveMessage", `{"QueueUrl":"q"}`, 200, "", `{}`},
			{"an attempt id means nothing on a standard queue", "ReceiveMessage", `{"QueueUrl":"q","ReceiveRequestAttemptId":"a"}`, 200, "", `{}`},
			{"no queues", "ListQueues", `{"QueueNamePrefix":"none"}`, 200, "", `{}`},
			{"a page of queues, the last", "ListQueues", `{"MaxResults":2}`, 200, "", `{"QueueUrls":["http://localhost:4566/000000000000/q","http://localhost:4566/000000000000/q.fifo"]}`},
			{"no dead-letter sources", "ListDeadLetterSourceQueues", `{"QueueUrl":"q"}`, 200, "", `{"queueUrls":[]}`},
			{"no attributes asked for", "GetQueueAttributes", `{"QueueUrl":"q"}`, 200, "", `{}`},
			{"an attribute that is not set", "GetQueueAttributes", `{"QueueUrl":"q","AttributeNames":["Policy"]}`, 200, "", `{}`},
			{"a name in the account of somebody", "GetQueueUrl", `{"QueueName":"q","QueueOwnerAWSAccountId":"000000000000"}`, 200, "", `{"QueueUrl":"http://localhost:4566/000000000000/q"}`},
			{"all failed in a batch", "SendMessageBatch", `{"QueueUrl":"q","Entries":[{"Id":"a","MessageBody":"` + strings.Repeat("x", 1025) + `"},{"Id":"b","MessageBody":"\u0001"}]}`, 200, "",
				`{"Failed":[{"Code":"InvalidParameterValue","Id":"a","Message":"One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes.","SenderFault":true},` +
					`{"Code":"InvalidMessageContents","Id":"b","Message":"Invalid binary character '#x1' was found in the message body, the set of allowed characters is #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF].","SenderFault":true}]}`},

			{"a queue that is not there", "ReceiveMessage", `{"QueueUrl":"http://localhost:4566/000000000000/none"}`, 400, "AWS.SimpleQueueService.NonExistentQueue", noQueue},
			{"a name that is not there", "GetQueueUrl", `{"QueueName":"none"}`, 400, "AWS.SimpleQueueService.NonExistentQueue", noQueue},
			{"the account of somebody else", "GetQueueUrl", `{"QueueName":"q","QueueOwnerAWSAccountId":"111111111111"}`, 400, "AWS.SimpleQueueService.NonExistentQueue", noQueue},
			{"no QueueUrl", "ReceiveMessage", `{}`, 400, "MissingParameter", failure("MissingRequiredParameterException", "The request must contain the parameter QueueUrl.")},
			{"no QueueName", "CreateQueue", `{}`, 400, "MissingParameter", failure("MissingRequiredParameterException", "The request must contain the parameter QueueName.")},
			{"no Attributes", "SetQueueAttributes", `{"QueueUrl":"q"}`, 400, "MissingParameter", failure("MissingRequiredParameterException", "The request must contain the parameter Attributes.")},
			{"no MessageBody", "SendMessage", `{"QueueUrl":"q"}`, 400, "MissingParameter", failure("MissingRequiredParameterException", "The request must contain the parameter MessageBody.")},
			{"no ReceiptHandle to delete", "DeleteMessage", `{"QueueUrl":"q"}`, 400, "MissingParameter", failure("MissingRequiredParameterException", "The request must contain the parameter MessageHandle.")},
			{"no ReceiptHandle to change", "ChangeMessageVisibility", `{"QueueUrl":"q","VisibilityTimeout":1}`, 400, "MissingParameter", failure("MissingRequiredParameterException", "The request must contain the parameter ReceiptHandle.")},
			{"no VisibilityTimeout", "ChangeMessageVisibility", `{"QueueUrl":"q","ReceiptHandle":"x"}`, 400, "MissingParameter", failure("MissingRequiredParameterException", "The request must contain the parameter VisibilityTimeout.")},
			{"no Tags", "TagQueue", `{"QueueUrl":"q"}`, 400, "MissingParameter", failure("MissingRequiredParameterException", "The request must contain the parameter Tags.")},
			{"empty Tags", "TagQueue", `{"QueueUrl":"q","Tags":{}}`, 400, "MissingParameter", failure("MissingRequiredParameterException", "The request must contain the parameter Tags.")},
			{"no TagKeys", "UntagQueue", `{"QueueUrl":"q","TagKeys":[]}`, 400, "InvalidParameterValue", failure("InvalidParameterValueException", "Tag keys must be between 1 and 128 characters in length.")},
			{"bad JSON", "SendMessage", `{"QueueUrl":`, 400, "SerializationException", failure("SerializationException", "")},
			{"a text for a number", "ReceiveMessage", `{"QueueUrl":"q","MaxNumberOfMessages":"ten"}`, 400, "SerializationException", failure("SerializationException", "STRING_VALUE can not be converted to an Integer")},
			{"an unknown operation", "Fly", `{}`, 400, "UnknownOperationException", `{"__type":"com.amazon.coral.service#UnknownOperationException"}`},
			{"the queue is looked for before the body", "SendMessage", `{"QueueUrl":"none"}`, 400, "AWS.SimpleQueueService.NonExistentQueue", noQueue},
			{"the body is looked at before the FIFO ids", "SendMessage", `{"QueueUrl":"q.fifo"}`, 400, "MissingParameter", failure("MissingRequiredParameterException", "The request must contain the parameter MessageBody.")},
		} {
			got := r.json(c.op, c.in)
			wantEqual(t, c.rule+", status", got.status, c.status)
			if c.rule == "bad JSON" { // AWS's own sentence is not known
				got.body = failure(between(t, got.body, "#", `"`), "")
			}
			wantEqual(t, c.rule+", body", got.body, c.body)
			wantEqual(t, c.rule+", Content-Type", got.header.Get("Content-Type"), "application/x-amz-json-1.0")
			if c.alias != "" {
				c.alias += ";Sender"
			}
			wantEqual(t, c.rule+", x-amzn-query-error", got.header.Get("X-Amzn-Query-Error"), c.alias)
		}
		php := r.do("POST", "/000000000000/q", `{"QueueUrl":"http://localhost:4566/000000000000/q"}`, "X-Amz-Target", "AmazonSQS.ListQueueTags", "Content-Type", "application/x-amz-json-1.0")
		wantEqual(t, "on the queue's own URL", php.body, `{"Tags":{"a":"1"}}`)
	})
}
