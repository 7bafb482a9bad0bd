package iam

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"millrace/runtime/policy/grammar"
)

// checkPolicy says what is wrong with the text of a managed or inline policy,
// in AWS's words and in the order in which AWS looks; "" for nothing. Only
// managed policies must name the current version of the language.
//
// Not supported: the checks of condition operators, of services, actions and
// resource types by name.
func checkPolicy(text string, managed bool) string {
	doc, err := grammar.Read(text)
	if err != nil || !wellFormed(doc) {
		return "Syntax errors in policy."
	}
	if managed && doc.Version != grammar.Version2012 {
		return "Policy document must be version 2012-10-17 or greater."
	}
	sids := map[string]bool{}
	for _, s := range doc.Statement {
		switch {
		case s.Principal != nil || s.NotPrincipal != nil:
			return "Policy document should not specify a principal."
		case s.Effect != "Allow" && s.Effect != "Deny": // right but for its case
			return "The policy failed legacy parsing"
		case s.Sid != "" && sids[s.Sid]:
			return "Statement IDs (SID) in a single policy must be unique."
		case len(s.Action)+len(s.NotAction) == 0:
			return "Policy statement must contain actions."
		case len(s.Resource)+len(s.NotResource) == 0:
			return "Policy statement must contain resources."
		}
		sids[s.Sid] = true
	}
	for _, s := range doc.Statement {
		for _, r := range slices.Concat(s.Resource, s.NotResource) {
			if wrong := checkResource(r); wrong != "" {
				return wrong
			}
		}
		for _, a := range slices.Concat(s.Action, s.NotAction) {
			if wrong := checkAction(a); wrong != "" {
				return wrong
			}
		}
	}
	return ""
}

// wellFormed reports whether the elements that are there fit together.
func wellFormed(d *grammar.Document) bool {
	if !slices.Contains([]string{"", grammar.Version2008, grammar.Version2012}, d.Version) || len(d.Statement) == 0 {
		return false
	}
	return !slices.ContainsFunc(d.Statement, func(s grammar.Statement) bool {
		return !strings.EqualFold(s.Effect, "Allow") && !strings.EqualFold(s.Effect, "Deny") ||
			s.Action != nil && s.NotAction != nil ||
			s.Resource != nil && s.NotResource != nil
	})
}

func checkAction(action string) string {
	if action == "*" {
		return ""
	}
	parts := strings.Split(action, ":")
	switch {
	case len(parts) == 1:
		return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	case len(parts) > 2:
		return "Actions/Condition can contain only one colon."
	case strings.ContainsFunc(parts[0], func(r rune) bool { return !isVendor(r) }) && parts[0] != "*":
		return "Vendor " + parts[0] + " is not valid"
	}
	return ""
}

func isVendor(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '.'
}

func checkResource(resource string) string {
	if resource == "*" {
		return ""
	}
	parts := strings.SplitN(resource, ":", 6) // arn, partition, service, region, account, the rest
	switch {
	case len(parts) == 1:
		return fmt.Sprintf("Resource %s must be in ARN format or \"*\".", resource)
	case !slices.Contains([]string{"aws", "aws-cn", "aws-us-gov"}, parts[1]):
		rest := append(slices.Clone(parts[2:]), "*", "*", "*", "*")[:4]
		return fmt.Sprintf("Partition %q is not valid for resource \"arn:%s:%s\".", parts[1], parts[1], strings.Join(rest, ":"))
	case len(parts) == 2:
		return "Resource vendor must be fully qualified and cannot contain regexes."
	case parts[2] == "iam" && len(parts) > 3 && parts[3] != "":
		return "IAM resource " + resource + " cannot contain region information."
	case parts[2] == "s3" && len(parts) > 3 && parts[3] != "":
		return "Resource " + resource + " can not contain region information."
	}
	return ""
}

// What a trust policy may allow.
var trustActions = []string{
	"sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity",
	"sts:tagsession", "sts:setsourceidentity", "sts:setcontext",
}

// checkTrust says what is wrong with the text of a role's trust policy; "" for nothing.
//
// Not supported: principals must exist on AWS.
func checkTrust(text string) string {
	doc, err := grammar.Read(text)
	if err != nil || len(doc.Statement) == 0 {
		return "This policy contains invalid Json"
	}
	for _, s := range doc.Statement {
		switch {
		case s.Effect == "":
			return "Missing required field Effect"
		case s.Resource != nil || s.NotResource != nil:
			return "Has prohibited field Resource"
		case s.Principal == nil && s.NotPrincipal == nil:
			return "Missing required field Principal"
		case len(s.Action)+len(s.NotAction) == 0:
			return "Missing required field Action"
		}
		for _, a := range s.Action {
			fits := func(allowed string) bool {
				ok, err := path.Match(strings.ToLower(a), allowed)
				return ok && err == nil
			}
			if !strings.HasPrefix(strings.ToLower(a), "sts:") || !slices.ContainsFunc(trustActions, fits) {
				return "AssumeRole policy may only specify STS AssumeRole actions."
			}
		}
	}
	return ""
}

// encode is how IAM answers a document: percent-encoded as RFC 3986 says, every
// byte but the unreserved ones.
func encode(text string) *string {
	s := strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
	return &s
}
