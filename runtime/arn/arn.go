// Package arn reads and writes Amazon Resource Names:
// arn:partition:service:region:account:resource.
package arn

import (
	"strings"

	"millrace/runtime/fault"
)

// An ARN names one thing in AWS. Region and Account may be empty (IAM, S3).
type ARN struct {
	Partition string // "aws"
	Service   string // "sqs"
	Region    string // "us-east-1"
	Account   string // twelve digits
	Resource  string // all the rest, colons and slashes included
}

// New names a resource in the standard partition.
func New(service, region, account, resource string) ARN {
	return ARN{"aws", service, region, account, resource}
}

// Parse reads an ARN. Text of another form is fault.Invalid.
func Parse(s string) (ARN, error) {
	p := strings.SplitN(s, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[1] == "" || p[2] == "" || p[5] == "" {
		return ARN{}, fault.New(fault.Invalid, "%q is not an ARN", s)
	}
	return ARN{p[1], p[2], p[3], p[4], p[5]}, nil
}

// IsRegion reports whether s can be a region: 1 to 32 of a-z, 0-9 and "-". Those
// of every partition are, and so are the names that other emulators have taught
// their clients, as "local" and "elasticmq".
func IsRegion(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-') {
			return false
		}
	}
	return 1 <= len(s) && len(s) <= 32
}

func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}
