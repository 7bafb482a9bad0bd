package s3_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestBucketCors(t *testing.T) {
	b := start(t)
	ctx, name := t.Context(), aws.String("pages")
	b.create("pages")
	rule := func(change func(*types.CORSRule)) []types.CORSRule {
		r := types.CORSRule{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*"}}
		if change != nil {
			change(&r)
		}
		return []types.CORSRule{r}
	}
	const none = "NoSuchCORSConfiguration: The CORS configuration does not exist"
	_, err := b.GetBucketCors(ctx, &sdk.GetBucketCorsInput{Bucket: name})
	wants(t, "a new bucket", err, 404, none)
	many := rule(nil)
	for len(many) < 101 {
		many = append(many, many[0])
	}
	for _, c := range []struct {
		rule  string
		rules []types.CORSRule
		want  string
	}{
		{"no rule", []types.CORSRule{}, badXML},
		{"101 rules", many, "InvalidRequest: The number of CORS rules should not exceed allowed limit of 100 rules."},
		{"no such method", rule(func(r *types.CORSRule) { r.AllowedMethods = []string{"GET", "PATCH"} }),
			"InvalidRequest: Found unsupported HTTP method in CORS config. Unsupported method is PATCH"},
		{"an origin with two *", rule(func(r *types.CORSRule) { r.AllowedOrigins = []string{"http://*.*"} }),
			`InvalidRequest: AllowedOrigin "http://*.*" can not have more than one wildcard.`},
		{"a header with two *", rule(func(r *types.CORSRule) { r.AllowedHeaders = []string{"*-*"} }),
			`InvalidRequest: AllowedHeader "*-*" can not have more than one wildcard.`},
		{"an exposed header with a *", rule(func(r *types.CORSRule) { r.ExposeHeaders = []string{"x-*"} }),
			`InvalidRequest: ExposeHeader "x-*" contains wildcard. We currently do not support wildcard for ExposeHeader.`},
		{"100 rules", many[:100], ""},
		{"all of a rule", rule(func(r *types.CORSRule) {
			r.ID, r.AllowedHeaders, r.ExposeHeaders, r.MaxAgeSeconds = aws.String("id"), []string{"x-*"}, []string{"etag"}, aws.Int32(0)
		}), ""},
	} {
		_, err := b.PutBucketCors(ctx, &sdk.PutBucketCorsInput{Bucket: name, CORSConfiguration: &types.CORSConfiguration{CORSRules: c.rules}})
		wants(t, c.rule, err, 400, c.want)
	}
	got := must(b.GetBucketCors(ctx, &sdk.GetBucketCorsInput{Bucket: name}))(t).CORSRules
	if len(got) != 1 || *got[0].ID != "id" || *got[0].MaxAgeSeconds != 0 || got[0].AllowedHeaders[0] != "x-*" || got[0].ExposeHeaders[0] != "etag" {
		t.Errorf("got %+v", got)
	}
	for range 2 {
		must(b.DeleteBucketCors(ctx, &sdk.DeleteBucketCorsInput{Bucket: name}))(t)
	}
	_, err = b.GetBucketCors(ctx, &sdk.GetBucketCorsInput{Bucket: name})
	wants(t, "after the deletion", err, 404, none)
}

func TestPagesOfOtherOrigins(t *testing.T) {
	b := start(t)
	b.create("pages", "plain")
	must(b.PutBucketCors(t.Context(), &sdk.PutBucketCorsInput{Bucket: aws.String("pages"), CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{
		{AllowedMethods: []string{"PUT", "POST"}, AllowedOrigins: []string{"https://*.example.com"}, AllowedHeaders: []string{"x-amz-*", "Content-Type"}, MaxAgeSeconds: aws.Int32(60)},
		{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*"}, ExposeHeaders: []string{"etag", "x-amz-version-id"}},
	}}}))(t)
	const (
		preflight = "OPTIONS"
		origin    = "https://www.example.com"
		notEnough = "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / " +
			"Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource&apos;s CORS spec."
	)
	for _, c := range []struct {
		rule, path, origin, method, headers string
		status                              int
		want                                string // in the body, or the headers of the answer
	}{
		{"a rule", "/pages/k", origin, "PUT", "X-Amz-Date, content-type", 200,
			"Access-Control-Allow-Origin: " + origin + "\nAccess-Control-Allow-Methods: PUT, POST\nAccess-Control-Allow-Headers: x-amz-date, content-type\n" +
				"Access-Control-Max-Age: 60\nAccess-Control-Allow-Credentials: true"},
		{"every origin", "/pages/k", "http://localhost:3000", "GET", "", 200,
			"Access-Control-Allow-Origin: *\nAccess-Control-Allow-Methods: GET\nAccess-Control-Expose-Headers: etag, x-amz-version-id\nAccess-Control-Allow-Credentials: "},
		{"another origin", "/pages/k", "https://example.org", "PUT", "", 403, notEnough},
		{"another method", "/pages/k", origin, "DELETE", "", 403, notEnough},
		{"another header", "/pages/k", origin, "PUT", "authorization", 403, notEnough},
		{"no origin", "/pages/k", "", "PUT", "", 400, "Insufficient information. Origin request header needed."},
		{"no method", "/pages/k", origin, "", "", 400, "Invalid Access-Control-Request-Method: null"},
		{"a bucket without rules", "/plain", origin, "PUT", "", 403, "CORSResponse: CORS is not enabled for this bucket."},
		{"no bucket", "/none/k", origin, "PUT", "", 403, "CORSResponse: Bucket not found"},
	} {
		var headers []string
		for name, value := range map[string]string{"Origin": c.origin, "Access-Control-Request-Method": c.method, "Access-Control-Request-Headers": c.headers} {
			if value != "" {
				headers = append(headers, name, value)
			}
		}
		res, body := b.send(preflight, c.path, "", headers...)
		if res.StatusCode != c.status {
			t.Errorf("%s: %s %s", c.rule, res.Status, body)
		}
		if c.status != 200 {
			if !strings.Contains(strings.ReplaceAll(body, "&#39;", "&apos;"), "<Message>"+c.want+"</Message>") {
				t.Errorf("%s: %s", c.rule, body)
			}
			continue
		}
		for line := range strings.Lines(c.want) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			if got := res.Header.Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", c.rule, name, got, value)
			}
		}
		if res.Header.Get("Vary") != "Origin, Access-Control-Request-Headers, Access-Control-Request-Method" {
			t.Errorf("%s: Vary is %q", c.rule, res.Header.Get("Vary"))
		}
	}

	// The request itself, of an account that may.
	page := func(path, origin string) (int, string) {
		res, _ := b.send("GET", path, "", append(asAccount(), "Origin", origin)...)
		return res.StatusCode, res.Header.Get("Access-Control-Allow-Origin")
	}
	if status, allowed := page("/pages?location", "http://localhost:3000"); status != 200 || allowed != "*" {
		t.Errorf("a page that may: %d, allowed %q", status, allowed)
	}
	if status, allowed := page("/plain?location", "http://localhost:3000"); status != 403 || allowed != "" {
		t.Errorf("a page that may not: %d, allowed %q", status, allowed)
	}
}
