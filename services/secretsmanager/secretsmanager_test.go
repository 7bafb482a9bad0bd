package secretsmanager_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"

	"millrace/runtime/secret"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
	"millrace/services/gateway"
	"millrace/services/secretsmanager"
	"millrace/test/wholebody"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

const (
	account  = "111111111111"
	stranger = "222222222222"
	region   = "eu-west-1"
	prefix   = "arn:aws:secretsmanager:" + region + ":" + account + ":secret:"
	day      = 24 * time.Hour

	notFound = "Secrets Manager can't find the specified secret."
	deleting = "You can't perform this operation on the secret because it was marked for deletion."
	badName  = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
	noToken  = "You must provide a ClientRequestToken value. We recommend a UUID-type value."
)

// A bench is a service with clients of two accounts, and its clock.
type bench struct {
	*sdk.Client
	other *sdk.Client
	ring  *keys.Ring
	url   string
	now   time.Time
	t     *testing.T
}

// start serves Secrets Manager alone, over HTTP.
func start(t *testing.T) *bench {
	t.Helper()
	store := record.New(backbonetest.Start(t, t.TempDir()).JetStream(), nil)
	if err := store.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Stop(context.Background()) })
	b := &bench{now: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC), t: t}
	clock := func() time.Time { return b.now }
	var err error
	if b.ring, err = keys.Open(store, keys.NewRoot(), clock); err != nil {
		t.Fatal(err)
	}
	service := secretsmanager.New(secret.New(store, b.ring, clock), clock)
	server := httptest.NewServer(gateway.New(gateway.Config{Services: []gateway.Service{service}, Account: account, Region: region}))
	t.Cleanup(server.Close)
	b.url = server.URL
	client := func(account string) *sdk.Client {
		return sdk.New(sdk.Options{
			BaseEndpoint: &server.URL, Region: region, RetryMaxAttempts: 1, HTTPClient: wholebody.Client(),
			Credentials: credentials.NewStaticCredentialsProvider(account, "test", ""),
		})
	}
	b.Client, b.other = client(account), client(stranger)
	return b
}

// must is v, unless the call that made it failed.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// refused fails the test unless err is an error of AWS with that code and text.
func refused(t *testing.T, what string, err error, code, text string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code || e.ErrorMessage() != text {
		t.Errorf("%s: %v, want %s: %s", what, err, code, text)
	}
}

// raw sends what no SDK would, and returns the status and the body.
func (b *bench) raw(op, body string) (int, string) {
	b.t.Helper()
	req := must(http.NewRequestWithContext(b.t.Context(), "POST", b.url, strings.NewReader(body)))(b.t)
	req.Header.Set("X-Amz-Target", "secretsmanager."+op)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	res := must(http.DefaultClient.Do(req))(b.t)
	defer res.Body.Close()
	return res.StatusCode, string(must(io.ReadAll(res.Body))(b.t))
}

func tok(n int) *string { return aws.String(fmt.Sprintf("%032d", n)) }

func (b *bench) create(name string) *sdk.CreateSecretOutput {
	b.t.Helper()
	b.now = b.now.Add(time.Second)
	return must(b.CreateSecret(b.t.Context(), &sdk.CreateSecretInput{Name: &name, SecretString: aws.String("grain"), ClientRequestToken: tok(1)}))(b.t)
}

func (b *bench) get(id string) (string, error) {
	out, err := b.GetSecretValue(b.t.Context(), &sdk.GetSecretValueInput{SecretId: &id})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.SecretString), nil
}

// stages are the labels of the versions that are shown: "1:AWSCURRENT".
func (b *bench) stages(id string) string {
	b.t.Helper()
	var all []string
	for v, labels := range must(b.DescribeSecret(b.t.Context(), &sdk.DescribeSecretInput{SecretId: &id}))(b.t).VersionIdsToStages {
		all = append(all, strings.TrimLeft(v, "0")+":"+strings.Join(labels, ","))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestSecretFromFirstToLast(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	in := &sdk.CreateSecretInput{Name: aws.String("team/mill"), ClientRequestToken: tok(1)}
	empty := must(b.CreateSecret(ctx, in))(t)
	if empty.VersionId != nil || !strings.HasPrefix(*empty.ARN, prefix+"team/mill-") || len(*empty.ARN) != len(prefix)+len("team/mill-")+6 {
		t.Errorf("without a value: %+v", empty)
	}
	_, err := b.get("team/mill")
	refused(t, "no value yet", err, "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT")
	d := must(b.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: in.Name}))(t)
	if d.VersionIdsToStages != nil || d.Tags != nil || d.Description != nil || d.KmsKeyId != nil || d.LastAccessedDate != nil || d.DeletedDate != nil || d.RotationEnabled != nil {
		t.Errorf("described %+v", d)
	}

	put := must(b.PutSecretValue(ctx, &sdk.PutSecretValueInput{SecretId: in.Name, SecretString: aws.String("first"), ClientRequestToken: tok(2)}))(t)
	if *put.VersionId != *tok(2) || fmt.Sprint(put.VersionStages) != "[AWSCURRENT]" || *put.ARN != *empty.ARN || *put.Name != *in.Name {
		t.Errorf("put %+v", put)
	}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	b.now = b.now.Add(time.Hour)
	must(b.PutSecretValue(ctx, &sdk.PutSecretValueInput{SecretId: empty.ARN, SecretBinary: all, ClientRequestToken: tok(3)}))(t)
	got := must(b.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: in.Name}))(t)
	if string(got.SecretBinary) != string(all) || got.SecretString != nil || *got.VersionId != *tok(3) || !got.CreatedDate.Equal(b.now) {
		t.Errorf("binary: %+v", got)
	}
	if s := b.stages("team/mill"); s != "2:AWSPREVIOUS 3:AWSCURRENT" {
		t.Errorf("labels %s", s)
	}
	up := must(b.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: in.Name, Description: aws.String("of the mill"), Type: aws.String("x")}))(t)
	if up.VersionId != nil {
		t.Errorf("updated without a value: %+v", up)
	}
	up = must(b.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: in.Name, SecretString: aws.String("third"), ClientRequestToken: tok(4)}))(t)
	if aws.ToString(up.VersionId) != *tok(4) {
		t.Errorf("updated with a value: %+v", up)
	}
	d = must(b.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: in.Name}))(t)
	if *d.Description != "of the mill" || *d.Type != "x" || d.LastAccessedDate.UTC().Format(time.DateTime) != "2026-01-02 00:00:00" || !d.LastChangedDate.Equal(b.now) {
		t.Errorf("described %+v", d)
	}

	// The version of two before has no label, and is still there.
	list := func(deprecated bool) (all []string) {
		for pages := sdk.NewListSecretVersionIdsPaginator(b, &sdk.ListSecretVersionIdsInput{SecretId: in.Name, IncludeDeprecated: &deprecated, MaxResults: aws.Int32(1)}); pages.HasMorePages(); {
			for _, v := range must(pages.NextPage(ctx))(t).Versions {
				if fmt.Sprint(v.KmsKeyIds) != "[DefaultEncryptionKey]" {
					t.Errorf("keys %v", v.KmsKeyIds)
				}
				all = append(all, strings.TrimLeft(*v.VersionId, "0")+fmt.Sprint(v.VersionStages))
			}
		}
		return all
	}
	if got := fmt.Sprint(list(false), list(true)); got != "[3[AWSPREVIOUS] 4[AWSCURRENT]] [2[] 3[AWSPREVIOUS] 4[AWSCURRENT]]" {
		t.Errorf("versions %s", got)
	}
	by := func(id, stage *string) (string, error) {
		out, err := b.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: in.Name, VersionId: id, VersionStage: stage})
		if err != nil {
			return "", err
		}
		return aws.ToString(out.SecretString), nil
	}
	for _, c := range []struct {
		id, stage *string
		want      string
	}{{tok(2), nil, "first"}, {nil, aws.String("AWSCURRENT"), "third"}, {tok(4), aws.String("AWSCURRENT"), "third"}} {
		if got, err := by(c.id, c.stage); err != nil || got != c.want {
			t.Errorf("got %q, %v, want %q", got, err, c.want)
		}
	}
	_, err = by(tok(2), aws.String("AWSCURRENT"))
	refused(t, "not its label", err, "InvalidRequestException", "You provided a VersionStage that is not associated to the provided VersionId.")
	_, err = by(tok(9), nil)
	refused(t, "no version", err, "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for VersionId: "+*tok(9))
	_, err = by(nil, aws.String("x"))
	refused(t, "no label", err, "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: x")

	move := func(stage string, to, from *string) error {
		_, err := b.UpdateSecretVersionStage(ctx, &sdk.UpdateSecretVersionStageInput{SecretId: in.Name, VersionStage: &stage, MoveToVersionId: to, RemoveFromVersionId: from})
		return err
	}
	must(0, move("AWSCURRENT", tok(3), tok(4)))(t)
	if s := b.stages("team/mill"); s != "3:AWSCURRENT 4:AWSPREVIOUS" {
		t.Errorf("moved back: %s", s)
	}
	refused(t, "held", move("AWSCURRENT", tok(2), nil), "InvalidParameterException",
		"The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version "+*tok(3)+", so you must explicitly reference that version in RemoveFromVersionId.")
	refused(t, "wrong holder", move("AWSCURRENT", tok(2), tok(4)), "InvalidParameterException",
		"When you move staging label AWSCURRENT, if you specify RemoveFromVersionId, it must be set to the version that currently has the staging label AWSCURRENT.")
	refused(t, "removed", move("AWSCURRENT", nil, tok(3)), "InvalidParameterException",
		"You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.")
	refused(t, "neither", move("AWSCURRENT", nil, nil), "InvalidParameterException", "You must provide either MoveToVersionId or RemoveFromVersionId.")
}

func TestTokens(t *testing.T) {
	b := start(t)
	// Before the secret is looked for, and only in requests of no SDK.
	for op, body := range map[string]string{
		"CreateSecret":   `{"Name":"mill","SecretString":"x"}`,
		"PutSecretValue": `{"SecretId":"none","SecretString":"x"}`,
		"UpdateSecret":   `{"SecretId":"none"}`,
	} {
		if status, got := b.raw(op, body); status != 400 || got != `{"__type":"InvalidRequestException","Message":"`+noToken+`"}` {
			t.Errorf("%s without a token: %d %s", op, status, got)
		}
	}
	if status, got := b.raw("RotateSecret", `{"SecretId":"none"}`); status != 400 || got != `{"__type":"InvalidParameterException","Message":"`+noToken+`"}` {
		t.Errorf("RotateSecret without a token: %d %s", status, got)
	}
	for n, good := range map[int]bool{31: false, 32: true, 64: true, 65: false} {
		token := strings.Repeat("t", n)
		_, err := b.CreateSecret(t.Context(), &sdk.CreateSecretInput{Name: aws.String(fmt.Sprint("n", n)), SecretString: aws.String("x"), ClientRequestToken: &token})
		if !good {
			refused(t, "a token of "+fmt.Sprint(n), err, "InvalidParameterException", "ClientRequestToken must be 32-64 characters long.")
		} else if err != nil {
			t.Errorf("a token of %d characters: %v", n, err)
		}
	}

	created := b.create("mill")
	if again := b.create("mill"); *again.ARN != *created.ARN || *again.VersionId != *tok(1) {
		t.Errorf("the same again: %+v", again)
	}
	_, err := b.CreateSecret(t.Context(), &sdk.CreateSecretInput{Name: aws.String("mill"), SecretString: aws.String("x")})
	refused(t, "the name again", err, "ResourceExistsException", "The operation failed because the secret mill already exists.")
	used := "You can't use ClientRequestToken " + *tok(1) + " because that value is already in use for a version of secret " + *created.ARN + "."
	for _, value := range []string{"grain", "other"} {
		_, err := b.PutSecretValue(t.Context(), &sdk.PutSecretValueInput{SecretId: aws.String("mill"), SecretString: &value, ClientRequestToken: tok(1)})
		_, err2 := b.UpdateSecret(t.Context(), &sdk.UpdateSecretInput{SecretId: aws.String("mill"), SecretString: &value, ClientRequestToken: tok(1)})
		if value == "grain" {
			must(0, errors.Join(err, err2))(t)
			continue
		}
		refused(t, "put", err, "ResourceExistsException", used)
		refused(t, "updated", err2, "ResourceExistsException", used)
	}
	if s := b.stages("mill"); s != "1:AWSCURRENT" {
		t.Errorf("labels %s", s)
	}
}

func TestIDs(t *testing.T) {
	b := start(t)
	for _, c := range []struct {
		name    string
		partial bool
	}{{"mill", true}, {"mill-a1b2", true}, {"mill-a1b2c3-", true}, {"mill-a1b2c3", false}, {"a/_+=.@!b", true}} {
		arn := *b.create(c.name).ARN
		for _, id := range []string{c.name, arn} {
			if got, err := b.get(id); err != nil || got != "grain" {
				t.Errorf("%s: %v", id, err)
			}
		}
		_, err := b.get(arn[:len(arn)-7])
		if c.partial && err != nil {
			t.Errorf("partial ARN of %s: %v", c.name, err)
		} else if !c.partial {
			refused(t, "partial ARN of "+c.name, err, "ResourceNotFoundException", notFound)
		}
		must(b.DeleteSecret(t.Context(), &sdk.DeleteSecretInput{SecretId: &arn, ForceDeleteWithoutRecovery: aws.Bool(true)}))(t)
		again := *b.create(c.name).ARN
		if again == arn {
			t.Errorf("%s has the ARN of the deleted one", c.name)
		}
		_, err = b.get(arn)
		refused(t, "the old ARN", err, "ResourceNotFoundException", notFound)
	}
	for _, id := range []string{
		strings.Replace(*b.create("x").ARN, account, "333333333333", 1), strings.Replace(*b.create("y").ARN, region, "eu-west-2", 1), "none", prefix + "none-a1b2c3",
	} {
		_, err := b.get(id)
		refused(t, id, err, "ResourceNotFoundException", notFound)
	}
	for _, id := range []string{"a b", "a*", "a?", "[a]", `a\b`} {
		_, err := b.get(id)
		refused(t, id, err, "ValidationException", badName)
		_, err = b.CreateSecret(t.Context(), &sdk.CreateSecretInput{Name: &id})
		refused(t, id, err, "ValidationException", badName)
		_, err = b.PutSecretValue(t.Context(), &sdk.PutSecretValueInput{SecretId: &id, SecretString: aws.String("x")})
		refused(t, id, err, "ValidationException", badName)
		_, err = b.DeleteSecret(t.Context(), &sdk.DeleteSecretInput{SecretId: &id, ForceDeleteWithoutRecovery: aws.Bool(true)})
		refused(t, id, err, "ValidationException", badName)
	}
}

// 65,536 bytes pass, one more does not; characters do not count.
func TestSizes(t *testing.T) {
	b := start(t)
	for _, c := range []struct {
		text   *string
		binary []byte
		want   string // of the error; "" for none
	}{
		{text: aws.String(strings.Repeat("é", 32768))},
		{text: aws.String(strings.Repeat("é", 32768) + "x"), want: "'secretString' failed to satisfy constraint: Member must have length less than or equal to 65536"},
		{text: aws.String(strings.Repeat("x", 65537)), want: "'secretString' failed to satisfy constraint: Member must have length less than or equal to 65536"},
		{text: aws.String(""), want: "'secretString' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{binary: make([]byte, 65536)},
		{binary: make([]byte, 65537), want: "'secretBinary' failed to satisfy constraint: Member must have length less than or equal to 65536"},
		{binary: []byte{}, want: "'secretBinary' failed to satisfy constraint: Member must have length greater than or equal to 1"},
	} {
		_, err := b.CreateSecret(t.Context(), &sdk.CreateSecretInput{Name: aws.String(fmt.Sprintf("n%d-%d", len(aws.ToString(c.text)), len(c.binary))), SecretString: c.text, SecretBinary: c.binary})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("refused: %v", err)
		case c.want != "":
			refused(t, c.want, err, "ValidationException", "1 validation error detected: Value at "+c.want)
		}
	}
	b.create("mill")
	_, err := b.PutSecretValue(t.Context(), &sdk.PutSecretValueInput{SecretId: aws.String("mill")})
	refused(t, "neither", err, "InvalidRequestException", "You must provide either SecretString or SecretBinary.")
	_, err = b.PutSecretValue(t.Context(), &sdk.PutSecretValueInput{SecretId: aws.String("mill"), SecretString: aws.String("x"), SecretBinary: []byte("x")})
	refused(t, "both", err, "InvalidParameterException", "You can't specify both a binary secret value and a string secret value in the same secret.")
}
