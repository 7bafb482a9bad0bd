package lambda

import (
	"crypto/sha256"
	"encoding/hex"

	"millrace/runtime/arn"
	"millrace/runtime/function"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/kit"
)

// modified is how Lambda writes LastModified.
const modified = "2006-01-02T15:04:05.000+0000"

// subset is what lists show of a function: no state, and no runtime version.
func subset(f function.Function, qualifier string) *api.FunctionConfiguration {
	c := &api.FunctionConfiguration{
		Architectures:    f.Architectures,
		CodeSha256:       &f.CodeSha256,
		CodeSize:         &f.CodeSize,
		Description:      &f.Description,
		EphemeralStorage: &api.EphemeralStorage{Size: new(int32(f.EphemeralMB))},
		FunctionArn:      new(ref{f.ID(), qualifier}.String()),
		FunctionName:     &f.Name,
		Handler:          &f.Handler,
		KMSKeyArn:        kit.Optional(f.KMSKeyARN),
		LastModified:     new(f.Modified.UTC().Format(modified)),
		LoggingConfig: &api.LoggingConfig{
			LogFormat:           &f.Logging.Format,
			LogGroup:            &f.Logging.Group,
			ApplicationLogLevel: kit.Optional(f.Logging.Application),
			SystemLogLevel:      kit.Optional(f.Logging.System),
		},
		MemorySize:    new(int32(f.MemorySize)),
		PackageType:   new("Zip"),
		RevisionId:    &f.RevisionID,
		Role:          &f.Role,
		Runtime:       &f.Runtime,
		SnapStart:     &api.SnapStartResponse{ApplyOn: new("None"), OptimizationStatus: new("Off")},
		Timeout:       new(int32(f.Timeout)),
		TracingConfig: &api.TracingConfigResponse{Mode: &f.Tracing},
		Version:       new(function.Latest),
	}
	if f.Env != nil {
		c.Environment = &api.EnvironmentResponse{Variables: f.Env}
	}
	if f.DeadLetter != "" {
		c.DeadLetterConfig = &api.DeadLetterConfig{TargetArn: &f.DeadLetter}
	}
	if n := f.Network; n.Subnets != nil || n.SecurityGroups != nil {
		c.VpcConfig = &api.VpcConfigResponse{
			SubnetIds: n.Subnets, SecurityGroupIds: n.SecurityGroups, Ipv6AllowedForDualStack: &n.IPv6, VpcId: new(""),
		}
	}
	return c
}

// configuration is what a function shows of itself when it is at rest.
func configuration(f function.Function, qualifier string) *api.FunctionConfiguration {
	c := subset(f, qualifier)
	c.State = new("Active")
	c.LastUpdateStatus = new("Successful")
	c.RuntimeVersionConfig = &api.RuntimeVersionConfig{RuntimeVersionArn: new(runtimeVersion(f))}
	return c
}

// created is the answer to a create: AWS has the function ready a moment later,
// and so do we by the time of the next request.
func created(f function.Function) *api.FunctionConfiguration {
	c := configuration(f, "")
	c.State, c.StateReason, c.StateReasonCode = new("Pending"), new("The function is being created."), new("Creating")
	c.LastUpdateStatus = nil
	return c
}

// updated is the answer to an update, likewise.
func updated(f function.Function) *api.FunctionConfiguration {
	c := configuration(f, "")
	c.LastUpdateStatus = new("InProgress")
	c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = new("The function is being created."), new("Creating")
	return c
}

// runtimeVersion makes up the ARN of a runtime's version, of the form of AWS's.
func runtimeVersion(f function.Function) string {
	sum := sha256.Sum256([]byte(f.Runtime))
	return arn.New("lambda", f.Region, "", "runtime:"+hex.EncodeToString(sum[:])).String()
}

// codeURL is where a function's zip file can be fetched from: see CodeHandler.
func codeURL(host string, id function.ID) string {
	return "http://" + host + codePath + id.Account + "/" + id.Region + "/" + id.Name
}
