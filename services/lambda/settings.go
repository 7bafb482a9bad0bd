package lambda

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"millrace/runtime/function"
	"millrace/runtime/queue"
	"millrace/runtime/topic"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// Settings that CreateFunction and UpdateFunctionConfiguration share. A nil
// member leaves what is there.
type settings struct {
	Description      *string
	Environment      *api.Environment
	EphemeralStorage *api.EphemeralStorage
	Handler          *string
	KMSKeyArn        *string
	Layers           []string
	LoggingConfig    *api.LoggingConfig
	MemorySize       *int32
	Role             *string
	Runtime          *string
	SnapStart        *api.SnapStart
	Timeout          *int32
	TracingConfig    *api.TracingConfig
	VpcConfig        *api.VpcConfig
	DeadLetterConfig *api.DeadLetterConfig
	FileSystems      int
}

// apply checks the settings and puts them into f.
func (s settings) apply(f *function.Function) error {
	if err := s.check(); err != nil {
		return err
	}
	set(&f.Description, s.Description)
	set(&f.Handler, s.Handler)
	set(&f.KMSKeyARN, s.KMSKeyArn)
	set(&f.Role, s.Role)
	set(&f.Runtime, s.Runtime)
	setInt(&f.MemorySize, s.MemorySize)
	setInt(&f.Timeout, s.Timeout)
	if e := s.Environment; e != nil {
		f.Env = e.Variables
		if f.Env == nil {
			f.Env = map[string]string{}
		}
	}
	if e := s.EphemeralStorage; e != nil {
		setInt(&f.EphemeralMB, e.Size)
	}
	if t := s.TracingConfig; t != nil {
		set(&f.Tracing, t.Mode)
	}
	if l := s.LoggingConfig; l != nil {
		set(&f.Logging.Format, l.LogFormat)
		set(&f.Logging.Group, l.LogGroup)
		set(&f.Logging.Application, l.ApplicationLogLevel)
		set(&f.Logging.System, l.SystemLogLevel)
		f.Logging.System, f.Logging.Application = levels(f.Logging)
	}
	if d := s.DeadLetterConfig; d != nil {
		f.DeadLetter = kit.Value(d.TargetArn)
	}
	if v := s.VpcConfig; v != nil {
		f.Network = function.Network{Subnets: v.SubnetIds, SecurityGroups: v.SecurityGroupIds, IPv6: kit.Value(v.Ipv6AllowedForDualStack)}
	}
	return nil
}

// check refuses what AWS refuses, and then what is not supported: a setting
// whose absence would go unnoticed until it is missed.
func (s settings) check() error {
	if s.Runtime != nil {
		if err := checkRuntime(*s.Runtime); err != nil {
			return err
		}
	}
	if n := kit.Value(s.Timeout); n > 900 {
		return constraint(n, "timeout", "Member must have value less than or equal to 900")
	}
	if n := kit.Value(s.MemorySize); n > 10240 {
		return constraint(n, "memorySize", "Member must have value less than or equal to 10240")
	}
	if strings.Contains(kit.Value(s.Handler), "\x00") { // it becomes a variable too
		return constraint(*s.Handler, "handler", `Member must satisfy regular expression pattern: [^\s]+`)
	}
	if s.Environment != nil {
		if err := checkEnvironment(s.Environment.Variables); err != nil {
			return err
		}
	}
	if d := s.DeadLetterConfig; d != nil {
		if err := checkDeadLetter(kit.Value(d.TargetArn)); err != nil {
			return err
		}
	}
	switch {
	case len(s.Layers) > 0:
		return invalidValue("Layers are not supported by Millrace.")
	case s.FileSystems > 0:
		return invalidValue("FileSystemConfigs are not supported by Millrace.")
	case s.SnapStart != nil && kit.Value(s.SnapStart.ApplyOn) == "PublishedVersions":
		return invalidValue("SnapStart is not supported by Millrace.")
	}
	return nil
}

// checkDeadLetter takes the ARN of a standard queue or topic, or none.
func checkDeadLetter(target string) error {
	if target == "" {
		return nil
	}
	if id, ok := queue.IDFromARN(target); ok && !id.FIFO() {
		return nil
	}
	if id, ok := topic.ParseARN(target); ok && !id.FIFO() {
		return nil
	}
	return invalidValue("The provided dead letter target %s is invalid: it must be a standard queue or topic.", target)
}

// checkRuntime knows the runtimes that AWS has retired for Go, and the two that
// run here.
func checkRuntime(name string) error {
	switch name {
	case "provided.al2023", "provided.al2":
		return nil
	case "go1.x", "provided":
		return invalidValue("The runtime parameter of %s is no longer supported for creating or updating AWS Lambda functions. "+
			"We recommend you use a supported runtime while creating or updating functions.", name)
	}
	return invalidValue("The runtime %s is not supported by Millrace, which runs provided.al2023 and provided.al2: "+
		"a zip file with an executable named bootstrap.", name)
}

// reserved are the variables that Lambda sets itself.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
var reserved = []string{
	"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
	"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "_HANDLER", "_X_AMZN_TRACE_ID",
}

const (
	badEnvironment = "Lambda was unable to configure your environment variables because the environment variables you have provided "
	maxEnvironment = 4096 // bytes, as JSON
)

func checkEnvironment(env map[string]string) error {
	var taken, cut []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if slices.Contains(reserved, name) {
			taken = append(taken, name)
		}
		if strings.Contains(env[name], "\x00") {
			cut = append(cut, name)
		}
	}
	if taken != nil {
		return invalidValue(badEnvironment+"contains reserved keys that are currently not supported for modification. "+
			"Reserved keys used in this request: %s", strings.Join(taken, ", "))
	}
	if cut != nil { // no process can be given it
		return invalidValue(badEnvironment+"contains values with a NUL character. Keys used in this request: %s", strings.Join(cut, ", "))
	}
	text, err := wire.PlainJSON(env)
	if err != nil {
		return err
	}
	if len(text) > maxEnvironment {
		return invalidValue(badEnvironment+"exceeded the 4KB limit. String measured: %s", text)
	}
	return nil
}

// levels are what a function logs: something in JSON only, and INFO unless told.
func levels(l function.Logging) (system, application string) {
	if l.Format != "JSON" {
		return "", ""
	}
	return cmp.Or(l.System, "INFO"), cmp.Or(l.Application, "INFO")
}

func set(to, from *string) {
	if from != nil {
		*to = *from
	}
}

func setInt(to *int, from *int32) {
	if from != nil {
		*to = int(*from)
	}
}
