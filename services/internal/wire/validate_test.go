package wire_test

import (
	"strings"
	"testing"

	"millrace/services/internal/api/iam"
	"millrace/services/internal/api/lambda"
	"millrace/services/internal/wire"
)

func TestValidate(t *testing.T) {
	const namePattern = `(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`
	function := func(change func(*lambda.CreateFunctionInput)) *lambda.CreateFunctionInput {
		in := &lambda.CreateFunctionInput{FunctionName: new("f"), Role: new("arn:aws:iam::000000000000:role/r"), Code: &lambda.FunctionCode{}}
		change(in)
		return in
	}
	for _, tt := range []struct {
		rule, op string
		in       any
		want     string // "" for none
	}{
		{"nothing is wrong", "CreateFunction", function(func(in *lambda.CreateFunctionInput) {
			in.Architectures, in.Tags, in.Environment = []string{"arm64"}, map[string]string{"k": ""}, &lambda.Environment{Variables: map[string]string{"KEY": "v"}}
		}), ""},
		{"required", "CreateFunction", function(func(in *lambda.CreateFunctionInput) { in.Code = nil }),
			"1 validation error detected: Value null at 'code' failed to satisfy constraint: Member must not be null"},
		{"several are counted and joined", "CreateFunction", &lambda.CreateFunctionInput{Code: &lambda.FunctionCode{}},
			"2 validation errors detected: Value null at 'functionName' failed to satisfy constraint: Member must not be null; Value null at 'role' failed to satisfy constraint: Member must not be null"},
		{"required inside", "CreateFunction", function(func(in *lambda.CreateFunctionInput) { in.EphemeralStorage = &lambda.EphemeralStorage{} }),
			"1 validation error detected: Value null at 'ephemeralStorage.size' failed to satisfy constraint: Member must not be null"},
		{"pattern", "CreateFunction", function(func(in *lambda.CreateFunctionInput) { in.FunctionName = new("a b") }),
			"1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: " + namePattern},
		{"a pattern is for the whole", "CreateFunction", function(func(in *lambda.CreateFunctionInput) { in.FunctionName = new("ab\n") }),
			"1 validation error detected: Value 'ab\n' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: " + namePattern},
		{"length, in characters", "CreateFunction", function(func(in *lambda.CreateFunctionInput) { in.Description = new(strings.Repeat("é", 257)) }),
			"1 validation error detected: Value '" + strings.Repeat("é", 257) + "' at 'description' failed to satisfy constraint: Member must have length less than or equal to 256"},
		{"length that just fits", "CreateFunction", function(func(in *lambda.CreateFunctionInput) { in.Description = new(strings.Repeat("é", 256)) }), ""},
		{"least value", "CreateFunction", function(func(in *lambda.CreateFunctionInput) { in.Timeout = new(int32(0)) }),
			"1 validation error detected: Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"enum", "CreateFunction", function(func(in *lambda.CreateFunctionInput) { in.PackageType = new("Tar") }),
			"1 validation error detected: Value 'Tar' at 'packageType' failed to satisfy constraint: Member must satisfy enum value set: [Zip, Image]"},
		{"enum in a list", "CreateFunction", function(func(in *lambda.CreateFunctionInput) { in.Architectures = []string{"foo"} }),
			"1 validation error detected: Value '[foo]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"},
		{"length of a list", "CreateFunction", function(func(in *lambda.CreateFunctionInput) { in.Architectures = []string{"arm64", "arm64"} }),
			"1 validation error detected: Value '[arm64, arm64]' at 'architectures' failed to satisfy constraint: Member must have length less than or equal to 1"},
		{"keys of a map, of which the values are secret", "CreateFunction", function(func(in *lambda.CreateFunctionInput) {
			in.Environment = &lambda.Environment{Variables: map[string]string{"1": "v"}}
		}), "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]"},
		{"structures in a list have places", "CreateFunction", function(func(in *lambda.CreateFunctionInput) {
			in.FileSystemConfigs = []*lambda.FileSystemConfig{{Arn: new("arn:aws:elasticfilesystem:eu-west-1:000000000000:access-point/fsap-00000000000000000")}}
		}), "1 validation error detected: Value null at 'fileSystemConfigs.1.member.localMountPath' failed to satisfy constraint: Member must not be null"},
		{"a pattern that Go cannot say fits anything", "CreateFunction", function(func(in *lambda.CreateFunctionInput) { in.Code.S3Bucket = new("ends.with.") }), ""},
		{"Java's escapes, too low", "CreateRole", &iam.CreateRoleInput{RoleName: new("r"), AssumeRolePolicyDocument: new("{\x01}")},
			`1 validation error detected: Value '{` + "\x01" + `}' at 'assumeRolePolicyDocument' failed to satisfy constraint: Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+`},
		{"Java's escapes", "CreateRole", &iam.CreateRoleInput{RoleName: new("r"), AssumeRolePolicyDocument: new("{\tÿ}")}, ""},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			op := lambda.Service.Operation(tt.op)
			if op == nil {
				op = iam.Service.Operation(tt.op)
			}
			got := ""
			if err := wire.Validate(op, tt.in); err != nil {
				got = strings.TrimPrefix(err.Error(), "ValidationException: ")
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
