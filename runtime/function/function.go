// Package function stores deployed functions and runs events in them.
//
// [Functions] holds the records of functions and their code: zip files in a JetStream
// object store, unpacked into a cache folder when needed. Asynchronous invocations
// go through an [Outbox]: runtime/delivery. A [Runner] decides where and how a
// function's code runs: runtime/sandbox.
//
//	functions, err := function.Open(ctx, function.Config{…})
//	f, err := functions.Create(ctx, function.Function{…}, zip)
//	result, err := functions.Invoke(ctx, f.ID(), function.Invocation{Payload: event})
//
// When Create or an update has returned, the function and its code survive a kill of
// the process. When InvokeAsync has returned, so does the event, which runs at least
// once. Everything but unpacking zip files works inside a testing/synctest bubble.
package function

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"millrace/runtime/arn"
)

// Latest is the only version of a function.
const Latest = "$LATEST"

// An ID identifies a function.
type ID struct {
	Account string // twelve digits
	Region  string // "us-east-1"
	Name    string // 1-64 of A-Z a-z 0-9 - _
}

// ARN is the function's ARN, without a qualifier.
func (id ID) ARN() arn.ARN { return arn.New("lambda", id.Region, id.Account, "function:"+id.Name) }

// IDFromARN is the inverse of ID.ARN, and returns the qualifier apart: "" for none. ok
// is false unless s is the ARN of a function.
func IDFromARN(s string) (id ID, qualifier string, ok bool) {
	a, err := arn.Parse(s)
	if err != nil || a.Service != "lambda" {
		return ID{}, "", false
	}
	parts := strings.Split(a.Resource, ":")
	if len(parts) < 2 || len(parts) > 3 || parts[0] != "function" || parts[1] == "" {
		return ID{}, "", false
	}
	if len(parts) == 3 {
		qualifier = parts[2]
	}
	return ID{a.Account, a.Region, parts[1]}, qualifier, true
}

func (id ID) key() string { return id.Account + "/" + id.Region + "/" + id.Name }

// A Function is a deployed function's $LATEST: its configuration and the hash of its
// code. Values are as in Lambda's API, and callers validate them. Create replaces zero
// values by Lambda's defaults.
type Function struct {
	Account, Region, Name string

	Runtime       string // default "provided.al2023"
	Role          string
	Handler       string
	Description   string
	Timeout       int // seconds; default 3
	MemorySize    int // MB; default 128
	EphemeralMB   int // default 512
	Env           map[string]string
	Architectures []string // default x86_64
	Tracing       string   // default "PassThrough"
	KMSKeyARN     string
	Logging       Logging
	Network       Network
	Tags          map[string]string

	CodeSha256 string // of the zip file, base64; identifies it in the object store
	CodeSize   int64  // of the zip file, in bytes
	InProcess  bool   // runs a registered Go handler, and has no code

	Async      *Async // of $LATEST; nil for Lambda's defaults
	DeadLetter string // DeadLetterConfig.TargetArn; "" for none

	Reserved    *int // ReservedConcurrentExecutions; nil for none
	Permissions []Permission
	PolicyID    string // a new UUID with each change of Permissions

	RevisionID string // a new UUID with each change of code or configuration
	Modified   time.Time
}

// Logging is a function's LoggingConfig.
type Logging struct {
	Format      string // "Text" by default, or "JSON"
	Group       string // default "/aws/lambda/<name>"
	Application string // ApplicationLogLevel, JSON only
	System      string // SystemLogLevel, JSON only
}

// Network is a function's VpcConfig, which has no effect.
type Network struct {
	Subnets, SecurityGroups []string
	IPv6                    bool
}

// A Permission is one statement of a function's resource policy, in the terms of
// Lambda's AddPermission. Callers in the function's own account need none.
type Permission struct {
	ID               string // StatementId
	Action           string
	Principal        string
	SourceARN        string
	SourceAccount    string
	EventSourceToken string
	OrgID            string // PrincipalOrgID
	URLAuthType      string // FunctionUrlAuthType
	ViaURL           *bool  // InvokedViaFunctionUrl
}

// ID identifies the function.
func (f Function) ID() ID { return ID{f.Account, f.Region, f.Name} }

// ARN is the function's unqualified ARN.
func (f Function) ARN() string { return f.ID().ARN().String() }

// withDefaults replaces zero values by Lambda's defaults.
func (f Function) withDefaults() Function {
	f.Runtime = cmp.Or(f.Runtime, "provided.al2023")
	f.Tracing = cmp.Or(f.Tracing, "PassThrough")
	f.Logging.Format = cmp.Or(f.Logging.Format, "Text")
	f.Logging.Group = cmp.Or(f.Logging.Group, "/aws/lambda/"+f.Name)
	f.Timeout = cmp.Or(f.Timeout, 3)
	f.MemorySize = cmp.Or(f.MemorySize, 128)
	f.EphemeralMB = cmp.Or(f.EphemeralMB, 512)
	if len(f.Architectures) == 0 {
		f.Architectures = []string{"x86_64"}
	}
	return f
}

// AddPermission adds a statement. ok is false if its ID is taken.
func (f *Function) AddPermission(p Permission) (ok bool) {
	if slices.ContainsFunc(f.Permissions, func(q Permission) bool { return q.ID == p.ID }) {
		return false
	}
	f.Permissions = append(f.Permissions, p)
	return true
}

// RemovePermission removes a statement. ok is false if none has this ID.
func (f *Function) RemovePermission(statement string) (ok bool) {
	n := len(f.Permissions)
	f.Permissions = slices.DeleteFunc(f.Permissions, func(p Permission) bool { return p.ID == statement })
	return len(f.Permissions) < n
}
