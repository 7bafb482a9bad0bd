package main

// A service is what is generated of one of AWS's models.
type service struct {
	name       string                // of the model's file and of the package
	shape      string                // put before error shapes in __type, "" for bare names
	signing    string                // in a credential scope; "" for what the model says
	also       []string              // protocols spoken beside the model's own
	generic    bool                  // constraint failures get the generic validation text
	errors     map[string]errorTrait // of exceptions whose model tells it no longer
	operations []string              // imitated; nil for all
}

var services = []service{
	{
		name: "sqs", shape: "com.amazonaws.sqs", also: []string{"query"}, errors: sqsErrors,
	},
	{
		name: "sts", generic: true,
		operations: []string{"AssumeRole", "GetAccessKeyInfo", "GetCallerIdentity", "GetSessionToken"},
	},
	{
		name: "iam", generic: true,
		operations: []string{
			"AttachRolePolicy", "CreatePolicy", "CreatePolicyVersion", "CreateRole", "DeletePolicy", "DeletePolicyVersion", "DeleteRole", "DeleteRolePolicy",
			"DetachRolePolicy", "GetPolicy", "GetPolicyVersion", "GetRole", "GetRolePolicy",
			"ListAttachedRolePolicies", "ListEntitiesForPolicy", "ListInstanceProfilesForRole", "ListPolicies", "ListPolicyTags",
			"ListPolicyVersions", "ListRolePolicies", "ListRoles", "ListRoleTags", "PutRolePolicy", "SetDefaultPolicyVersion", "TagPolicy", "TagRole",
			"UntagPolicy", "UntagRole", "UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription",
		},
	},
	{
		name: "lambda", generic: true,
		operations: []string{
			"AddPermission", "CreateEventSourceMapping", "CreateFunction", "DeleteEventSourceMapping",
			"DeleteFunction", "DeleteFunctionConcurrency", "GetAccountSettings", "GetEventSourceMapping",
			"GetFunction", "GetFunctionCodeSigningConfig", "GetFunctionConcurrency", "GetFunctionConfiguration",
			"GetPolicy", "Invoke", "InvokeAsync", "ListEventSourceMappings", "ListFunctions", "ListTags",
			"ListVersionsByFunction", "PutFunctionConcurrency", "RemovePermission", "TagResource",
			"UntagResource", "UpdateEventSourceMapping", "UpdateFunctionCode", "UpdateFunctionConfiguration",
		},
	},
}

// specimen is the service by which the codecs' tests know CBOR.
var specimen = service{
	name: "cloudwatch",
	operations: []string{
		"DeleteAlarms", "DescribeAlarms", "GetMetricData", "GetMetricStatistics", "GetMetricWidgetImage", "ListMetrics",
		"ListTagsForResource", "PutDashboard", "PutMetricAlarm", "PutMetricData", "PutMetricStream", "SetAlarmState", "TagResource",
	},
}

// sqsErrors are the codes and statuses of the query protocol, which SQS's model
// held until the service moved to JSON (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference).
var sqsErrors = map[string]errorTrait{
	"BatchEntryIdsNotDistinct":     {Code: "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"},
	"BatchRequestTooLong":          {Code: "AWS.SimpleQueueService.BatchRequestTooLong"},
	"EmptyBatchRequest":            {Code: "AWS.SimpleQueueService.EmptyBatchRequest"},
	"InvalidAddress":               {HTTPStatusCode: 404},
	"InvalidBatchEntryId":          {Code: "AWS.SimpleQueueService.InvalidBatchEntryId"},
	"InvalidSecurity":              {HTTPStatusCode: 403},
	"KmsAccessDenied":              {Code: "KMS.AccessDeniedException"},
	"KmsDisabled":                  {Code: "KMS.DisabledException"},
	"KmsInvalidKeyUsage":           {Code: "KMS.InvalidKeyUsageException"},
	"KmsInvalidState":              {Code: "KMS.InvalidStateException"},
	"KmsNotFound":                  {Code: "KMS.NotFoundException"},
	"KmsOptInRequired":             {Code: "KMS.OptInRequired", HTTPStatusCode: 403},
	"KmsThrottled":                 {Code: "KMS.ThrottlingException"},
	"MessageNotInflight":           {Code: "AWS.SimpleQueueService.MessageNotInflight"},
	"OverLimit":                    {HTTPStatusCode: 403},
	"PurgeQueueInProgress":         {Code: "AWS.SimpleQueueService.PurgeQueueInProgress", HTTPStatusCode: 403},
	"QueueDeletedRecently":         {Code: "AWS.SimpleQueueService.QueueDeletedRecently"},
	"QueueDoesNotExist":            {Code: "AWS.SimpleQueueService.NonExistentQueue"},
	"QueueNameExists":              {Code: "QueueAlreadyExists"},
	"ReceiptHandleIsInvalid":       {HTTPStatusCode: 404},
	"RequestThrottled":             {HTTPStatusCode: 403},
	"ResourceNotFoundException":    {HTTPStatusCode: 404},
	"TooManyEntriesInBatchRequest": {Code: "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"},
	"UnsupportedOperation":         {Code: "AWS.SimpleQueueService.UnsupportedOperation"},
}
