package main

// A service is what is generated of one of AWS's models.
type service struct {
	name       string           // of the model's file and of the package
	shape      string           // put before error shapes in __type, "" for bare names
	signing    string           // in a credential scope; "" for what the model says
	also       []string         // protocols spoken beside the model's own
	generic    bool             // constraint failures get the generic validation text
	operations []string         // supported; nil for all
	restore    func(*model)     // puts back what the model has lost; nil when nothing
	limits     map[string]int64 // of operations' bodies, in bytes, where it is not usualBody
}

// usualBody bounds the body of a request, in bytes. It leaves room for the longest
// that AWS takes of a document (a batch of 1 MiB for SQS, six bytes for a character
// in JSON), and for what is longer to be refused in the service's own words.
const usualBody = 16 << 20

func (s service) maxBody(operation string) int64 {
	if n, ok := s.limits[operation]; ok {
		return n
	}
	return usualBody
}

var services = []service{
	{
		name: "sqs", shape: "com.amazonaws.sqs", also: []string{"query"}, restore: restoreSQS,
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
		name: "kms", generic: true,
		operations: []string{
			"CancelKeyDeletion", "CreateAlias", "CreateKey", "Decrypt", "DeleteAlias", "DescribeKey", "DisableKey", "DisableKeyRotation",
			"EnableKey", "EnableKeyRotation", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "GenerateRandom",
			"GetKeyPolicy", "GetKeyRotationStatus", "ListAliases", "ListKeyPolicies", "ListKeys", "ListResourceTags", "PutKeyPolicy",
			"ReEncrypt", "ScheduleKeyDeletion", "TagResource", "UntagResource", "UpdateAlias", "UpdateKeyDescription", "VerifyMac",
		},
	},
	{
		name: "lambda", generic: true,
		operations: []string{
			"AddPermission", "CreateEventSourceMapping", "CreateFunction", "DeleteEventSourceMapping",
			"DeleteFunction", "DeleteFunctionConcurrency", "DeleteFunctionEventInvokeConfig", "GetAccountSettings", "GetEventSourceMapping",
			"GetFunction", "GetFunctionCodeSigningConfig", "GetFunctionConcurrency", "GetFunctionConfiguration",
			"GetFunctionEventInvokeConfig", "GetPolicy", "Invoke", "InvokeAsync", "ListEventSourceMappings",
			"ListFunctionEventInvokeConfigs", "ListFunctions", "ListTags", "ListVersionsByFunction", "PutFunctionConcurrency",
			"PutFunctionEventInvokeConfig", "RemovePermission", "TagResource", "UntagResource", "UpdateEventSourceMapping",
			"UpdateFunctionCode", "UpdateFunctionConfiguration", "UpdateFunctionEventInvokeConfig",
		},
		limits: map[string]int64{
			"CreateFunction": 70167211, "UpdateFunctionCode": 70167211, // a zip file of 50 MiB in base64
			"Invoke": 6 << 20, "InvokeAsync": 6 << 20,
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

// streaming are the services by which the tests know streams: parts of AWS's models,
// one for each form that streams have on the wire.
var streaming = []service{
	{name: "objects", limits: map[string]int64{"PutObject": 5 << 30}},
	{name: "invoke", limits: map[string]int64{"InvokeWithResponseStream": 6 << 20}},
	{name: "tail", shape: "com.amazonaws.logs"},
}
