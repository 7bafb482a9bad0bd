package main

import (
	"slices"
	"strings"
)

// restoreSQS puts back what SQS's model held of the query protocol until the
// service moved to JSON: the namespace of answers, the names of lists, maps and
// their parts, the codes of errors. They are the API Reference's
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference).
func restoreSQS(m *model) {
	m.Metadata.XMLNamespace.URI = "http://queue.amazonaws.com/doc/2012-11-05/"
	for name, s := range m.Shapes {
		if s.Exception {
			s.Error = &errorTrait{Code: sqsErrors[name].Code, HTTPStatusCode: max(sqsErrors[name].HTTPStatusCode, 400)}
		}
		if s.Type == "map" {
			s.Key.LocationName, s.Value.LocationName = "Name", "Value"
			if s.Key.Shape == "TagKey" {
				s.Key.LocationName = "Key"
			}
		}
		for member, r := range s.Members {
			r.QueryName = sqsQueryName(member, m.Shapes[r.Shape])
			if member == "Messages" || member == "QueueUrls" { // begin small in JSON answers to query requests
				r.QueryJSONName = strings.ToLower(member[:1]) + member[1:]
			}
		}
	}
}

// sqsQueryName is what a list or a map is called: the singular, or the name of
// the entries.
func sqsQueryName(member string, s *shape) string {
	switch {
	case s.Type != "list" && s.Type != "map":
		return ""
	case member == "Actions":
		return "ActionName"
	case slices.Contains([]string{"Entries", "Successful", "Failed", "Results"}, member):
		return s.Member.Shape
	}
	return exported(strings.TrimSuffix(member, "s"))
}

// sqsErrors are the codes, and the statuses that are not 400.
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
