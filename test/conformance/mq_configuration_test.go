package conformance

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"

	"millrace/test/testenv"
)

func base64Of(text string) *string {
	return aws.String(base64.StdEncoding.EncodeToString([]byte(text)))
}

// Revisions are numbers: the tenth comes after the ninth, and the three hundredth is the last.
func TestRevisions(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ctx, client := t.Context(), mq.NewFromConfig(env.AWS)
		c, err := client.CreateConfiguration(ctx, &mq.CreateConfigurationInput{Name: aws.String("stones"), EngineType: types.EngineTypeRabbitmq, EngineVersion: aws.String("3.13")})
		if err != nil {
			t.Fatal(err)
		}
		update := func(n int) error {
			_, err := client.UpdateConfiguration(ctx, &mq.UpdateConfigurationInput{ConfigurationId: c.Id, Data: base64Of(fmt.Sprintf("consumer_timeout = %d\n", n)), Description: aws.String(fmt.Sprint(n))})
			return err
		}
		for n := 2; n <= 300; n++ {
			if err := update(n); err != nil {
				t.Fatal(n, err)
			}
		}
		if err := update(301); blamed(err) != "400 configuration_id" {
			t.Errorf("the 301st: %v", err)
		}
		var numbers []int
		for token := (*string)(nil); ; {
			out, err := client.ListConfigurationRevisions(ctx, &mq.ListConfigurationRevisionsInput{ConfigurationId: c.Id, MaxResults: aws.Int32(7), NextToken: token})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range out.Revisions {
				numbers = append(numbers, int(*r.Revision))
			}
			if token = out.NextToken; token == nil {
				break
			}
		}
		if len(numbers) != 300 || !slices.IsSorted(numbers) || numbers[9] != 10 {
			t.Errorf("listed %v", numbers)
		}
		d, err := client.DescribeConfiguration(ctx, &mq.DescribeConfigurationInput{ConfigurationId: c.Id})
		if err != nil || *d.LatestRevision.Revision != 300 || *d.Description != "300" {
			t.Errorf("%+v, %v", d, err)
		}
		r, err := client.DescribeConfigurationRevision(ctx, &mq.DescribeConfigurationRevisionInput{ConfigurationId: c.Id, ConfigurationRevision: aws.String("13")})
		if err != nil || *r.Data != *base64Of("consumer_timeout = 13\n") {
			t.Errorf("%+v, %v", r, err)
		}
		for revision, want := range map[string]string{"301": "404 configuration_revision", "0": "404 configuration_revision", "x": "400 configuration_revision"} {
			_, err := client.DescribeConfigurationRevision(ctx, &mq.DescribeConfigurationRevisionInput{ConfigurationId: c.Id, ConfigurationRevision: &revision})
			if blamed(err) != want {
				t.Errorf("revision %s: %v", revision, err)
			}
		}
	}, withMetadata)
}

// What is not allowed is taken out of an ActiveMQ text with warnings, 20 of them at most;
// of RabbitMQ it is refused.
func TestConfigurationTexts(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ctx, client := t.Context(), mq.NewFromConfig(env.AWS)
		create := func(name string, e types.EngineType) *string {
			c, err := client.CreateConfiguration(ctx, &mq.CreateConfigurationInput{Name: &name, EngineType: e})
			if err != nil {
				t.Fatal(err)
			}
			return c.Id
		}
		active, rabbit := create("active", types.EngineTypeActivemq), create("rabbit", types.EngineTypeRabbitmq)
		out, err := client.UpdateConfiguration(ctx, &mq.UpdateConfigurationInput{ConfigurationId: active,
			Data: base64Of(`<broker xmlns="http://activemq.apache.org/schema/core">` + strings.Repeat("<shutdownHooks/>", 30) + `</broker>`)})
		if err != nil || len(out.Warnings) != 20 || out.Warnings[0].Reason != types.SanitizationWarningReasonDisallowedElementRemoved {
			t.Errorf("%+v, %v", out, err)
		}
		r, err := client.DescribeConfigurationRevision(ctx, &mq.DescribeConfigurationRevisionInput{ConfigurationId: active, ConfigurationRevision: aws.String("2")})
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := base64.StdEncoding.DecodeString(*r.Data); strings.Contains(string(text), "shutdownHooks") {
			t.Errorf("stored %s", text)
		}
		for text, want := range map[string]string{
			"default_user = x": "400 data", "consumer_timeout = -1": "400 data", "[{rabbit, []}].": "400 data",
		} {
			if _, err := client.UpdateConfiguration(ctx, &mq.UpdateConfigurationInput{ConfigurationId: rabbit, Data: base64Of(text)}); blamed(err) != want {
				t.Errorf("%s: %v", text, err)
			}
		}
		if _, err := client.UpdateConfiguration(ctx, &mq.UpdateConfigurationInput{ConfigurationId: rabbit, Data: aws.String("no base64!")}); blamed(err) != "400 data" {
			t.Error(err)
		}
		for name, want := range map[string]string{"rabbit": "409 name", "a/b": "400 name", strings.Repeat("n", 151): "400 name"} {
			if _, err := client.CreateConfiguration(ctx, &mq.CreateConfigurationInput{Name: &name, EngineType: types.EngineTypeRabbitmq}); blamed(err) != want {
				t.Errorf("%.20s: %v", name, err)
			}
		}
	}, withMetadata)
}

// Limits are checked where they meet an instance type, and a configuration in use stays.
func TestConfigurationsMeetBrokers(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ctx, client := t.Context(), mq.NewFromConfig(env.AWS)
		c, err := client.CreateConfiguration(ctx, &mq.CreateConfigurationInput{Name: aws.String("limits"), EngineType: types.EngineTypeRabbitmq, EngineVersion: aws.String("4.2")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.UpdateConfiguration(ctx, &mq.UpdateConfigurationInput{ConfigurationId: c.Id, Data: base64Of("connection_max = 100000000\n")}); err != nil {
			t.Fatal(err)
		}
		in := rabbitInput("mill")
		in.EngineVersion, in.Configuration = aws.String("4.2"), &types.ConfigurationId{Id: c.Id}
		if _, err := client.CreateBroker(ctx, in); blamed(err) != "400 configuration" || !strings.Contains(err.Error(), "larger than maximum allowed limit:") {
			t.Error(err)
		}
		in.Configuration.Revision = aws.Int32(1)
		b := createBroker(t, env, in)
		if out := b.await(types.BrokerStateRunning); *out.Configurations.Current.Id != *c.Id {
			t.Errorf("%+v", out.Configurations)
		}
		if _, err := client.DeleteConfiguration(ctx, &mq.DeleteConfigurationInput{ConfigurationId: c.Id}); blamed(err) != "409 " {
			t.Error(err)
		}
		if _, err := client.DeleteBroker(ctx, &mq.DeleteBrokerInput{BrokerId: b.id}); err != nil {
			t.Fatal(err)
		}
		b.awaitGone()
		if _, err := client.DeleteConfiguration(ctx, &mq.DeleteConfigurationInput{ConfigurationId: c.Id}); err != nil {
			t.Error(err)
		}
		if _, err := client.DescribeConfiguration(ctx, &mq.DescribeConfigurationInput{ConfigurationId: c.Id}); blamed(err) != "404 configuration_id" {
			t.Error(err)
		}
	}, withMetadata)
}

// A restart of the runtime keeps brokers with what is pending, and configurations; a reset
// keeps nothing.
func TestBrokersOutliveTheRuntime(t *testing.T) {
	data := t.TempDir()
	var id, configuration string
	t.Run("before", func(t *testing.T) {
		env := testenv.Start(t, withMetadata, testenv.WithData(data))
		b := createBroker(t, env, activeInput("mill"))
		b.await(types.BrokerStateRunning)
		b.update(mq.UpdateBrokerInput{HostInstanceType: aws.String("mq.m5.xlarge")})
		if _, err := b.CreateUser(t.Context(), &mq.CreateUserInput{BrokerId: b.id, Username: aws.String("ada"), Password: aws.String(goodPassword)}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.CreateTags(t.Context(), &mq.CreateTagsInput{ResourceArn: b.describe().BrokerArn, Tags: map[string]string{"team": "stones"}}); err != nil {
			t.Fatal(err)
		}
		id, configuration = *b.id, *b.describe().Configurations.Current.Id
	})
	t.Run("after", func(t *testing.T) {
		env := testenv.Start(t, withMetadata, testenv.WithData(data))
		b := brokerClient{mq.NewFromConfig(env.AWS), t, &id}
		out := b.describe()
		if out.BrokerState != types.BrokerStateRunning || aws.ToString(out.PendingHostInstanceType) != "mq.m5.xlarge" || len(out.Users) != 2 || out.Tags["team"] != "stones" {
			t.Errorf("%+v", out)
		}
		if out := b.reboot(); *out.HostInstanceType != "mq.m5.xlarge" || out.Users[0].PendingChange != "" {
			t.Errorf("%+v", out)
		}
		if err := env.App.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.awaitGone()
		if _, err := b.DescribeConfiguration(t.Context(), &mq.DescribeConfigurationInput{ConfigurationId: &configuration}); blamed(err) != "404 configuration_id" {
			t.Error(err)
		}
		createBroker(t, env, activeInput("mill")).await(types.BrokerStateRunning)
	})
}

// Pages are stable while brokers come and go, and maxResults is echoed as 5 at least.
func TestPagesOfBrokers(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ctx, client := t.Context(), mq.NewFromConfig(env.AWS)
		ids := map[string]*string{}
		for _, name := range []string{"b", "d", "a", "e", "c"} {
			ids[name] = createBroker(t, env, rabbitInput(name)).id
		}
		first, err := client.ListBrokers(ctx, &mq.ListBrokersInput{MaxResults: aws.Int32(2)})
		if err != nil || *first.BrokerSummaries[1].BrokerName != "b" {
			t.Fatal(first, err)
		}
		if _, err := client.DeleteBroker(ctx, &mq.DeleteBrokerInput{BrokerId: ids["b"]}); err != nil {
			t.Fatal(err)
		}
		brokerClient{client, t, ids["b"]}.awaitGone()
		var names []string
		for p := mq.NewListBrokersPaginator(client, &mq.ListBrokersInput{MaxResults: aws.Int32(2), NextToken: first.NextToken}); p.HasMorePages(); {
			out, err := p.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range out.BrokerSummaries {
				names = append(names, *b.BrokerName)
			}
		}
		if got := strings.Join(names, " "); got != "c d e" {
			t.Errorf("the rest is %s", got)
		}
		list, err := client.ListConfigurations(ctx, &mq.ListConfigurationsInput{MaxResults: aws.Int32(1)})
		if err != nil || len(list.Configurations) != 1 || *list.MaxResults != 5 || list.NextToken == nil {
			t.Errorf("%+v, %v", list, err)
		}
		var rows []types.BrokerInstanceOption
		for token := (*string)(nil); ; {
			out, err := client.DescribeBrokerInstanceOptions(ctx, &mq.DescribeBrokerInstanceOptionsInput{EngineType: aws.String("RabbitMQ"), MaxResults: aws.Int32(5), NextToken: token})
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, out.BrokerInstanceOptions...)
			if token = out.NextToken; token == nil {
				break
			}
		}
		if len(rows) != 13 || rows[0].StorageType != "ebs" || len(rows[0].AvailabilityZones) != 3 {
			t.Errorf("%d rows: %+v", len(rows), rows)
		}
		engines, err := client.DescribeBrokerEngineTypes(ctx, &mq.DescribeBrokerEngineTypesInput{})
		if err != nil || len(engines.BrokerEngineTypes) != 2 || *engines.BrokerEngineTypes[1].EngineVersions[0].Name != "4.3" {
			t.Errorf("%+v, %v", engines, err)
		}
		shared, err := client.DescribeSharedResources(ctx, &mq.DescribeSharedResourcesInput{BrokerId: ids["a"]})
		if err != nil || shared.SharedResources == nil || len(shared.SharedResources) != 0 {
			t.Errorf("%+v, %v", shared, err)
		}
	}, withMetadata)
}
