package lambda_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"millrace/runtime/sandbox"
)

var anyMetadata = cmpopts.IgnoreTypes(sdk.CreateFunctionOutput{}.ResultMetadata)

func TestCreateFunctionAnswersAsAWSDoes(t *testing.T) {
	w := serve(t)
	got := w.mustCreate("orders")
	if _, err := time.Parse("2006-01-02T15:04:05.000+0000", aws.ToString(got.LastModified)); err != nil {
		t.Errorf("LastModified: %v", err)
	}
	want := &sdk.CreateFunctionOutput{
		Architectures: []types.Architecture{"x86_64"}, Description: aws.String(""),
		EphemeralStorage: &types.EphemeralStorage{Size: aws.Int32(512)},
		FunctionArn:      aws.String(arnOf + "orders"), FunctionName: aws.String("orders"), Handler: aws.String("bootstrap"),
		LoggingConfig: &types.LoggingConfig{LogFormat: "Text", LogGroup: aws.String("/aws/lambda/orders")},
		MemorySize:    aws.Int32(128), PackageType: "Zip", Role: aws.String(role), Runtime: "provided.al2023",
		SnapStart: &types.SnapStartResponse{ApplyOn: "None", OptimizationStatus: "Off"},
		State:     "Pending", StateReason: aws.String("The function is being created."), StateReasonCode: "Creating",
		Timeout: aws.Int32(3), TracingConfig: &types.TracingConfigResponse{Mode: "PassThrough"}, Version: aws.String("$LATEST"),
		CodeSha256: got.CodeSha256, CodeSize: got.CodeSize, LastModified: got.LastModified, RevisionId: got.RevisionId,
		RuntimeVersionConfig: got.RuntimeVersionConfig,
	}
	if d := cmp.Diff(want, got, anyMetadata, cmpopts.IgnoreUnexported(sdk.CreateFunctionOutput{}, types.EphemeralStorage{},
		types.LoggingConfig{}, types.SnapStartResponse{}, types.TracingConfigResponse{}, types.RuntimeVersionConfig{})); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if err := sdk.NewFunctionActiveV2Waiter(w).Wait(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("orders")}, time.Second); err != nil {
		t.Errorf("waiting for Active: %v", err)
	}
	if err := sdk.NewFunctionUpdatedV2Waiter(w).Wait(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("orders")}, time.Second); err != nil {
		t.Errorf("waiting for Successful: %v", err)
	}
}

func TestCreateFunctionRefuses(t *testing.T) {
	w := serve(t)
	w.mustCreate("taken")
	big := strings.Repeat("x", 5000)
	const param, constraint = "InvalidParameterValueException", "ValidationException"
	for _, c := range []struct {
		rule   string
		change func(*sdk.CreateFunctionInput)
		status int
		code   string
		text   string
	}{
		{"a name that is taken", func(in *sdk.CreateFunctionInput) { in.FunctionName = aws.String("taken") },
			409, "ResourceConflictException", "Function already exist: taken"},
		{"a name above 64", func(in *sdk.CreateFunctionInput) { in.FunctionName = aws.String(strings.Repeat("x", 65)) },
			400, constraint, "1 validation error detected: Value '" + strings.Repeat("x", 65) + "' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		{"a name with blanks", func(in *sdk.CreateFunctionInput) { in.FunctionName = aws.String("or ders") },
			400, constraint, "1 validation error detected: Value 'or ders' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern:"},
		{"another account's name", func(in *sdk.CreateFunctionInput) {
			in.FunctionName = aws.String("arn:aws:lambda:us-east-1:111111111111:function:fresh")
		},
			403, "AccessDeniedException", notAllowed("000000000000", "CreateFunction", "arn:aws:lambda:us-east-1:111111111111:function:fresh")},
		{"another region", func(in *sdk.CreateFunctionInput) {
			in.FunctionName = aws.String("arn:aws:lambda:eu-west-1:000000000000:function:f")
		},
			404, "ResourceNotFoundException", "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"},
		{"no code", func(in *sdk.CreateFunctionInput) { in.Code = &types.FunctionCode{} },
			400, param, "Please provide a source for function code."},
		{"code twice", func(in *sdk.CreateFunctionInput) { in.Code.S3Bucket = aws.String("bucket") },
			400, param, "Please do not provide other FunctionCode parameters when providing a ZipFile."},
		{"an image", func(in *sdk.CreateFunctionInput) { in.PackageType = types.PackageTypeImage },
			400, param, "Container images are not supported by Millrace"},
		{"an empty file", func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = []byte{} },
			400, param, "Uploaded file must be a non-empty zip"},
		{"no zip", func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = []byte("no zip") },
			400, param, "Could not unzip uploaded file. Please check your file, then try to upload again."},
		{"a zip with a name out of its folder", func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = zipNamed(t, "../x") },
			400, param, "Could not unzip uploaded file. Please check your file, then try to upload again."},
		{"a zip with a file that is a folder too", func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = zipNamed(t, "x", "x/y") },
			400, param, "Could not unzip uploaded file. Please check your file, then try to upload again."},
		{"no runtime", func(in *sdk.CreateFunctionInput) { in.Runtime = "" },
			400, param, "Runtime and Handler are mandatory parameters for functions created with deployment packages."},
		{"a runtime of the past", func(in *sdk.CreateFunctionInput) { in.Runtime = types.RuntimeGo1x },
			400, param, "The runtime parameter of go1.x is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions."},
		{"a runtime that does not run here", func(in *sdk.CreateFunctionInput) { in.Runtime = types.RuntimePython312 },
			400, param, "The runtime python3.12 is not supported by Millrace, which runs provided.al2023 and provided.al2"},
		{"a time-out above 900", func(in *sdk.CreateFunctionInput) { in.Timeout = aws.Int32(901) },
			400, constraint, "1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"},
		{"a time-out of 0", func(in *sdk.CreateFunctionInput) { in.Timeout = aws.Int32(0) },
			400, constraint, "1 validation error detected: Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"too much memory", func(in *sdk.CreateFunctionInput) { in.MemorySize = aws.Int32(10241) },
			400, constraint, "1 validation error detected: Value '10241' at 'memorySize' failed to satisfy constraint: Member must have value less than or equal to 10240"},
		{"a role that is no role", func(in *sdk.CreateFunctionInput) { in.Role = aws.String("r") },
			400, constraint, "1 validation error detected: Value 'r' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern:"},
		{"variables of Lambda's own", func(in *sdk.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"AWS_REGION": "x", "AWS_ACCESS_KEY_ID": "x"}}
		},
			400, param, "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_ACCESS_KEY_ID, AWS_REGION"},
		{"too many variables", func(in *sdk.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"BIG": big}}
		},
			400, param, "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {\"BIG\":\"xxx"},
		{"a NUL in a variable's value", func(in *sdk.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"AB": "a\x00b", "CD": "whole"}}
		},
			400, param, "Lambda was unable to configure your environment variables because the environment variables you have provided contains values with a NUL character. Keys used in this request: AB"},
		{"a NUL in a variable's name", func(in *sdk.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"A\x00B": "x"}}
		},
			400, constraint, "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+"},
		{"a NUL in the handler", func(in *sdk.CreateFunctionInput) { in.Handler = aws.String("a\x00") },
			400, constraint, "1 validation error detected: Value 'a\x00' at 'handler' failed to satisfy constraint: Member must satisfy regular expression pattern: [^\\s]+"},
		{"layers", func(in *sdk.CreateFunctionInput) {
			in.Layers = []string{"arn:aws:lambda:us-east-1:000000000000:layer:l:1"}
		},
			400, param, "Layers are not supported by Millrace."},
		{"dead letters to a FIFO topic", func(in *sdk.CreateFunctionInput) {
			in.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: aws.String("arn:aws:sns:us-east-1:000000000000:t.fifo")}
		},
			400, param, "The provided dead letter target arn:aws:sns:us-east-1:000000000000:t.fifo is invalid: it must be a standard queue or topic."},
	} {
		t.Run(c.rule, func(t *testing.T) {
			in := w.input("fresh")
			c.change(in)
			_, err := w.CreateFunction(t.Context(), in)
			wants(t, err, c.status, c.code, c.text)
		})
	}
}

func TestGetFunctionServesItsCode(t *testing.T) {
	w := serve(t)
	in := w.input("orders")
	in.Tags = map[string]string{"team": "a"}
	_, err := w.CreateFunction(t.Context(), in)
	must(t, err)
	got, err := w.GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("orders"), Qualifier: aws.String("$LATEST")})
	must(t, err)
	if aws.ToString(got.Configuration.FunctionArn) != arnOf+"orders:$LATEST" || got.Configuration.State != "Active" || got.Tags["team"] != "a" || got.Concurrency != nil {
		t.Errorf("got %+v", got)
	}
	res := get(t, aws.ToString(got.Code.Location))
	body, err := io.ReadAll(res.Body)
	must(t, err)
	if !bytes.Equal(body, in.Code.ZipFile) {
		t.Errorf("the code at %s: %s, %d bytes", *got.Code.Location, res.Status, len(body))
	}
	if res := get(t, w.url+"/_runtime/code/000000000000/us-east-1/none"); res.StatusCode != 404 {
		t.Errorf("code of no function: %s", res.Status)
	}
}

func TestFunctionsAreFoundUnderEveryForm(t *testing.T) {
	w := serve(t)
	w.mustCreate("orders")
	for _, name := range []string{
		"orders", "orders:$LATEST", "function:orders", "000000000000:function:orders", "000000000000:function:orders:$LATEST",
		arnOf + "orders", arnOf + "orders:$LATEST",
	} {
		if _, err := w.GetFunctionConfiguration(t.Context(), &sdk.GetFunctionConfigurationInput{FunctionName: &name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []struct {
		rule, name, qualifier string
		status                int
		code, text            string
	}{
		{"unknown", "none", "", 404, "ResourceNotFoundException", "Function not found: " + arnOf + "none"},
		{"unknown and qualified", "none", "$LATEST", 404, "ResourceNotFoundException", "Function not found: " + arnOf + "none:$LATEST"},
		{"a version that is not", "orders", "1", 404, "ResourceNotFoundException", "Function not found: " + arnOf + "orders:1"},
		{"two qualifiers", "orders:1", "2", 400, "InvalidParameterValueException", "The derived qualifier from the function name does not match the specified qualifier."},
		{"another account's", "111111111111:function:orders", "", 403, "AccessDeniedException", notAllowed("000000000000", "GetFunction", "arn:aws:lambda:us-east-1:111111111111:function:orders")},
	} {
		t.Run(c.rule, func(t *testing.T) {
			in := &sdk.GetFunctionInput{FunctionName: &c.name}
			if c.qualifier != "" {
				in.Qualifier = &c.qualifier
			}
			_, err := w.GetFunction(t.Context(), in)
			wants(t, err, c.status, c.code, c.text)
		})
	}
}

func TestListFunctionsPages(t *testing.T) {
	w := serve(t)
	for _, name := range []string{"b", "a", "c"} {
		w.mustCreate(name)
	}
	var names []string
	for p := sdk.NewListFunctionsPaginator(w, &sdk.ListFunctionsInput{MaxItems: aws.Int32(2), FunctionVersion: "ALL"}); p.HasMorePages(); {
		got, err := p.NextPage(t.Context())
		must(t, err)
		for _, f := range got.Functions {
			names = append(names, strings.TrimPrefix(*f.FunctionArn, arnOf))
			if f.State != "" || f.LastUpdateStatus != "" {
				t.Errorf("a list shows states: %+v", f)
			}
		}
	}
	if d := cmp.Diff([]string{"a:$LATEST", "b:$LATEST", "c:$LATEST"}, names); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	versions, err := w.ListVersionsByFunction(t.Context(), &sdk.ListVersionsByFunctionInput{FunctionName: aws.String("a")})
	must(t, err)
	if len(versions.Versions) != 1 || *versions.Versions[0].Version != "$LATEST" {
		t.Errorf("versions: %+v", versions.Versions)
	}
}

func TestUpdates(t *testing.T) {
	w := serve(t)
	first := w.mustCreate("orders")
	name := aws.String("orders")
	second, err := w.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{
		FunctionName: name, Timeout: aws.Int32(10), RevisionId: first.RevisionId,
		Environment: &types.Environment{Variables: map[string]string{"KEY": "v"}},
	})
	must(t, err)
	if *second.Timeout != 10 || *second.MemorySize != 128 || second.Environment.Variables["KEY"] != "v" || second.LastUpdateStatus != "InProgress" || second.State != "Active" {
		t.Errorf("got %+v", second)
	}
	_, err = w.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: name, RevisionId: first.RevisionId})
	wants(t, err, 412, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	_, err = w.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: name,
		Environment: &types.Environment{Variables: map[string]string{"KEY": "\x00"}}})
	wants(t, err, 400, "InvalidParameterValueException", "Lambda was unable to configure your environment variables because the environment variables you have provided contains values with a NUL character.")
	// What is measured is the JSON as AWS writes it: <, > and & are one byte each.
	_, err = w.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: name,
		Environment: &types.Environment{Variables: map[string]string{"KEY": strings.Repeat("<", 4086)}}})
	must(t, err)
	_, err = w.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: name, Runtime: types.RuntimeGo1x})
	wants(t, err, 400, "InvalidParameterValueException", "The runtime parameter of go1.x is no longer supported")

	second, err = w.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: name})
	must(t, err)
	dry, err := w.UpdateFunctionCode(t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: name, ZipFile: zipOf(t, "#!two"), DryRun: true})
	must(t, err)
	if *dry.RevisionId != *second.RevisionId {
		t.Error("a dry run changed the function")
	}
	third, err := w.UpdateFunctionCode(t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: name, ZipFile: zipOf(t, "#!two"), Architectures: []types.Architecture{"arm64"}})
	must(t, err)
	if *third.CodeSha256 == *first.CodeSha256 || third.Architectures[0] != "arm64" || third.LastUpdateStatus != "InProgress" {
		t.Errorf("got %+v", third)
	}
}

// What a function logs in is shown, and told to the function itself.
func TestLoggingConfig(t *testing.T) {
	w := serve(t)
	w.mustCreate("orders")
	name := aws.String("orders")
	type told struct{ Group, Format, Level string }
	var got told
	w.runner.answer = func(s sandbox.Spec, _ sandbox.Request) (sandbox.Result, error) {
		got = told{s.LogGroup, s.LogFormat, s.LogLevel}
		return sandbox.Result{}, nil
	}
	for _, c := range []struct {
		rule  string
		set   types.LoggingConfig
		shown types.LoggingConfig
		told  told
	}{
		{"JSON logs INFO and above unless told", types.LoggingConfig{LogFormat: "JSON"},
			types.LoggingConfig{LogFormat: "JSON", LogGroup: aws.String("/aws/lambda/orders"), ApplicationLogLevel: "INFO", SystemLogLevel: "INFO"},
			told{"/aws/lambda/orders", "JSON", "INFO"}},
		{"levels and group as told", types.LoggingConfig{ApplicationLogLevel: "WARN", LogGroup: aws.String("/orders")},
			types.LoggingConfig{LogFormat: "JSON", LogGroup: aws.String("/orders"), ApplicationLogLevel: "WARN", SystemLogLevel: "INFO"},
			told{"/orders", "JSON", "WARN"}},
		{"text has no levels", types.LoggingConfig{LogFormat: "Text"},
			types.LoggingConfig{LogFormat: "Text", LogGroup: aws.String("/orders")},
			told{"/orders", "Text", ""}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			out, err := w.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: name, LoggingConfig: &c.set})
			must(t, err)
			if d := cmp.Diff(&c.shown, out.LoggingConfig, cmpopts.IgnoreUnexported(types.LoggingConfig{})); d != "" {
				t.Errorf("shown: -want +got:\n%s", d)
			}
			_, err = w.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: name})
			must(t, err)
			if got != c.told {
				t.Errorf("the function was told %+v, want %+v", got, c.told)
			}
		})
	}
}

func TestDeleteFunction(t *testing.T) {
	w := serve(t)
	w.mustCreate("orders")
	name := aws.String("orders")
	_, err := w.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: name, Qualifier: aws.String("$LATEST")})
	wants(t, err, 400, "InvalidParameterValueException", "$LATEST version cannot be deleted without deleting the function.")
	deleted, err := w.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: name})
	must(t, err)
	if deleted.StatusCode != 204 {
		t.Errorf("status %d, want 204", deleted.StatusCode)
	}
	_, err = w.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: name})
	wants(t, err, 404, "ResourceNotFoundException", "Function not found: "+arnOf+"orders")
}

func TestTags(t *testing.T) {
	w := serve(t)
	w.mustCreate("orders")
	resource := aws.String(arnOf + "orders")
	_, err := w.TagResource(t.Context(), &sdk.TagResourceInput{Resource: resource, Tags: map[string]string{"a": "1", "b": "2"}})
	must(t, err)
	_, err = w.UntagResource(t.Context(), &sdk.UntagResourceInput{Resource: resource, TagKeys: []string{"a", "none"}})
	must(t, err)
	got, err := w.ListTags(t.Context(), &sdk.ListTagsInput{Resource: resource})
	must(t, err)
	if d := cmp.Diff(map[string]string{"b": "2"}, got.Tags); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	many := map[string]string{}
	for i := range 50 {
		many[strings.Repeat("x", i+1)] = ""
	}
	_, err = w.TagResource(t.Context(), &sdk.TagResourceInput{Resource: resource, Tags: many})
	wants(t, err, 400, "InvalidParameterValueException", "Number of tags exceeds resource tag limit.")
	_, err = w.ListTags(t.Context(), &sdk.ListTagsInput{Resource: aws.String(arnOf + "orders:$LATEST")})
	wants(t, err, 400, "InvalidParameterValueException", "Tags on function aliases and versions are not supported. Please specify a function ARN.")
	_, err = w.ListTags(t.Context(), &sdk.ListTagsInput{Resource: aws.String(arnOf + "none")})
	wants(t, err, 404, "ResourceNotFoundException", "Function not found: "+arnOf+"none")
}

func TestConcurrency(t *testing.T) {
	w := serve(t)
	w.mustCreate("orders")
	name := aws.String("orders")
	got, err := w.GetFunctionConcurrency(t.Context(), &sdk.GetFunctionConcurrencyInput{FunctionName: name})
	must(t, err)
	if got.ReservedConcurrentExecutions != nil {
		t.Errorf("reserves %d at first", *got.ReservedConcurrentExecutions)
	}
	_, err = w.PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(901)})
	wants(t, err, 400, "InvalidParameterValueException", "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
	_, err = w.PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(900)})
	must(t, err)
	settings, err := w.GetAccountSettings(t.Context(), &sdk.GetAccountSettingsInput{})
	must(t, err)
	if *settings.AccountLimit.UnreservedConcurrentExecutions != 100 || settings.AccountUsage.FunctionCount != 1 || settings.AccountUsage.TotalCodeSize == 0 {
		t.Errorf("settings: %+v %+v", settings.AccountLimit, settings.AccountUsage)
	}
	_, err = w.DeleteFunctionConcurrency(t.Context(), &sdk.DeleteFunctionConcurrencyInput{FunctionName: name})
	must(t, err)
	if got, err = w.GetFunctionConcurrency(t.Context(), &sdk.GetFunctionConcurrencyInput{FunctionName: name}); err != nil || got.ReservedConcurrentExecutions != nil {
		t.Errorf("reserves %v at last, %v", got.ReservedConcurrentExecutions, err)
	}
	signing, err := w.GetFunctionCodeSigningConfig(t.Context(), &sdk.GetFunctionCodeSigningConfigInput{FunctionName: name})
	if err != nil || signing.CodeSigningConfigArn != nil {
		t.Errorf("code signing: %+v, %v", signing, err)
	}
}

func TestPolicy(t *testing.T) {
	w := serve(t)
	w.mustCreate("orders")
	name := aws.String("orders")
	_, err := w.GetPolicy(t.Context(), &sdk.GetPolicyInput{FunctionName: name})
	wants(t, err, 404, "ResourceNotFoundException", "The resource you requested does not exist.")
	add := func(sid, principal string) error {
		_, err := w.AddPermission(t.Context(), &sdk.AddPermissionInput{
			FunctionName: name, StatementId: &sid, Action: aws.String("lambda:InvokeFunction"), Principal: &principal,
			SourceArn: aws.String("arn:aws:s3:::bucket"),
		})
		return err
	}
	must(t, add("one", "s3.amazonaws.com"))
	must(t, add("two", "111111111111"))
	wants(t, add("two", "*"), 409, "ResourceConflictException", "The statement id (two) provided already exists. Please provide a new statement id, or remove the existing statement.")
	wants(t, add("three", "nobody"), 400, "InvalidParameterValueException", "The provided principal was invalid. Please check the principal and try again.")
	got, err := w.GetPolicy(t.Context(), &sdk.GetPolicyInput{FunctionName: name})
	must(t, err)
	want := `{"Version":"2012-10-17","Id":"default","Statement":[` +
		`{"Sid":"one","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + arnOf + `orders","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::bucket"}}},` +
		`{"Sid":"two","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"lambda:InvokeFunction","Resource":"` + arnOf + `orders","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::bucket"}}}]}`
	if d := cmp.Diff(want, *got.Policy); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	remove := func(sid string, revision *string) error {
		_, err := w.RemovePermission(t.Context(), &sdk.RemovePermissionInput{FunctionName: name, StatementId: &sid, RevisionId: revision})
		return err
	}
	wants(t, remove("none", nil), 404, "ResourceNotFoundException", "Statement none is not found in resource policy.")
	wants(t, remove("one", aws.String("past")), 412, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id.")
	must(t, remove("one", got.RevisionId))
	must(t, remove("two", nil))
	wants(t, remove("two", nil), 404, "ResourceNotFoundException", "No policy is associated with the given resource.")
}
