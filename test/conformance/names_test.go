package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"millrace/test/needs"
	"millrace/test/testenv"
)

// strange are values that no name should become a part of anything with.
var strange = []string{
	"", "..", "../../etc/passwd", "*", ">", "a b", "a\x00b\n", "é\U0001F600", "\xff",
	strings.Repeat("r", 4100), strings.Repeat("é/", 2050),
}

// strangeARNs are the same where a service looks for a part of something longer.
var strangeARNs = map[string][]string{
	"sqs": {
		"arn:aws:sqs:" + strings.Repeat("r", 4100) + ":000000000000:q", "arn:aws:sqs:us-east-1:" + strings.Repeat("0", 4100) + ":q",
		"http://sqs." + strings.Repeat("r-", 2050) + ".localhost/000000000000/q", "http://localhost/queue/" + strings.Repeat("r", 4100) + "/000000000000/q",
	},
	"lambda": {"arn:aws:lambda:*:000000000000:function:f", "arn:aws:lambda:us-east-1:../..:function:f", "arn:aws:sqs:us-east-1:" + strings.Repeat("0", 4100) + ":q"},
	"kms":    {"arn:aws:kms:us-east-1:" + strings.Repeat("0", 4100) + ":alias/a", "alias/" + strings.Repeat("a", 4100), "alias/.."},
	"mq":     {"arn:aws:mq:us-east-1:" + strings.Repeat("0", 4100) + ":broker:f:b-1", "arn:aws:mq:us-east-1:000000000000:broker:..:..", "b-" + strings.Repeat("0", 36), "c-" + strings.Repeat("f", 4100)},
	"secretsmanager": {
		"arn:aws:secretsmanager:us-east-1:" + strings.Repeat("0", 4100) + ":secret:a", "arn:aws:secretsmanager:" + strings.Repeat("r", 2000) + ":000000000000:secret:a-123456",
		strings.Repeat("+", 512), strings.Repeat("a", 64), strings.Repeat("é", 64),
	},
	"sns": {
		"arn:aws:sns:us-east-1:000000000000:" + strings.Repeat("t", 4100), "arn:aws:sns:us-east-1:" + strings.Repeat("0", 4100) + ":t", "arn:aws:sns:us-east-1:000000000000:../t:*",
		"arn:aws:sns:" + strings.Repeat("r", 4100) + ":000000000000:t:2bcfbf39-05c3-41de-beaa-fcfcc21c8f55", "http://localhost:1/" + strings.Repeat("p", 4100),
	},
	"s3":  {"a/../../b", "/", "//", "?versions", "%2F", "bucket.with.dots", "null", strings.Repeat("k", 1025)},
	"iam": {"arn:aws:iam::000000000000:policy/" + strings.Repeat("p", 4100)},
	"sts": {"arn:aws:iam::" + strings.Repeat("0", 4100) + ":role/r", "ASIA" + strings.Repeat("K", 4100)},
}

// Whatever a client gives as a name, an ARN, an id or any other text of any
// operation, the answer is a success or an error of AWS's kind, and the next
// call works.
func TestStrangeNames(t *testing.T) {
	needs.Time(t)
	env := testenv.Start(t)
	env.AWS.RetryMaxAttempts = 1
	env.Handle("f", func() error { return nil })
	queues := sqs.NewFromConfig(env.AWS)
	q, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	clients := map[string]any{
		"sqs": queues, "lambda": lambda.NewFromConfig(env.AWS), "kms": kms.NewFromConfig(env.AWS), "iam": iam.NewFromConfig(env.AWS), "sts": sts.NewFromConfig(env.AWS), "mq": mq.NewFromConfig(env.AWS),
		"s3":             s3.NewFromConfig(env.AWS, func(o *s3.Options) { o.UsePathStyle = true }),
		"secretsmanager": secretsmanager.NewFromConfig(env.AWS), "sns": sns.NewFromConfig(env.AWS),
	}
	ofEachService(t, clients)
	ofEachService(t, strangeARNs)
	for name, client := range clients {
		t.Run(name, func(t *testing.T) {
			for _, op := range operations(client) {
				if op.name == "WriteGetObjectResponse" { // which the client sends to a host of the text's name
					continue
				}
				op.eachText(func(member string, set func(in reflect.Value, text string)) {
					for _, text := range append(strange, strangeARNs[name]...) {
						err := op.call(t.Context(), func(in reflect.Value) {
							if f := in.Elem().FieldByName("QueueUrl"); f.IsValid() {
								f.Set(reflect.ValueOf(q.QueueUrl))
							}
							set(in, text)
						})
						if wrong := op.judge(err); wrong != "" {
							t.Fatalf("%s with %s %.60q: %s", op.name, member, text, wrong)
						}
					}
				})
			}
			if _, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("after-" + name)}); err != nil {
				t.Fatalf("afterwards: %v", err)
			}
		})
	}
}

// A region of 4,100 letters once reached a key, and broke the connection to the
// store: nothing worked until a restart.
func TestStrangeRegions(t *testing.T) {
	env := testenv.Start(t)
	client := raw{t, env}
	create := func(region string) answer {
		return client.do("POST", "/", `{"QueueName":"q"}`, "X-Amz-Target", "AmazonSQS.CreateQueue", "Content-Type", "application/x-amz-json-1.0",
			"Authorization", strings.Replace(signature("000000000000"), "us-east-1", region, 1))
	}
	for _, region := range []string{strings.Repeat("r", 4100), strings.Repeat("r", 33), "Us-east-1", "a*b", "a>b", "é"} {
		if a := create(region); a.status != 403 || !strings.Contains(a.body, `"Credential should be scoped to a valid region."`) {
			t.Errorf("%.40q: %d %s", region, a.status, a.body)
		}
	}
	for _, region := range []string{"us-east-1", "eusc-de-east-1", "us-isob-east-1", "elasticmq", "local"} {
		if a := create(region); a.status != 200 {
			t.Errorf("%s: %d %s", region, a.status, a.body)
		}
	}
}

// An operation is a method of an SDK's client.
type operation struct {
	name   string
	method reflect.Value
	in     reflect.Type
}

// operations are those of a client; what deletes comes last.
func operations(client any) (all []operation) {
	v := reflect.ValueOf(client)
	for i := range v.NumMethod() {
		m, name := v.Method(i), v.Type().Method(i).Name
		if typ := m.Type(); typ.NumIn() == 3 && typ.In(1).Kind() == reflect.Pointer && strings.HasSuffix(typ.In(1).Elem().Name(), "Input") {
			all = append(all, operation{name, m, typ.In(1).Elem()})
		}
	}
	deletes := func(o operation) int {
		if strings.HasPrefix(o.name, "Delete") || strings.HasPrefix(o.name, "ScheduleKeyDeletion") {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b operation) int { return cmp.Compare(deletes(a), deletes(b)) })
	return all
}

// eachText calls f for each text of an input, also in its lists and maps.
func (o operation) eachText(f func(member string, set func(in reflect.Value, text string))) {
	for i := range o.in.NumField() {
		field := o.in.Field(i)
		switch typ := field.Type; {
		case typ == reflect.TypeFor[*string]():
			f(field.Name, func(in reflect.Value, text string) { in.Elem().Field(i).Set(reflect.ValueOf(&text)) })
		case typ == reflect.TypeFor[[]string]():
			f(field.Name, func(in reflect.Value, text string) { in.Elem().Field(i).Set(reflect.ValueOf([]string{text})) })
		case typ == reflect.TypeFor[map[string]string]():
			f(field.Name, func(in reflect.Value, text string) {
				in.Elem().Field(i).Set(reflect.ValueOf(map[string]string{text: text}))
			})
		}
	}
}

// call calls the operation with what set makes of its input. What the client
// itself misses then is put there.
func (o operation) call(ctx context.Context, set func(in reflect.Value)) error {
	in := reflect.New(o.in)
	for {
		set(in)
		out := o.method.Call([]reflect.Value{reflect.ValueOf(ctx), in})
		err, _ := out[1].Interface().(error)
		var missing smithy.InvalidParamsError
		if !errors.As(err, &missing) {
			return err
		}
		for _, e := range missing.Errs() {
			var param smithy.InvalidParamError
			if !errors.As(e, &param) || !fill(in.Elem(), strings.Split(strings.TrimPrefix(param.Field(), o.in.Name()+"."), ".")) {
				return err
			}
		}
	}
}

// fill puts something at a path of members, and reports whether it could.
func fill(v reflect.Value, path []string) bool {
	f := v.FieldByName(path[0])
	if !f.IsValid() || len(path) > 1 && f.Kind() != reflect.Pointer && f.Kind() != reflect.Struct {
		return false
	}
	if len(path) > 1 {
		return fill(reflect.Indirect(f), path[1:])
	}
	switch f.Kind() {
	case reflect.Pointer:
		f.Set(reflect.New(f.Type().Elem()))
		if s, ok := f.Interface().(*string); ok {
			*s = "f"
		}
	case reflect.Slice:
		f.Set(reflect.MakeSlice(f.Type(), 0, 0))
	case reflect.Map:
		f.Set(reflect.MakeMap(f.Type()))
	case reflect.String:
		f.SetString("f")
	default:
		return false
	}
	return true
}

// judge says what is wrong with the answer to a strange value.
func (o operation) judge(err error) string {
	var answer *awshttp.ResponseError
	var api smithy.APIError
	switch {
	case err == nil, !errors.As(err, &answer), strings.Contains(err.Error(), "net/http: invalid header field"): // served, or refused by the client itself
		return ""
	case answer.HTTPStatusCode() == http.StatusNotImplemented:
		return ""
	case answer.HTTPStatusCode()/100 != 4:
		return fmt.Sprintf("status %d: %v", answer.HTTPStatusCode(), err)
	case !errors.As(err, &api) || api.ErrorCode() == "" || api.ErrorCode() == "UnknownError":
		return fmt.Sprintf("no error of AWS: %v", err)
	}
	return ""
}
