package conformance

import (
	"fmt"
	"strings"
	"testing"

	"millrace/test/testenv"
)

// The commonest errors by their query codes.
const (
	badValue = "InvalidParameterValue"
	badName  = "InvalidAttributeName"
	badAttr  = "InvalidAttributeValue"
	missing  = "MissingParameter"
)

// entries writes n batch entries, each with a body.
func entries(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"Id":"%d","MessageBody":"x","ReceiptHandle":"h"}`, i))
	}
	return "[" + strings.Join(all, ",") + "]"
}

// attributes writes a send with n attributes.
func withAttributes(attributes ...string) string {
	return `{"QueueUrl":"q","MessageBody":"x","MessageAttributes":{` + strings.Join(attributes, ",") + `}}`
}

func text(name, dataType, value string) string {
	return fmt.Sprintf(`%q:{"DataType":%q,"StringValue":%q}`, name, dataType, value)
}

// Every way a request can be wrong, in AWS's words.
func TestSQSErrors(t *testing.T) {
	const sse = "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE."
	badChar := func(c string) string {
		return "Invalid binary character '#x" + c + "' was found in the message body, the set of allowed characters is #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF]."
	}
	const badChars = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
	const reserved = "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. Additionally, they cannot start or end with '.'."
	const nameChars = "Message (user) attributes name can only contain upper and lower score characters, digits, periods, hyphens and underscores. "
	const typeText = "The type of message (user) attribute 'k' is invalid. You must use only the following supported type prefixes: Binary, Number, String."
	const otherType = "The request include parameter that is not valid for this queue type."
	const maxResults = "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000."
	const batch = "AWS.SimpleQueueService."
	eleven := make([]string, 11)
	for i := range eleven {
		eleven[i] = text(fmt.Sprint("k", i), "String", "v")
	}
	value := func(v any, name, reason string) string {
		return fmt.Sprintf("Value %v for parameter %s is invalid. Reason: %s", v, name, reason)
	}
	idText := func(name string) string {
		return name + " can only include alphanumeric and punctuation characters. 1 to 128 in length."
	}
	set := func(queue, name, value string) string {
		return fmt.Sprintf(`{"QueueUrl":%q,"Attributes":{%q:%q}}`, queue, name, value)
	}
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		small := create(t, env, "q", map[string]string{"MaximumMessageSize": "1024"})
		fifo := create(t, env, "q.fifo", map[string]string{"FifoQueue": "true"})
		create(t, env, "deny", map[string]string{"RedriveAllowPolicy": `{"redrivePermission":"denyAll"}`})
		r := raw{t, env}
		for _, c := range []struct{ rule, op, in, code, text string }{
			// §5, one message
			{"a byte too long", "SendMessage", `{"QueueUrl":"q","MessageBody":"` + strings.Repeat("x", 1025) + `"}`, badValue, "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."},
			{"bytes, not characters", "SendMessage", `{"QueueUrl":"q","MessageBody":"` + strings.Repeat("ä", 513) + `"}`, badValue, "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."},
			{"a byte too long with an attribute", "SendMessage", `{"QueueUrl":"q","MessageBody":"` + strings.Repeat("x", 1017) + `","MessageAttributes":{"k":{"DataType":"String","StringValue":"v"}}}`, badValue,
				"One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."},
			{"size before characters", "SendMessage", `{"QueueUrl":"q","MessageBody":"` + strings.Repeat(`\u0001`, 1025) + `"}`, badValue, "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."},
			{"characters of the body", "SendMessage", `{"QueueUrl":"q","MessageBody":"a\uffff\u0000"}`, "InvalidMessageContents", badChar("FFFF")},
			{"characters before attributes", "SendMessage", `{"QueueUrl":"q","MessageBody":"\u0000","MessageAttributes":{"a b":{}}}`, "InvalidMessageContents", badChar("0")},
			{"characters of an attribute", "SendMessage", withAttributes(`"k":{"DataType":"String","StringValue":"\u0008"}`), badValue, badChars},
			{"a delay beyond 15 minutes", "SendMessage", `{"QueueUrl":"q","MessageBody":"x","DelaySeconds":901}`, badValue, value(901, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")},
			{"a negative delay", "SendMessage", `{"QueueUrl":"q","MessageBody":"x","DelaySeconds":-1}`, badValue, value(-1, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")},
			{"eleven attributes", "SendMessage", withAttributes(eleven...), badValue, "Number of message attributes [11] exceeds the allowed maximum [10]."},
			{"a long attribute name", "SendMessage", withAttributes(text(strings.Repeat("n", 256), "String", "v")), badValue, "Message (user) attribute names must be shorter than 256 Bytes"},
			{"a blank in an attribute name", "SendMessage", withAttributes(text("a b", "String", "v")), badValue, nameChars},
			{"a reserved attribute name", "SendMessage", withAttributes(text("aWs.x", "String", "v")), badValue, reserved},
			{"another", "SendMessage", withAttributes(text("Amazon.x", "String", "v")), badValue, reserved},
			{"a leading period", "SendMessage", withAttributes(text(".x", "String", "v")), badValue, reserved},
			{"a trailing period", "SendMessage", withAttributes(text("x.", "String", "v")), badValue, reserved},
			{"a double period", "SendMessage", withAttributes(text("x..y", "String", "v")), badValue, reserved},
			{"no type", "SendMessage", withAttributes(`"k":{"StringValue":"v"}`), badValue, typeText},
			{"an unknown type", "SendMessage", withAttributes(text("k", "Text", "v")), badValue, typeText},
			{"types are case-sensitive", "SendMessage", withAttributes(text("k", "string", "v")), badValue, typeText},
			{"a label needs its period", "SendMessage", withAttributes(text("k", "Stringy", "v")), badValue, typeText},
			{"an empty value", "SendMessage", withAttributes(text("k", "String", "")), badValue, "Message (user) attribute 'k' must contain a non-empty value of type 'String'."},
			{"an empty value of a labelled type", "SendMessage", withAttributes(text("k", "String.id", "")), badValue, "Message (user) attribute 'k' must contain a non-empty value of type 'String'."},
			{"a number that is none", "SendMessage", withAttributes(text("k", "Number.int", "ten")), badValue, "Can't cast the value of message (user) attribute 'k' to a number."},
			{"a list of values", "SendMessage", withAttributes(`"k":{"DataType":"String","StringListValues":["a"]}`), badValue, "Message attribute list values in SendMessage operation are not supported."},
			{"a deduplication id on a standard queue", "SendMessage", `{"QueueUrl":"q","MessageBody":"x","MessageDeduplicationId":"d"}`, badValue, value("d", "MessageDeduplicationId", otherType)},
			{"an empty group", "SendMessage", `{"QueueUrl":"q.fifo","MessageBody":"x","MessageGroupId":""}`, badValue, value("", "MessageGroupId", idText("MessageGroupId"))},
			{"a blank in a group", "SendMessage", `{"QueueUrl":"q","MessageBody":"x","MessageGroupId":"a b"}`, badValue, value("a b", "MessageGroupId", idText("MessageGroupId"))},
			{"a long deduplication id", "SendMessage", `{"QueueUrl":"q.fifo","MessageBody":"x","MessageGroupId":"g","MessageDeduplicationId":"` + strings.Repeat("d", 129) + `"}`, badValue,
				value(strings.Repeat("d", 129), "MessageDeduplicationId", idText("MessageDeduplicationId"))},
			{"group before deduplication id", "SendMessage", `{"QueueUrl":"q.fifo","MessageBody":"x","MessageGroupId":"ä","MessageDeduplicationId":"ä"}`, badValue, value("ä", "MessageGroupId", idText("MessageGroupId"))},
			{"no group", "SendMessage", `{"QueueUrl":"q.fifo","MessageBody":"x"}`, missing, "The request must contain the parameter MessageGroupId."},
			{"no deduplication id", "SendMessage", `{"QueueUrl":"q.fifo","MessageBody":"x","MessageGroupId":"g"}`, badValue, "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"},
			{"a delay of one FIFO message", "SendMessage", `{"QueueUrl":"q.fifo","MessageBody":"x","MessageGroupId":"g","MessageDeduplicationId":"d","DelaySeconds":2}`, badValue, value(2, "DelaySeconds", otherType)},

			// §5 and §6, batches
			{"no entries to send", "SendMessageBatch", `{"QueueUrl":"q","Entries":[]}`, batch + "EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request."},
			{"no entries to delete", "DeleteMessageBatch", `{"QueueUrl":"q"}`, batch + "EmptyBatchRequest", "There should be at least one DeleteMessageBatchRequestEntry in the request."},
			{"no entries to change", "ChangeMessageVisibilityBatch", `{"QueueUrl":"q"}`, batch + "EmptyBatchRequest", "There should be at least one ChangeMessageVisibilityBatchRequestEntry in the request."},
			{"eleven to send", "SendMessageBatch", `{"QueueUrl":"q","Entries":` + entries(11) + `}`, batch + "TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 11."},
			{"eleven to delete", "DeleteMessageBatch", `{"QueueUrl":"q","Entries":` + entries(11) + `}`, batch + "TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 11."},
			{"a bad id", "SendMessageBatch", `{"QueueUrl":"q","Entries":[{"Id":"a.b","MessageBody":"x"}]}`, batch + "InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."},
			{"an empty id", "DeleteMessageBatch", `{"QueueUrl":"q","Entries":[{"Id":"","ReceiptHandle":"x"}]}`, batch + "InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."},
			{"a long id", "ChangeMessageVisibilityBatch", `{"QueueUrl":"q","Entries":[{"Id":"` + strings.Repeat("i", 81) + `","ReceiptHandle":"x"}]}`, batch + "InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."},
			{"an id twice", "SendMessageBatch", `{"QueueUrl":"q","Entries":[{"Id":"a","MessageBody":"x"},{"Id":"a","MessageBody":"x"}]}`, batch + "BatchEntryIdsNotDistinct", "Id a repeated."},
			{"no id", "SendMessageBatch", `{"QueueUrl":"q","Entries":[{"Id":"a","MessageBody":"x"},{"MessageBody":"x"}]}`, missing, "The request must contain the parameter SendMessageBatchRequestEntry.2.Id."},
			{"no handle to delete in a batch", "DeleteMessageBatch", `{"QueueUrl":"q","Entries":[{"Id":"a"}]}`, missing, "The request must contain the parameter DeleteMessageBatchRequestEntry.1.ReceiptHandle."},
			{"no handle to change in a batch", "ChangeMessageVisibilityBatch", `{"QueueUrl":"q","Entries":[{"Id":"a"}]}`, missing, "The request must contain the parameter ChangeMessageVisibilityBatchRequestEntry.1.ReceiptHandle."},
			{"a FIFO batch without a group", "SendMessageBatch", `{"QueueUrl":"q.fifo","Entries":[{"Id":"a","MessageBody":"x","MessageGroupId":"g","MessageDeduplicationId":"d"},{"Id":"b","MessageBody":"x"}]}`, badValue,
				"The request must contain the parameter MessageGroupId."},
			{"a FIFO batch without a deduplication id", "SendMessageBatch", `{"QueueUrl":"q.fifo","Entries":[{"Id":"b","MessageBody":"x","MessageGroupId":"g"}]}`, badValue,
				"The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"},

			// §6, receiving
			{"no messages asked for", "ReceiveMessage", `{"QueueUrl":"q","MaxNumberOfMessages":0}`, badValue, value(0, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")},
			{"eleven asked for", "ReceiveMessage", `{"QueueUrl":"q","MaxNumberOfMessages":11}`, badValue, value(11, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")},
			{"too long a wait", "ReceiveMessage", `{"QueueUrl":"q","WaitTimeSeconds":21}`, badValue, value(21, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")},
			{"too long a visibility", "ReceiveMessage", `{"QueueUrl":"q","VisibilityTimeout":43201}`, badValue, value(43201, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")},
			{"a bad attempt id", "ReceiveMessage", `{"QueueUrl":"q.fifo","ReceiveRequestAttemptId":"a b"}`, badValue, value("a b", "ReceiveRequestAttemptId", idText("ReceiveRequestAttemptId"))},
			{"a handle with a quote", "DeleteMessage", `{"QueueUrl":"q","ReceiptHandle":"a\"b"}`, "ReceiptHandleIsInvalid", `The input receipt handle "a"b" is not a valid receipt handle.`},
			{"text to change", "ChangeMessageVisibility", `{"QueueUrl":"q","ReceiptHandle":"garbage","VisibilityTimeout":1}`, "ReceiptHandleIsInvalid", `The input receipt handle "garbage" is not a valid receipt handle.`},

			// §3, attributes
			{"beyond the range", "SetQueueAttributes", set("q", "VisibilityTimeout", "43201"), badAttr, "Invalid value for the parameter VisibilityTimeout."},
			{"below the range", "SetQueueAttributes", set("q", "MaximumMessageSize", "1023"), badAttr, "Invalid value for the parameter MaximumMessageSize."},
			{"above 1 MiB", "SetQueueAttributes", set("q", "MaximumMessageSize", "1048577"), badAttr, "Invalid value for the parameter MaximumMessageSize."},
			{"a sign", "SetQueueAttributes", set("q", "DelaySeconds", "+1"), badAttr, "Invalid value for the parameter DelaySeconds."},
			{"a decimal", "SetQueueAttributes", set("q", "DelaySeconds", "1.0"), badAttr, "Invalid value for the parameter DelaySeconds."},
			{"nothing", "SetQueueAttributes", set("q", "MessageRetentionPeriod", ""), badAttr, "Invalid value for the parameter MessageRetentionPeriod."},
			{"a retention below a minute", "SetQueueAttributes", set("q", "MessageRetentionPeriod", "59"), badAttr, "Invalid value for the parameter MessageRetentionPeriod."},
			{"no boolean", "SetQueueAttributes", set("q", "SqsManagedSseEnabled", "yes"), badAttr, "Invalid value for the parameter SqsManagedSseEnabled."},
			{"an unknown attribute", "SetQueueAttributes", set("q", "Colour", "red"), badName, "Unknown Attribute Colour."},
			{"an unknown attribute asked for", "GetQueueAttributes", `{"QueueUrl":"q","AttributeNames":["All","Colour"]}`, badName, "Unknown Attribute Colour."},
			{"an attribute that only FIFO queues have", "GetQueueAttributes", `{"QueueUrl":"q","AttributeNames":["FifoQueue"]}`, badName, "Unknown Attribute FifoQueue."},
			{"another that only they have", "GetQueueAttributes", `{"QueueUrl":"q","AttributeNames":["QueueArn","ContentBasedDeduplication"]}`, badName, "Unknown Attribute ContentBasedDeduplication."},
			{"a read-only attribute", "SetQueueAttributes", set("q", "QueueArn", "x"), badName, "Unknown Attribute QueueArn."},
			{"another", "CreateQueue", `{"QueueName":"n","Attributes":{"CreatedTimestamp":"0"}}`, badName, "Unknown Attribute CreatedTimestamp."},
			{"no JSON policy", "SetQueueAttributes", set("q", "Policy", "{"), badAttr, "Invalid value for the parameter Policy."},
			{"FifoQueue on a standard queue", "SetQueueAttributes", set("q", "FifoQueue", "true"), badName, "Unknown Attribute FifoQueue."},
			{"FifoQueue=false at creation", "CreateQueue", `{"QueueName":"n","Attributes":{"FifoQueue":"false"}}`, badName, "Unknown Attribute FifoQueue."},
			{"content deduplication on a standard queue", "CreateQueue", `{"QueueName":"n","Attributes":{"ContentBasedDeduplication":"false"}}`, badName, "Unknown Attribute ContentBasedDeduplication."},
			{"a scope on a standard queue", "CreateQueue", `{"QueueName":"n","Attributes":{"DeduplicationScope":"queue"}}`, badName, "You can specify the DeduplicationScope only when FifoQueue is set to true."},
			{"a limit on a standard queue", "SetQueueAttributes", set("q", "FifoThroughputLimit", "perQueue"), badName, "You can specify the FifoThroughputLimit only when FifoQueue is set to true."},
			{"an unknown scope", "SetQueueAttributes", set("q.fifo", "DeduplicationScope", "world"), badAttr, "Invalid value for the parameter DeduplicationScope."},
			{"a limit per group with a scope of the queue", "SetQueueAttributes", set("q.fifo", "FifoThroughputLimit", "perMessageGroupId"), badAttr,
				"Invalid value for the parameter FifoThroughputLimit. Reason: To set FifoThroughputLimit to perMessageGroupId, the DeduplicationScope must be messageGroup."},
			{"FIFO made standard", "SetQueueAttributes", set("q.fifo", "FifoQueue", "false"), badAttr, "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."},
			{"both kinds of encryption", "CreateQueue", `{"QueueName":"n","Attributes":{"KmsMasterKeyId":"alias/k","SqsManagedSseEnabled":"true"}}`, badName, sse},
			{"a short reuse period", "SetQueueAttributes", set("q", "KmsDataKeyReusePeriodSeconds", "59"), badAttr, "Invalid value for the parameter KmsDataKeyReusePeriodSeconds."},

			// §4, queues
			{"an empty name", "CreateQueue", `{"QueueName":""}`, badValue, "Queue name cannot be empty"},
			{"a bad name", "CreateQueue", `{"QueueName":"a.b"}`, badValue, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"},
			{"a long name", "CreateQueue", `{"QueueName":"` + strings.Repeat("q", 81) + `"}`, badValue, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"},
			{"a FIFO name alone", "CreateQueue", `{"QueueName":"a.fifo"}`, badValue, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"},
			{"a FIFO queue of another name", "CreateQueue", `{"QueueName":"a","Attributes":{"FifoQueue":"true"}}`, badValue,
				"The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length."},
			{"another value than it has", "CreateQueue", `{"QueueName":"q","Attributes":{"MaximumMessageSize":"1024","VisibilityTimeout":"31"}}`, "QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute VisibilityTimeout"},
			{"no results asked for", "ListQueues", `{"MaxResults":0}`, badValue, maxResults},
			{"1001 results asked for", "ListDeadLetterSourceQueues", `{"QueueUrl":"q","MaxResults":1001}`, badValue, maxResults},

			// §9, redrive policies
			{"no map", "SetQueueAttributes", set("q", "RedrivePolicy", "x"), badAttr, "Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a valid JSON map."},
			{"a target that denies", "SetQueueAttributes", set("q", "RedrivePolicy", redriveTo("deny", 1)), badValue,
				value(redriveTo("deny", 1), "RedrivePolicy", "Queue arn:aws:sqs:us-east-1:000000000000:q is not allowed to use this dead-letter queue by its redrive allow policy.")},
			{"a target of the other type", "SetQueueAttributes", set("q", "RedrivePolicy", redriveTo("q.fifo", 1)), badValue,
				value(redriveTo("q.fifo", 1), "RedrivePolicy", "Dead-letter queue must be same type of queue as the source..")},
			{"a target that is not there", "CreateQueue", `{"QueueName":"n","Attributes":{"RedrivePolicy":` + fmt.Sprintf("%q", redriveTo("none", 1)) + `}}`, badValue,
				value(redriveTo("none", 1), "RedrivePolicy", "Dead letter target does not exist.")},
			{"an unknown permission", "SetQueueAttributes", set("q", "RedriveAllowPolicy", `{"redrivePermission":"some"}`), badAttr,
				"Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format."},

			{"a count that is missing", "SetQueueAttributes", set("q", "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:deny"}`), badValue,
				value(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:deny"}`, "RedrivePolicy", "Redrive policy does not contain mandatory attribute: maxReceiveCount.")},
			{"byQueue without queues", "SetQueueAttributes", set("q", "RedriveAllowPolicy", `{"redrivePermission":"byQueue"}`), badValue,
				value(`{"redrivePermission":"byQueue"}`, "RedriveAllowPolicy", "Amazon SQS can't create the redrive allow policy. When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values.")},
			{"queues without byQueue", "SetQueueAttributes", set("q", "RedriveAllowPolicy", `{"redrivePermission":"denyAll","sourceQueueArns":["a"]}`), badValue,
				value(`{"redrivePermission":"denyAll","sourceQueueArns":["a"]}`, "RedriveAllowPolicy", "Amazon SQS can't create the redrive allow policy. To specify one or more source queue ARNs, you must set redrivePermission to byQueue.")},

			// §5, what the system attributes may be
			{"another system attribute", "SendMessage", `{"QueueUrl":"q","MessageBody":"x","MessageSystemAttributes":{"SenderId":{"DataType":"String","StringValue":"x"}}}`, badValue, "Message system attribute name 'SenderId' is invalid."},
			{"a trace header that is no text", "SendMessage", `{"QueueUrl":"q","MessageBody":"x","MessageSystemAttributes":{"AWSTraceHeader":{"DataType":"Number","StringValue":"1"}}}`, badValue, "Message system attribute 'AWSTraceHeader' must have the type String."},
			{"an empty trace header", "SendMessage", `{"QueueUrl":"q","MessageBody":"x","MessageSystemAttributes":{"AWSTraceHeader":{"DataType":"String","StringValue":""}}}`, badValue, "Message (system) attribute 'AWSTraceHeader' must contain a non-empty value of type 'String'."},

			// §1, addresses
			{"the endpoint for a queue", "SendMessage", `{"QueueUrl":"http://localhost:4566/","MessageBody":"x"}`, "InvalidAddress", "The address http://localhost:4566/ is not valid for this endpoint."},
			{"a token of nobody", "ListQueues", `{"MaxResults":1,"NextToken":"garbage"}`, badValue, "Invalid or expired next token."},

			// §11, tags
			{"a reserved key", "TagQueue", `{"QueueUrl":"q","Tags":{"AWS:x":"v"}}`, badValue, "Tag keys must not start with the reserved prefix aws:."},
			{"a long value", "TagQueue", `{"QueueUrl":"q","Tags":{"k":"` + strings.Repeat("v", 257) + `"}}`, badValue, "Tag values must be between 0 and 256 characters in length."},
			{"a sign in a tag", "TagQueue", `{"QueueUrl":"q","Tags":{"k":"#"}}`, badValue, "Tags may only contain unicode letters, digits, whitespace, or one of these symbols: _ . : / = + - @"},
			{"a long key", "TagQueue", `{"QueueUrl":"q","Tags":{"` + strings.Repeat("k", 129) + `":"v"}}`, badValue, "Tag keys must be between 1 and 128 characters in length."},
			{"51 tags", "TagQueue", `{"QueueUrl":"q","Tags":{` + tags(51) + `}}`, badValue, "Too many tags added for queue q."},
		} {
			status := 400
			if c.code == "ReceiptHandleIsInvalid" || c.code == "InvalidAddress" {
				status = 404
			}
			r.refused(t, c.rule, c.op, c.in, c.code, c.text, status)
		}
		wantEqual(t, "nothing was sent", small.counts()+" "+fifo.counts(), "0/0/0 0/0/0")
		wantEqual(t, "nothing was set", small.attributes()["VisibilityTimeout"], "30")
		wantEqual(t, "no queue was made", r.json("ListQueues", `{"QueueNamePrefix":"n"}`).body, "{}")
	})
}

// shape is the name that JSON has for a query code.
func shape(code string) string {
	switch code {
	case badValue:
		return "InvalidParameterValueException"
	case missing:
		return "MissingRequiredParameterException"
	case "QueueAlreadyExists":
		return "QueueNameExists"
	}
	return strings.TrimPrefix(code, "AWS.SimpleQueueService.")
}

// qualified is the type of an error in JSON. Those that SQS's model does not have
// are the framework's.
func qualified(shape string) string {
	if strings.HasSuffix(shape, "Exception") && shape != "ResourceNotFoundException" || shape == "InternalFailure" {
		return "com.amazon.coral.service#" + shape
	}
	return "com.amazonaws.sqs#" + shape
}

func redriveTo(name string, receives int) string {
	return fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:%s","maxReceiveCount":%d}`, name, receives)
}

func tags(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`"k%d":"v"`, i))
	}
	return strings.Join(all, ",")
}
