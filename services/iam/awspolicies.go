package iam

import (
	"strings"
	"time"

	"millrace/runtime/identity"
)

// awsAccount is what stands for an account in the ARNs of AWS's own policies.
const awsAccount = "aws"

// awsPolicies are AWS's own policies that deployments of event services read,
// by name, with the version in force in 2026.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
var awsPolicies = index(append([]identity.Policy{
	awsPolicy("AdministratorAccess", "/", "ANPAIWMBCKSKIEE64ZLYK", 1, "2015-02-06T18:39:46Z", "2015-02-06T18:39:46Z",
		"Provides full access to AWS services and resources.", `"*"`),
	awsPolicy("AWSLambdaBasicExecutionRole", "/service-role/", "ANPAJNCQGXC42545SKXIK", 1, "2015-04-09T15:03:43Z", "2015-04-09T15:03:43Z",
		"Provides write permissions to CloudWatch Logs.",
		`["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"]`),
	awsPolicy("AWSLambdaRole", "/service-role/", "ANPAJX4DPCRGTC4NFDUXI", 1, "2015-02-06T18:41:28Z", "2015-02-06T18:41:28Z",
		"Default policy for AWS Lambda service role.", `["lambda:InvokeFunction"]`),
	awsPolicy("AWSLambdaSQSQueueExecutionRole", "/service-role/", "ANPAJFWJZI6JNND4TSELK", 1, "2018-06-14T21:50:45Z", "2018-06-14T21:50:45Z",
		"Provides receive message, delete message, and read attribute access to SQS queues, and write permissions to CloudWatch logs.",
		`["sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes","logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"]`),
	awsPolicy("AmazonS3FullAccess", "/", "ANPAIFIR6V6BVTRAHWINE", 2, "2015-02-06T18:40:58Z", "2021-09-27T20:16:37Z",
		"Provides full access to all buckets via the AWS Management Console.", `["s3:*","s3-object-lambda:*"]`),
	awsPolicy("AmazonSNSFullAccess", "/", "ANPAJWEKLCXXUNT2SOLSG", 1, "2015-02-06T18:41:05Z", "2015-02-06T18:41:05Z",
		"Provides full access to Amazon SNS via the AWS Management Console.", `["sns:*"]`),
	awsPolicy("AmazonSQSFullAccess", "/", "ANPAI65L554VRJ33ECQS6", 1, "2015-02-06T18:41:07Z", "2015-02-06T18:41:07Z",
		"Provides full access to Amazon SQS via the AWS Management Console.", `["sqs:*"]`),
	awsPolicy("AmazonSQSReadOnlyAccess", "/", "ANPAIUGSSQY362XGCM6KW", 3, "2015-02-06T18:41:08Z", "2023-06-15T15:37:35Z",
		"Provides read only access to Amazon SQS via the AWS Management Console.",
		`["sqs:GetQueueAttributes","sqs:GetQueueUrl","sqs:ListDeadLetterSourceQueues","sqs:ListQueues","sqs:ListMessageMoveTasks"]`),
}, mqPolicies...)...)

// awsPolicy is a policy whose only known version allows actions on everything.
func awsPolicy(name, path, id string, inForce int, created, updated, description, actions string) identity.Policy {
	document := strings.ReplaceAll(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":ACTIONS,"Resource":"*"}]}`, "ACTIONS", actions)
	return identity.Policy{
		Account:     awsAccount,
		Name:        name,
		Path:        path,
		ID:          id,
		Description: description,
		Created:     moment(created),
		Updated:     moment(updated),
		Default:     inForce,
		Versions:    []identity.Version{{Number: inForce, Document: document, Created: moment(updated)}},
	}
}

// moment reads a time of the table above.
func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err) // the table is constant
	}
	return t
}

func index(policies ...identity.Policy) map[string]identity.Policy {
	byName := make(map[string]identity.Policy, len(policies))
	for _, p := range policies {
		byName[p.Name] = p
	}
	return byName
}
