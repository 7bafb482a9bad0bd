package iam

import (
	"millrace/runtime/identity"
	"millrace/runtime/policy"
)

// mqPolicies are AWS's own policies for Amazon MQ. Amazon MQ Developer Guide, "AWS
// managed policies for Amazon MQ", and the pages of the policies in the AWS Managed Policy
// Reference Guide.
var mqPolicies = []identity.Policy{
	mqPolicy("AmazonMQFullAccess", "/", 6, "2017-11-28T15:28:00Z", "2026-08-27T00:00:00Z",
		"Provides full access to AmazonMQ via the AWS Management Console.",
		`{"Effect":"Allow","Action":["mq:*","cloudformation:CreateStack",`+mqNetwork+`,"ec2:CreateSecurityGroup","ec2:AuthorizeSecurityGroupIngress"],"Resource":"*"},`+
			`{"Effect":"Allow","Action":["cloudformation:TagResource","cloudformation:UntagResource"],"Resource":"*","Condition":{"StringEquals":{"cloudformation:CreateAction":"CreateStack"}}},`+
			mqSetup),
	mqPolicy("AmazonMQReadOnlyAccess", "/", 2, "2017-11-28T15:30:00Z", "2017-11-28T19:02:00Z",
		"Provides read only access to AmazonMQ via the AWS Management Console.", mqReading),
	mqPolicy("AmazonMQApiFullAccess", "/", 2, "2018-12-18T20:31:00Z", "2020-11-04T16:45:00Z",
		"Provides full access to AmazonMQ via our API/SDK.",
		`{"Effect":"Allow","Action":["mq:*",`+mqNetwork+`],"Resource":"*"},`+mqSetup),
	mqPolicy("AmazonMQApiReadOnlyAccess", "/", 1, "2018-12-18T20:31:00Z", "2018-12-18T20:31:00Z",
		"Provides read only access to AmazonMQ via our API/SDK.", mqReading),
	mqPolicy("AmazonMQServiceRolePolicy", servicePath, 1, "2020-11-04T16:07:00Z", "2020-11-04T16:07:00Z",
		"Service Linked Role Policy for AWS Amazon MQ",
		`{"Effect":"Allow","Action":["ec2:DescribeVpcEndpoints"],"Resource":"*"},`+
			`{"Effect":"Allow","Action":["ec2:CreateVpcEndpoint"],"Resource":["arn:aws:ec2:*:*:vpc/*","arn:aws:ec2:*:*:subnet/*","arn:aws:ec2:*:*:security-group/*"]},`+
			`{"Effect":"Allow","Action":["ec2:CreateVpcEndpoint"],"Resource":["arn:aws:ec2:*:*:vpc-endpoint/*"],"Condition":{"StringEquals":{"aws:RequestTag/AMQManaged":"true"}}},`+
			`{"Effect":"Allow","Action":["ec2:CreateTags"],"Resource":"arn:aws:ec2:*:*:vpc-endpoint/*","Condition":{"StringEquals":{"ec2:CreateAction":"CreateVpcEndpoint"}}},`+
			`{"Effect":"Allow","Action":["ec2:DeleteVpcEndpoints"],"Resource":"arn:aws:ec2:*:*:vpc-endpoint/*","Condition":{"StringEquals":{"ec2:ResourceTag/AMQManaged":"true"}}},`+
			`{"Effect":"Allow","Action":["logs:PutLogEvents","logs:DescribeLogStreams","logs:DescribeLogGroups","logs:CreateLogStream","logs:CreateLogGroup"],"Resource":["arn:aws:logs:*:*:log-group:/aws/amazonmq/*"]}`),
}

// servicePath is the path of policies that only service-linked roles have.
const servicePath = "/aws-service-role/"

// Parts of the policies' documents.
const (
	mqNetwork = `"ec2:CreateNetworkInterface","ec2:CreateNetworkInterfacePermission","ec2:DeleteNetworkInterface",` +
		`"ec2:DeleteNetworkInterfacePermission","ec2:DetachNetworkInterface","ec2:DescribeInternetGateways","ec2:DescribeNetworkInterfaces",` +
		`"ec2:DescribeNetworkInterfacePermissions","ec2:DescribeRouteTables","ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVpcs"`
	mqSetup = `{"Effect":"Allow","Action":["logs:CreateLogGroup"],"Resource":["arn:aws:logs:*:*:log-group:/aws/amazonmq/*"]},` +
		`{"Effect":"Allow","Action":"iam:CreateServiceLinkedRole","Resource":"*","Condition":{"StringLike":{"iam:AWSServiceName":"mq.amazonaws.com"}}}`
	mqReading = `{"Effect":"Allow","Action":["mq:Describe*","mq:List*","ec2:DescribeNetworkInterfaces","ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVpcs"],"Resource":"*"}`
)

// mqPolicy is a policy whose only known version has some statements. The ids
// that these policies have in AWS are not known here: theirs follow from their names.
func mqPolicy(name, path string, inForce int, created, updated, description, statements string) identity.Policy {
	p := awsPolicy(name, path, policy.UniqueID("ANPA", name), inForce, created, updated, description, `"*"`)
	p.Versions[0].Document = `{"Version":"2012-10-17","Statement":[` + statements + `]}`
	return p
}
