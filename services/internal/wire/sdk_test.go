package wire_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cloudwatchsdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	iamsdk "github.com/aws/aws-sdk-go-v2/service/iam"
	kmssdk "github.com/aws/aws-sdk-go-v2/service/kms"
	lambdasdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	mqsdk "github.com/aws/aws-sdk-go-v2/service/mq"
	secretsmanagersdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	snssdk "github.com/aws/aws-sdk-go-v2/service/sns"
	sqssdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	stssdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"millrace/services/internal/api/iam"
	"millrace/services/internal/api/kms"
	"millrace/services/internal/api/lambda"
	"millrace/services/internal/api/mq"
	"millrace/services/internal/api/secretsmanager"
	"millrace/services/internal/api/sns"
	"millrace/services/internal/api/sqs"
	"millrace/services/internal/api/sts"
	"millrace/services/internal/wire"
	"millrace/services/internal/wire/wiretest/cloudwatch"
	"millrace/test/wholebody"
)

// TestClients sends every operation through AWS's own Go client with every
// member filled in, and answers it with every member filled in: what one side
// writes, the other must read.
func TestClients(t *testing.T) {
	all := []struct {
		name     string
		service  *wire.Service
		protocol wire.Protocol
		client   func(aws.Config) any
	}{
		{"sqs", sqs.Service, wire.AWSJSON, func(c aws.Config) any {
			return sqssdk.NewFromConfig(c, func(o *sqssdk.Options) { o.DisableMessageChecksumValidation = true })
		}},
		{"sns", sns.Service, wire.AWSQuery, func(c aws.Config) any { return snssdk.NewFromConfig(c) }},
		{"lambda", lambda.Service, wire.RestJSON, func(c aws.Config) any { return lambdasdk.NewFromConfig(c) }},
		{"sts", sts.Service, wire.AWSQuery, func(c aws.Config) any { return stssdk.NewFromConfig(c) }},
		{"iam", iam.Service, wire.AWSQuery, func(c aws.Config) any { return iamsdk.NewFromConfig(c) }},
		{"kms", kms.Service, wire.AWSJSON, func(c aws.Config) any { return kmssdk.NewFromConfig(c) }},
		{"mq", mq.Service, wire.RestJSON, func(c aws.Config) any { return mqsdk.NewFromConfig(c) }},
		{"secretsmanager", secretsmanager.Service, wire.AWSJSON, func(c aws.Config) any { return secretsmanagersdk.NewFromConfig(c) }},
		{"cloudwatch", cloudwatch.Service, wire.CBOR, func(c aws.Config) any {
			return cloudwatchsdk.NewFromConfig(c, func(o *cloudwatchsdk.Options) { o.DisableRequestCompression = true })
		}},
	}
	apis, err := os.ReadDir("../api")
	if err != nil || len(apis) == 0 {
		t.Fatal(apis, err)
	}
	for _, e := range apis {
		known := e.Name() == "models" || e.Name() == "s3" // see TestClientsOfS3
		for _, tt := range all {
			known = known || tt.name == e.Name()
		}
		if e.IsDir() && !known {
			t.Errorf("no client sends the operations of %s", e.Name())
		}
	}
	for _, tt := range all {
		for _, op := range tt.service.Operations {
			t.Run(tt.name+"/"+op.Name, func(t *testing.T) {
				f := &front{t: t, service: tt.service, protocol: tt.protocol, op: op}
				method := reflect.ValueOf(tt.client(f.start())).MethodByName(op.Name)
				if !method.IsValid() {
					t.Fatal("the client has no such operation")
				}
				in := reflect.New(method.Type().In(1).Elem())
				stuff(in.Elem(), 0)
				f.out = op.NewOutput()
				stuff(reflect.ValueOf(f.out).Elem(), 0)
				got := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), in})
				if err := got[1].Interface(); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(essence(in), essence(reflect.ValueOf(f.in))); diff != "" {
					t.Errorf("the request lost something (-sent +read):\n%s", diff)
				}
				if diff := cmp.Diff(essence(reflect.ValueOf(f.out)), essence(got[0])); diff != "" {
					t.Errorf("the answer lost something (-sent +read):\n%s", diff)
				}
			})
		}
	}
}

// TestClientsReadErrors checks that the clients make of an error what was meant.
func TestClientsReadErrors(t *testing.T) {
	type apiError interface {
		ErrorCode() string
		ErrorMessage() string
	}
	for _, tt := range []struct {
		rule     string
		service  *wire.Service
		protocol wire.Protocol
		op       string
		err      *wire.Error
		code     string
		call     func(aws.Config) error
	}{
		{
			"awsJson: the header has the old code", sqs.Service, wire.AWSJSON, "PurgeQueue",
			sqs.ErrQueueDoesNotExist("no queue"), "AWS.SimpleQueueService.NonExistentQueue",
			func(c aws.Config) error {
				_, err := sqssdk.NewFromConfig(c).PurgeQueue(context.Background(), &sqssdk.PurgeQueueInput{QueueUrl: aws.String("q")})
				return err
			},
		},
		{
			"awsQuery: the model's code", iam.Service, wire.AWSQuery, "GetRole",
			iam.ErrNoSuchEntityException("no role"), "NoSuchEntity",
			func(c aws.Config) error {
				_, err := iamsdk.NewFromConfig(c).GetRole(context.Background(), &iamsdk.GetRoleInput{RoleName: aws.String("r")})
				return err
			},
		},
		{
			"restJson: the header has the type, Message may be capital", lambda.Service, wire.RestJSON, "GetFunction",
			lambda.ErrResourceNotFoundException("no function"), "ResourceNotFoundException",
			func(c aws.Config) error {
				_, err := lambdasdk.NewFromConfig(c).GetFunction(context.Background(), &lambdasdk.GetFunctionInput{FunctionName: aws.String("f")})
				return err
			},
		},
		{
			"rpc-v2-cbor: the body has the type", cloudwatch.Service, wire.CBOR, "DescribeAlarms",
			cloudwatch.ErrInvalidNextToken("bad token"), "InvalidNextToken",
			func(c aws.Config) error {
				_, err := cloudwatchsdk.NewFromConfig(c).DescribeAlarms(context.Background(), &cloudwatchsdk.DescribeAlarmsInput{})
				return err
			},
		},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			f := &front{t: t, service: tt.service, protocol: tt.protocol, op: tt.service.Operation(tt.op), err: tt.err}
			err := tt.call(f.start())
			var e apiError
			if !asAPIError(err, &e) || e.ErrorCode() != tt.code || e.ErrorMessage() != tt.err.Message {
				t.Errorf("the client read %v, want %s %q", err, tt.code, tt.err.Message)
			}
			if !strings.Contains(err.Error(), "0a1b2c") {
				t.Errorf("the client found no request id: %v", err)
			}
		})
	}
}

func asAPIError[E any](err error, target *E) bool {
	for ; err != nil; err = unwrap(err) {
		if e, ok := err.(E); ok {
			*target = e
			return true
		}
	}
	return false
}

func unwrap(err error) error {
	if u, ok := err.(interface{ Unwrap() error }); ok {
		return u.Unwrap()
	}
	return nil
}

// A front is the thinnest server: it decodes one operation and answers it.
type front struct {
	t        *testing.T
	service  *wire.Service
	protocol wire.Protocol
	op       *wire.Operation
	in       any // what was decoded
	out      any // the answer, or
	err      *wire.Error
}

func (f *front) start() aws.Config {
	s := httptest.NewServer(f)
	f.t.Cleanup(s.Close)
	return aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(s.URL), RetryMaxAttempts: 1, HTTPClient: wholebody.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	}
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Error(err)
	}
	req := &wire.Request{HTTP: r, Body: body}
	op, name := f.op, f.op.Name
	switch f.protocol {
	case wire.AWSJSON:
		_, name, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	case wire.AWSQuery:
		req.Form, _ = url.ParseQuery(string(body))
		name = req.Form.Get("Action")
	case wire.CBOR:
		_, name, _ = strings.Cut(r.URL.Path, "/operation/")
	default:
		op, req.Labels = f.service.Route(r, r.URL.EscapedPath())
	}
	if op != f.op || name != f.op.Name {
		f.t.Errorf("%s %s is routed to %v, want %s", r.Method, r.URL, op, f.op.Name)
		return
	}
	if op.StreamIn {
		req.Stream = bytes.NewReader(body)
	}
	f.in = op.NewInput()
	if err := wire.Decode(f.protocol, op, req, f.in); err != nil {
		f.t.Error(err)
	}
	if f.err != nil {
		wire.EncodeError(w, f.protocol, f.service, req, "0a1b2c", f.err)
	} else if err := wire.EncodeResult(w, f.protocol, f.service, op, req, "0a1b2c", f.out); err != nil {
		f.t.Error(err)
	}
}

// stuff fills everything that a value has room for, as deep as any model of ours goes.
func stuff(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		if depth < 30 {
			v.Set(reflect.New(v.Type().Elem()))
			stuff(v.Elem(), depth+1)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1700000000, 0).UTC()))
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "ResultMetadata" {
				stuff(v.Field(i), depth+1)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte("\x00\xffblob"))
		} else if depth < 30 {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			stuff(v.Index(0), depth+1)
			stuff(v.Index(1), depth+1)
		}
	case reflect.Map:
		if depth < 30 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			stuff(key, depth+1)
			stuff(value, depth+1)
			v.Set(reflect.MakeMap(v.Type()))
			v.SetMapIndex(key, value)
		}
	case reflect.Interface:
		if v.Type() == reflect.TypeFor[io.Reader]() {
			v.Set(reflect.ValueOf(bytes.NewReader([]byte("\x00\xffblob"))))
		}
	case reflect.String:
		v.SetString(`a "text" <&'é€😀+% /~`)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		v.SetInt(202) // is good as a status, too
	case reflect.Float64:
		v.SetFloat(-1.25)
	}
}

// newer are the members that the client knows and the models do not yet.
var newer = map[string]bool{
	"CopyObjectInput.AnnotationDirective":               true,
	"CreateSecretInput.CrossAccountPrimaryARN":          true,
	"AssumeRoleInput.MinimumSessionTokenSize":           true,
	"DurableConfig.KMSKeyArn":                           true,
	"FileSystemConfig.S3FilesConfig":                    true,
	"FunctionCode.S3ObjectStorageMode":                  true,
	"GetSessionTokenInput.MinimumSessionTokenSize":      true,
	"MetricAlarm.ActionConfiguration":                   true,
	"MetricAlarm.WarmUpConfiguration":                   true,
	"PutMetricAlarmInput.ActionConfiguration":           true,
	"PutMetricAlarmInput.WarmUpConfiguration":           true,
	"SelfManagedKafkaEventSourceConfig.ConsumptionMode": true,
	"UpdateFunctionCodeInput.S3ObjectStorageMode":       true,
}

// essence is what a value holds, whichever types hold it: the client's and ours
// differ in names' cases, enums and pointers.
func essence(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if r, ok := v.Interface().(*bytes.Reader); ok {
			b := make([]byte, r.Size())
			r.ReadAt(b, 0)
			return fmt.Sprintf("%q", b)
		}
		if v.IsNil() {
			return nil
		}
		return essence(v.Elem())
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return t.UnixMilli()
		}
		if _, name, ok := strings.Cut(v.Type().Name(), "Member"); ok && v.NumField() == 2 { // of a union
			return map[string]any{strings.ToLower(name): essence(v.FieldByName("Value"))}
		}
		out := map[string]any{}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || f.Name == "ResultMetadata" || newer[v.Type().Name()+"."+f.Name] {
				continue
			}
			if e := essence(v.Field(i)); e != nil {
				out[strings.ToLower(f.Name)] = e
			}
		}
		return out
	case reflect.Slice:
		if v.IsNil() {
			return nil
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return fmt.Sprintf("%q", v.Bytes())
		}
		out := []any{}
		for i := range v.Len() {
			out = append(out, essence(v.Index(i)))
		}
		return out
	case reflect.Map:
		if v.IsNil() {
			return nil
		}
		out := map[string]any{}
		for k, e := range v.Seq2() {
			out[k.String()] = essence(e)
		}
		return out
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Float64:
		return v.Float()
	}
	return nil
}
