package secretsmanager_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"millrace/runtime/store/keys"
)

// statement is a policy of one statement, with more members: `,"Condition":…`.
func statement(effect, principal, action, more string) *string {
	return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Principal":` + principal + `,"Action":"secretsmanager:` + action + `","Resource":"*"` + more + `}]}`)
}

const strangers = `{"AWS":"arn:aws:iam::` + stranger + `:root"}`

func (b *bench) setPolicy(id string, policy *string) error {
	_, err := b.PutResourcePolicy(b.t.Context(), &sdk.PutResourcePolicyInput{SecretId: &id, ResourcePolicy: policy})
	return err
}

func denied(action, arn, why string) string {
	return "User: arn:aws:iam::" + stranger + ":root is not authorized to perform: secretsmanager:" + action + " on resource: " + arn + " " + why
}

const notAllowed = "because no resource-based policy allows the secretsmanager:GetSecretValue action"

// Another account reads a secret when its policy allows that and its key's policy too.
func TestOtherAccounts(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	keyPolicy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + strangers + `,"Action":"kms:Decrypt","Resource":"*",
		"Condition":{"StringEquals":{"kms:ViaService":"secretsmanager.` + region + `.amazonaws.com"}}}]}`
	shared := must(b.ring.Create(ctx, keys.Key{Account: account, Region: region, Spec: keys.Symmetric, Policy: keyPolicy}))(t)
	in := &sdk.CreateSecretInput{Name: aws.String("mill"), SecretString: aws.String("grain"), KmsKeyId: aws.String(shared.ARN()), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}}}
	arn := *must(b.CreateSecret(ctx, in))(t).ARN
	get := func(id, stage string) error {
		in := &sdk.GetSecretValueInput{SecretId: &id}
		if stage != "" {
			in.VersionStage = &stage
		}
		_, err := b.other.GetSecretValue(ctx, in)
		return err
	}
	refused(t, "no policy", get(arn, ""), "AccessDeniedException", denied("GetSecretValue", arn, notAllowed))
	must(0, b.setPolicy(arn, statement("Allow", strangers, "GetSecretValue", "")))(t)
	must(0, get(arn, ""))(t)
	refused(t, "its name", get("mill", ""), "ResourceNotFoundException", notFound)
	refused(t, "its partial ARN", get(arn[:len(arn)-7], ""), "ResourceNotFoundException", notFound)
	_, err := b.other.PutSecretValue(ctx, &sdk.PutSecretValueInput{SecretId: &arn, SecretString: aws.String("x")})
	refused(t, "another operation", err, "AccessDeniedException", denied("PutSecretValue", arn, "because no resource-based policy allows the secretsmanager:PutSecretValue action"))

	for _, c := range []struct {
		condition, stage string
		allowed          bool
	}{
		{`"StringEquals":{"secretsmanager:VersionStage":"AWSCURRENT"}`, "AWSCURRENT", true},
		{`"StringEquals":{"secretsmanager:VersionStage":"AWSPREVIOUS"}`, "AWSCURRENT", false},
		{`"StringEquals":{"secretsmanager:ResourceTag/team":"a"}`, "", true},
		{`"StringEquals":{"aws:ResourceTag/team":"b"}`, "", false},
		{`"StringEquals":{"secretsmanager:SecretId":"` + arn + `"}`, "", true},
	} {
		must(0, b.setPolicy(arn, statement("Allow", strangers, "*", `,"Condition":{`+c.condition+`}`)))(t)
		if err := get(arn, c.stage); (err == nil) != c.allowed {
			t.Errorf("%s: %v", c.condition, err)
		}
	}

	// The key that AWS manages is the account's own.
	must(0, b.setPolicy(arn, statement("Allow", strangers, "GetSecretValue", "")))(t)
	must(b.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: &arn, KmsKeyId: aws.String("")}))(t)
	refused(t, "the managed key", get(arn, ""), "AccessDeniedException", "Access to KMS is not allowed")
	batch := must(b.other.BatchGetSecretValue(ctx, &sdk.BatchGetSecretValueInput{SecretIdList: []string{arn}}))(t)
	if len(batch.Errors) != 1 || *batch.Errors[0].ErrorCode != "AccessDeniedException" {
		t.Errorf("batch: %+v", batch)
	}

	// A Deny holds for the account itself.
	must(0, b.setPolicy(arn, statement("Deny", `"*"`, "GetSecretValue", "")))(t)
	_, err = b.get("mill")
	refused(t, "denied", err, "AccessDeniedException", strings.Replace(denied("GetSecretValue", arn, "with an explicit deny in a resource-based policy"), stranger, account, 1))
	must(b.DeleteResourcePolicy(ctx, &sdk.DeleteResourcePolicyInput{SecretId: &arn}))(t)
	must(b.DeleteResourcePolicy(ctx, &sdk.DeleteResourcePolicyInput{SecretId: &arn}))(t)
	must(b.get("mill"))(t)
	if p := must(b.GetResourcePolicy(ctx, &sdk.GetResourcePolicyInput{SecretId: &arn}))(t); p.ResourcePolicy != nil || *p.ARN != arn || *p.Name != "mill" {
		t.Errorf("no policy: %+v", p)
	}
}

func TestPublicPolicies(t *testing.T) {
	b := start(t)
	b.create("mill")
	for _, c := range []struct {
		policy *string
		public bool
	}{
		{statement("Allow", `"*"`, "GetSecretValue", ""), true},
		{statement("Allow", `{"AWS":"*"}`, "*", ""), true},
		{statement("Allow", `"*"`, "GetSecretValue", `,"Condition":{"StringNotEquals":{"aws:PrincipalAccount":"`+stranger+`"}}`), true},
		{statement("Allow", `"*"`, "GetSecretValue", `,"Condition":{"StringEquals":{"aws:PrincipalAccount":"`+stranger+`"}}`), false},
		{statement("Allow", strangers, "*", ""), false},
		{statement("Deny", `"*"`, "RotateSecret", ""), false},
	} {
		_, err := b.PutResourcePolicy(t.Context(), &sdk.PutResourcePolicyInput{SecretId: aws.String("mill"), ResourcePolicy: c.policy, BlockPublicPolicy: aws.Bool(true)})
		if !c.public {
			must(0, err)(t)
			got := must(b.GetResourcePolicy(t.Context(), &sdk.GetResourcePolicyInput{SecretId: aws.String("mill")}))(t)
			if *got.ResourcePolicy != *c.policy {
				t.Errorf("got %s, want %s", *got.ResourcePolicy, *c.policy)
			}
			continue
		}
		refused(t, *c.policy, err, "PublicPolicyException", "The BlockPublicPolicy parameter is set to true, and the resource policy did not prevent broad access to the secret.")
		must(0, b.setPolicy("mill", c.policy))(t)
	}
	_, err := b.GetResourcePolicy(t.Context(), &sdk.GetResourcePolicyInput{SecretId: aws.String("mill"), PolicyName: aws.String("other")})
	refused(t, "another policy", err, "ResourceNotFoundException", "Secrets Manager can't find the specified resource policy.")
	_, err = b.DeleteResourcePolicy(t.Context(), &sdk.DeleteResourcePolicyInput{SecretId: aws.String("mill"), PolicyName: aws.String("other")})
	refused(t, "another policy", err, "InvalidParameterException", "The only valid policy name is default.")
	const syntax = "This resource policy contains a syntax error."
	for _, text := range []string{"x", "{}", `{"Version":"2012-10-17","Statement":[{"Effect":"Maybe"}]}`} {
		refused(t, text, b.setPolicy("mill", &text), "MalformedPolicyDocumentException", syntax)
		_, err := b.ValidateResourcePolicy(t.Context(), &sdk.ValidateResourcePolicyInput{ResourcePolicy: &text})
		refused(t, text, err, "MalformedPolicyDocumentException", syntax)
	}
	v := must(b.ValidateResourcePolicy(t.Context(), &sdk.ValidateResourcePolicyInput{ResourcePolicy: statement("Allow", strangers, "*", "")}))(t)
	if !v.PolicyValidationPassed || len(v.ValidationErrors) != 0 {
		t.Errorf("validated: %+v", v)
	}
}

// A key that is disabled or gone neither encrypts nor decrypts; versions name their keys.
func TestKeys(t *testing.T) {
	b := start(t)
	ctx, id := t.Context(), aws.String("mill")
	k := must(b.ring.Create(ctx, keys.Key{Account: account, Region: region, Spec: keys.Symmetric}))(t)
	mac := must(b.ring.Create(ctx, keys.Key{Account: account, Region: region, Spec: keys.HMAC256}))(t)
	must(b.CreateSecret(ctx, &sdk.CreateSecretInput{Name: id, SecretString: aws.String("grain"), KmsKeyId: &k.ID}))(t)
	if l := must(b.ListSecretVersionIds(ctx, &sdk.ListSecretVersionIdsInput{SecretId: id}))(t); fmt.Sprint(l.Versions[0].KmsKeyIds) != "["+k.ID+"]" {
		t.Errorf("the key of a version: %v", l.Versions[0].KmsKeyIds)
	}
	if d := must(b.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: id}))(t); *d.KmsKeyId != k.ID {
		t.Errorf("the key: %s", *d.KmsKeyId)
	}
	const cannot = "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is available, enabled, and not in an invalid state."
	for _, key := range []string{"alias/none", mac.ID, "arn:aws:kms:" + region + ":" + stranger + ":key/" + k.ID} {
		_, err := b.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: id, KmsKeyId: &key})
		refused(t, key, err, "EncryptionFailure", cannot)
		_, err = b.CreateSecret(ctx, &sdk.CreateSecretInput{Name: aws.String("x"), SecretString: aws.String("x"), KmsKeyId: &key})
		refused(t, key, err, "EncryptionFailure", cannot)
	}
	must(0, b.ring.Disable(ctx, k))(t)
	_, err := b.get("mill")
	refused(t, "disabled", err, "DecryptionFailure", "Secrets Manager can't decrypt the protected secret text using the provided KMS key.")
	_, err = b.PutSecretValue(ctx, &sdk.PutSecretValueInput{SecretId: id, SecretString: aws.String("x")})
	refused(t, "disabled", err, "EncryptionFailure", cannot)
	batch := must(b.BatchGetSecretValue(ctx, &sdk.BatchGetSecretValueInput{SecretIdList: []string{"mill"}}))(t)
	if len(batch.Errors) != 1 || *batch.Errors[0].ErrorCode != "DecryptionFailure" {
		t.Errorf("batch: %+v", batch.Errors)
	}
	must(0, b.ring.Enable(ctx, k))(t)
	must(b.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: id, KmsKeyId: aws.String("")}))(t)
	must(0, b.ring.Disable(ctx, k))(t)
	if got, err := b.get("mill"); err != nil || got != "grain" {
		t.Errorf("sealed anew: %v", err)
	}
	if d := must(b.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: id}))(t); d.KmsKeyId != nil {
		t.Errorf("the managed key is shown: %s", *d.KmsKeyId)
	}
}

func TestTags(t *testing.T) {
	b := start(t)
	ctx, id := t.Context(), aws.String("mill")
	b.create("mill")
	tag := func(pairs ...string) error {
		in := &sdk.TagResourceInput{SecretId: id}
		for i := 0; i < len(pairs); i += 2 {
			in.Tags = append(in.Tags, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		_, err := b.TagResource(ctx, in)
		return err
	}
	shown := func() string {
		d := must(b.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: id}))(t)
		if d.Tags == nil {
			return "none"
		}
		text := "["
		for _, t := range d.Tags {
			text += " " + *t.Key + "=" + *t.Value
		}
		return text + "]"
	}
	if got := shown(); got != "none" {
		t.Errorf("never tagged: %s", got)
	}
	must(0, tag("b", "1", "a", "2", "B", "3"))(t)
	must(0, tag("b", "4", "c", ""))(t)
	if got := shown(); got != "[ b=4 a=2 B=3 c=]" {
		t.Errorf("tagged: %s", got)
	}
	must(b.UntagResource(ctx, &sdk.UntagResourceInput{SecretId: id, TagKeys: []string{"a", "b", "B", "c", "none"}}))(t)
	if got := shown(); got != "[]" {
		t.Errorf("untagged: %s", got)
	}
	refused(t, "reserved", tag("aws:x", "1"), "InvalidParameterException", "aws: prefixed tag key names are not allowed for external use.")
	var many []string
	for i := range 51 {
		many = append(many, fmt.Sprint("k", i), "v")
	}
	refused(t, "too many", tag(many...), "InvalidParameterException", "A secret can have at most 50 tags.")
	must(0, tag(many[:100]...))(t)
}

func TestPasswordsAndRefusals(t *testing.T) {
	b := start(t)
	ctx, id := t.Context(), aws.String("mill")
	if p := *must(b.GetRandomPassword(ctx, &sdk.GetRandomPasswordInput{}))(t).RandomPassword; len(p) != 32 || strings.Contains(p, " ") {
		t.Errorf("a password of %d characters", len(p))
	}
	digits := must(b.GetRandomPassword(ctx, &sdk.GetRandomPasswordInput{
		PasswordLength: aws.Int64(6), ExcludeLowercase: aws.Bool(true), ExcludeUppercase: aws.Bool(true), ExcludePunctuation: aws.Bool(true), ExcludeCharacters: aws.String("01234"),
	}))(t)
	if strings.Trim(*digits.RandomPassword, "56789") != "" {
		t.Errorf("other characters in %s", *digits.RandomPassword)
	}
	_, err := b.GetRandomPassword(ctx, &sdk.GetRandomPasswordInput{PasswordLength: aws.Int64(3)})
	refused(t, "short", err, "InvalidParameterException", "Password length is too short based on the required types.")
	for _, n := range []int64{0, 4097} {
		if _, err := b.GetRandomPassword(ctx, &sdk.GetRandomPasswordInput{PasswordLength: &n}); err == nil {
			t.Errorf("a password of %d characters", n)
		}
	}

	b.create("mill")
	const function, replica = "No Lambda rotation function ARN is associated with this secret.", "Invalid replica region."
	_, err = b.RotateSecret(ctx, &sdk.RotateSecretInput{SecretId: id, RotationLambdaARN: aws.String("arn:aws:lambda:eu-west-1:" + account + ":function:f")})
	refused(t, "RotateSecret", err, "InvalidRequestException", function)
	_, err = b.CancelRotateSecret(ctx, &sdk.CancelRotateSecretInput{SecretId: id})
	refused(t, "CancelRotateSecret", err, "InvalidRequestException", function)
	_, err = b.ReplicateSecretToRegions(ctx, &sdk.ReplicateSecretToRegionsInput{SecretId: id, AddReplicaRegions: []types.ReplicaRegionType{{Region: aws.String("eu-west-2")}}})
	refused(t, "ReplicateSecretToRegions", err, "InvalidParameterException", replica)
	_, err = b.RemoveRegionsFromReplication(ctx, &sdk.RemoveRegionsFromReplicationInput{SecretId: id, RemoveReplicaRegions: []string{"eu-west-2"}})
	refused(t, "RemoveRegionsFromReplication", err, "InvalidParameterException", replica)
	_, err = b.StopReplicationToReplica(ctx, &sdk.StopReplicationToReplicaInput{SecretId: id})
	refused(t, "StopReplicationToReplica", err, "InvalidParameterException", replica)
	_, err = b.CreateSecret(ctx, &sdk.CreateSecretInput{Name: aws.String("x"), AddReplicaRegions: []types.ReplicaRegionType{{Region: aws.String("eu-west-2")}}})
	refused(t, "CreateSecret", err, "InvalidParameterException", replica)
	_, err = b.StopReplicationToReplica(ctx, &sdk.StopReplicationToReplicaInput{SecretId: aws.String("none")})
	refused(t, "of nothing", err, "ResourceNotFoundException", notFound)
}
