package secretsmanager_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

func filter(key string, values ...string) types.Filter {
	return types.Filter{Key: types.FilterNameStringType(key), Values: values}
}

func TestFilters(t *testing.T) {
	b := start(t)
	for name, text := range map[string]string{"alpha/one": "The first grain", "alpha/two": "second", "Beta": "", "betaGamma7": "firstborn"} {
		must(b.CreateSecret(t.Context(), &sdk.CreateSecretInput{
			Name: &name, Description: &text, Tags: []types.Tag{{Key: aws.String("Team-" + name[:1]), Value: aws.String("mill " + name)}},
		}))(t)
	}
	ten := make([]types.Filter, 10)
	for i := range ten {
		ten[i] = filter("name", "alpha")
	}
	for _, c := range []struct {
		filters []types.Filter
		want    string
	}{
		{nil, "Beta alpha/one alpha/two betaGamma7"},
		{[]types.Filter{filter("name", "alpha")}, "alpha/one alpha/two"},
		{[]types.Filter{filter("name", "ALPHA")}, ""},
		{[]types.Filter{filter("name", "lpha")}, ""},
		{[]types.Filter{filter("name", "beta", "Beta")}, "Beta betaGamma7"},
		{[]types.Filter{filter("name", "!alpha")}, "Beta betaGamma7"},
		{[]types.Filter{filter("name", "alpha"), filter("description", "second")}, "alpha/two"},
		{[]types.Filter{filter("description", "FIRST")}, "alpha/one"},
		{[]types.Filter{filter("description", "firs")}, ""},
		{[]types.Filter{filter("description", "grain first")}, "alpha/one"},
		{[]types.Filter{filter("tag-key", "Team-a")}, "alpha/one alpha/two"},
		{[]types.Filter{filter("tag-key", "team-a")}, ""},
		{[]types.Filter{filter("tag-value", "mill B")}, "Beta"},
		{[]types.Filter{filter("tag-value", "!mill B", "mill B")}, "Beta alpha/one alpha/two betaGamma7"},
		{[]types.Filter{filter("primary-region", "eu-")}, "Beta alpha/one alpha/two betaGamma7"},
		{[]types.Filter{filter("owning-service", "rds")}, ""},
		{[]types.Filter{filter("all", "first")}, "alpha/one betaGamma7"},
		{[]types.Filter{filter("all", "GAMMA 7")}, "betaGamma7"},
		{[]types.Filter{filter("all", "gamma7")}, "betaGamma7"},
		{[]types.Filter{filter("all", "alphaTwo")}, "alpha/two"},
		{[]types.Filter{filter("all", "!mill")}, ""},
		{ten, "alpha/one alpha/two"},
	} {
		if got := b.names(&sdk.ListSecretsInput{Filters: c.filters, SortBy: types.SortByTypeName}); got != c.want {
			t.Errorf("%v: %q, want %q", c.filters, got, c.want)
		}
	}
	for _, filters := range [][]types.Filter{append(ten, ten[0]), {filter("x", "y")}, {filter("name")}, {filter("name", strings.Repeat("x", 513))}, {filter("name", "é")}} {
		if _, err := b.ListSecrets(t.Context(), &sdk.ListSecretsInput{Filters: filters}); err == nil {
			t.Errorf("%.80v is accepted", filters)
		}
	}
}

func TestOrderAndPages(t *testing.T) {
	b := start(t)
	for _, name := range []string{"b", "ab", "c", "a"} {
		b.create(name)
	}
	b.now = b.now.Add(day)
	must(b.get("c"))(t)
	must(b.UpdateSecret(t.Context(), &sdk.UpdateSecretInput{SecretId: aws.String("ab"), Description: aws.String("x")}))(t)
	for _, c := range []struct {
		by    types.SortByType
		order types.SortOrderType
		want  string
	}{
		{"", "", "b ab c a"}, {"created-date", "desc", "a c ab b"}, {"name", "asc", "a ab b c"}, {"name", "desc", "c b ab a"},
		{"last-accessed-date", "", "a ab b c"}, {"last-changed-date", "desc", "ab a c b"},
	} {
		for _, size := range []int32{1, 3, 100} {
			if got := b.names(&sdk.ListSecretsInput{SortBy: c.by, SortOrder: c.order, MaxResults: &size}); got != c.want {
				t.Errorf("by %s %s, %d a page: %s, want %s", c.by, c.order, size, got, c.want)
			}
		}
	}

	// What comes and goes between two pages neither repeats nor hides others.
	first := must(b.ListSecrets(t.Context(), &sdk.ListSecretsInput{SortBy: "name", MaxResults: aws.Int32(2)}))(t)
	must(b.DeleteSecret(t.Context(), &sdk.DeleteSecretInput{SecretId: aws.String("ab"), ForceDeleteWithoutRecovery: aws.Bool(true)}))(t)
	b.create("aa")
	b.create("bb")
	if got := b.names(&sdk.ListSecretsInput{SortBy: "name", NextToken: first.NextToken}); got != "b bb c" {
		t.Errorf("the second page is %s", got)
	}
	_, err := b.ListSecrets(t.Context(), &sdk.ListSecretsInput{NextToken: aws.String("%")})
	refused(t, "a token", err, "InvalidNextTokenException", "The NextToken value is invalid.")

	batch := must(b.BatchGetSecretValue(t.Context(), &sdk.BatchGetSecretValueInput{Filters: []types.Filter{filter("name", "a", "b")}, MaxResults: aws.Int32(2)}))(t)
	again := must(b.BatchGetSecretValue(t.Context(), &sdk.BatchGetSecretValueInput{Filters: []types.Filter{filter("name", "a", "b")}, NextToken: batch.NextToken}))(t)
	var got []string
	for _, v := range append(batch.SecretValues, again.SecretValues...) {
		got = append(got, *v.Name+"="+*v.SecretString)
	}
	if fmt.Sprint(got) != "[b=grain a=grain aa=grain bb=grain]" || again.NextToken != nil {
		t.Errorf("batch: %v", got)
	}
	const either = "Either 'SecretIdList' or 'Filters' must be provided, but not both."
	_, err = b.BatchGetSecretValue(t.Context(), &sdk.BatchGetSecretValueInput{})
	refused(t, "neither", err, "InvalidParameterException", either)
	_, err = b.BatchGetSecretValue(t.Context(), &sdk.BatchGetSecretValueInput{SecretIdList: []string{"a"}, Filters: []types.Filter{filter("name", "a")}})
	refused(t, "both", err, "InvalidParameterException", either)
	_, err = b.BatchGetSecretValue(t.Context(), &sdk.BatchGetSecretValueInput{SecretIdList: []string{"a"}, MaxResults: aws.Int32(2)})
	refused(t, "pages of a list", err, "InvalidParameterException", "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.")
}
