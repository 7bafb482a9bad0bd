package conformance

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"

	"millrace/cmd/runtime/app"
	"millrace/test/testenv"
)

// blamed is the kind and the member that an error of Amazon MQ names, "" for none.
func blamed(err error) string {
	if e, ok := errors.AsType[*types.BadRequestException](err); ok {
		return "400 " + aws.ToString(e.ErrorAttribute)
	}
	if e, ok := errors.AsType[*types.ConflictException](err); ok {
		return "409 " + aws.ToString(e.ErrorAttribute)
	}
	if e, ok := errors.AsType[*types.NotFoundException](err); ok {
		return "404 " + aws.ToString(e.ErrorAttribute)
	}
	if e, ok := errors.AsType[*types.ForbiddenException](err); ok {
		return "403 " + aws.ToString(e.ErrorAttribute)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func user(name, password string) types.User {
	return types.User{Username: &name, Password: &password}
}

const goodPassword = "grind-the-grain-1"

// TestRulesOfNewBrokers breaks each rule of CreateBroker.
func TestRulesOfNewBrokers(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		client := mq.NewFromConfig(env.AWS)
		tags := map[string]string{}
		for i := range 51 {
			tags[fmt.Sprint("tag", i)] = ""
		}
		for i, c := range []struct {
			rule   string
			active bool
			change func(*mq.CreateBrokerInput)
			want   string
		}{
			{"empty name", false, func(in *mq.CreateBrokerInput) { in.BrokerName = aws.String("") }, "400 brokerName"},
			{"long name", false, func(in *mq.CreateBrokerInput) { in.BrokerName = aws.String(strings.Repeat("b", 51)) }, "400 brokerName"},
			{"name with a period", false, func(in *mq.CreateBrokerInput) { in.BrokerName = aws.String("a.b") }, "400 brokerName"},
			{"name with a path", false, func(in *mq.CreateBrokerInput) { in.BrokerName = aws.String("../../etc") }, "400 brokerName"},
			{"name with a line end", false, func(in *mq.CreateBrokerInput) { in.BrokerName = aws.String("a\n") }, "400 brokerName"},
			{"name with a shell in it", false, func(in *mq.CreateBrokerInput) { in.BrokerName = aws.String("$(reboot)") }, "400 brokerName"},
			{"longest name", false, func(in *mq.CreateBrokerInput) { in.BrokerName = aws.String(strings.Repeat("b", 50)) }, ""},
			{"engine in another case", false, func(in *mq.CreateBrokerInput) { in.EngineType = "RabbitMQ" }, ""},
			{"no such engine", false, func(in *mq.CreateBrokerInput) { in.EngineType = "KAFKA" }, "400 engineType"},
			{"no such mode", false, func(in *mq.CreateBrokerInput) { in.DeploymentMode = "MANY" }, "400 deploymentMode"},
			{"active/standby of RabbitMQ", false, func(in *mq.CreateBrokerInput) { in.DeploymentMode = "ACTIVE_STANDBY_MULTI_AZ" }, "400 deploymentMode"},
			{"cluster of ActiveMQ", true, func(in *mq.CreateBrokerInput) { in.DeploymentMode = "CLUSTER_MULTI_AZ" }, "400 deploymentMode"},
			{"EFS of RabbitMQ", false, func(in *mq.CreateBrokerInput) { in.StorageType = "EFS" }, "400 storageType"},
			{"EBS of a pair", true, func(in *mq.CreateBrokerInput) {
				in.StorageType, in.DeploymentMode = "EBS", "ACTIVE_STANDBY_MULTI_AZ"
			}, "400 storageType"},
			{"EBS on t3.micro", true, func(in *mq.CreateBrokerInput) {
				in.StorageType, in.HostInstanceType = "EBS", aws.String("mq.t3.micro")
			}, "400 storageType"},
			{"no such instance type", false, func(in *mq.CreateBrokerInput) { in.HostInstanceType = aws.String("mq.t2.micro") }, "400 hostInstanceType"},
			{"m7g of ActiveMQ", true, func(in *mq.CreateBrokerInput) { in.HostInstanceType = aws.String("mq.m7g.large") }, "400 hostInstanceType"},
			{"m5 of RabbitMQ 4", false, func(in *mq.CreateBrokerInput) {
				in.HostInstanceType, in.EngineVersion = aws.String("mq.m5.large"), aws.String("4.2")
			}, "400 hostInstanceType"},
			{"t3.micro of RabbitMQ", false, func(in *mq.CreateBrokerInput) { in.HostInstanceType = aws.String("mq.t3.micro") }, ""},
			{"full version", false, func(in *mq.CreateBrokerInput) { in.EngineVersion = aws.String("3.13.7") }, "400 engineVersion"},
			{"old version", false, func(in *mq.CreateBrokerInput) { in.EngineVersion = aws.String("3.12") }, "400 engineVersion"},
			{"no version", false, func(in *mq.CreateBrokerInput) { in.EngineVersion = nil }, ""},
			{"storage size of 3.13", false, func(in *mq.CreateBrokerInput) { in.StorageSize = aws.Int32(20) }, "400 storageSize"},
			{"odd storage size", false, func(in *mq.CreateBrokerInput) {
				in.StorageSize, in.EngineVersion, in.DeploymentMode = aws.Int32(17), aws.String("4.2"), "CLUSTER_MULTI_AZ"
			}, "400 storageSize"},
			{"no minor upgrades", false, func(in *mq.CreateBrokerInput) { in.AutoMinorVersionUpgrade = aws.Bool(false) }, "400 autoMinorVersionUpgrade"},
			{"no user", false, func(in *mq.CreateBrokerInput) { in.Users = nil }, "400 users"},
			{"two users of RabbitMQ", false, func(in *mq.CreateBrokerInput) { in.Users = append(in.Users, user("second", goodPassword)) }, "400 users"},
			{"two users of ActiveMQ", true, func(in *mq.CreateBrokerInput) { in.Users = append(in.Users, user("second", goodPassword)) }, ""},
			{"a user twice", true, func(in *mq.CreateBrokerInput) { in.Users = append(in.Users, in.Users[0]) }, "400 users"},
			{"no user of ActiveMQ", true, func(in *mq.CreateBrokerInput) { in.Users = nil }, "400 users"},
			{"guest", false, func(in *mq.CreateBrokerInput) { in.Users[0] = user("guest", goodPassword) }, "400 username"},
			{"guest of ActiveMQ", true, func(in *mq.CreateBrokerInput) { in.Users[0] = user("guest", goodPassword) }, ""},
			{"user with a tilde", false, func(in *mq.CreateBrokerInput) { in.Users[0] = user("a~b", goodPassword) }, "400 username"},
			{"ActiveMQ user with a tilde", true, func(in *mq.CreateBrokerInput) { in.Users[0] = user("a~b", goodPassword) }, ""},
			{"short user", false, func(in *mq.CreateBrokerInput) { in.Users[0] = user("a", goodPassword) }, "400 username"},
			{"long user", false, func(in *mq.CreateBrokerInput) { in.Users[0] = user(strings.Repeat("a", 101), goodPassword) }, "400 username"},
			{"user with an Erlang term", false, func(in *mq.CreateBrokerInput) { in.Users[0] = user(`a"}]}.`, goodPassword) }, "400 username"},
			{"short password", false, func(in *mq.CreateBrokerInput) { in.Users[0] = user("miller", "abcdefghijk") }, "400 password"},
			{"long password", false, func(in *mq.CreateBrokerInput) { in.Users[0] = user("miller", strings.Repeat("abcde", 51)) }, "400 password"},
			{"longest password", false, func(in *mq.CreateBrokerInput) { in.Users[0] = user("miller", strings.Repeat("abcde", 50)) }, ""},
			{"password of three characters", false, func(in *mq.CreateBrokerInput) { in.Users[0] = user("miller", "abcabcabcabc") }, "400 password"},
			{"password with a comma", false, func(in *mq.CreateBrokerInput) { in.Users[0] = user("miller", "abcdefghijk,") }, "400 password"},
			{"password with a colon", false, func(in *mq.CreateBrokerInput) { in.Users[0] = user("miller", "abcdefghijk:") }, "400 password"},
			{"password with an equals sign", false, func(in *mq.CreateBrokerInput) { in.Users[0] = user("miller", "abcdefghijk=") }, "400 password"},
			{"password with a line end", false, func(in *mq.CreateBrokerInput) { in.Users[0] = user("miller", "abcdefghijkl\n") }, "400 password"},
			{"password with quotes", false, func(in *mq.CreateBrokerInput) { in.Users[0] = user("miller", `abc"def'ghi\jkl`) }, ""},
			{"too many groups", true, func(in *mq.CreateBrokerInput) { in.Users[0].Groups = make([]string, 21) }, "400 groups"},
			{"strange group", true, func(in *mq.CreateBrokerInput) { in.Users[0].Groups = []string{"a,b"} }, "400 groups"},
			{"replication and console", true, func(in *mq.CreateBrokerInput) {
				in.Users[0].ConsoleAccess, in.Users[0].ReplicationUser = aws.Bool(true), aws.Bool(true)
			}, "400 "},
			{"audit of RabbitMQ", false, func(in *mq.CreateBrokerInput) { in.Logs = &types.Logs{Audit: aws.Bool(false)} }, "400 logs.audit"},
			{"LDAP of RabbitMQ", false, func(in *mq.CreateBrokerInput) { in.AuthenticationStrategy = "LDAP" }, "400 authenticationStrategy"},
			{"CONFIG_MANAGED without a configuration", false, func(in *mq.CreateBrokerInput) { in.AuthenticationStrategy = "CONFIG_MANAGED" }, "400 authenticationStrategy"},
			{"LDAP without a directory", true, func(in *mq.CreateBrokerInput) { in.AuthenticationStrategy = "LDAP" }, "400 ldapServerMetadata"},
			{"LDAP host with a port", true, func(in *mq.CreateBrokerInput) {
				in.AuthenticationStrategy, in.LdapServerMetadata = "LDAP", directory("ldap.example.com:389")
			}, "400 ldapServerMetadata.hosts"},
			{"three LDAP hosts", true, func(in *mq.CreateBrokerInput) {
				in.AuthenticationStrategy, in.LdapServerMetadata = "LDAP", directory("a.example.com", "b.example.com", "c.example.com")
			}, "400 ldapServerMetadata.hosts"},
			{"long LDAP password", true, func(in *mq.CreateBrokerInput) {
				in.AuthenticationStrategy, in.LdapServerMetadata = "LDAP", directory("a.example.com")
				in.LdapServerMetadata.ServiceAccountPassword = aws.String(strings.Repeat("p", 129))
			}, "400 ldapServerMetadata.serviceAccountPassword"},
			{"LDAP", true, func(in *mq.CreateBrokerInput) {
				in.AuthenticationStrategy, in.LdapServerMetadata, in.Users = "ldap", directory("a.example.com"), nil
			}, ""},
			{"two subnets of one instance", true, func(in *mq.CreateBrokerInput) { in.SubnetIds = []string{"subnet-1", "subnet-2"} }, "400 subnetIds"},
			{"one subnet of a pair", true, func(in *mq.CreateBrokerInput) {
				in.SubnetIds, in.DeploymentMode = []string{"subnet-1"}, "ACTIVE_STANDBY_MULTI_AZ"
			}, "400 subnetIds"},
			{"a subnet twice", true, func(in *mq.CreateBrokerInput) {
				in.SubnetIds, in.DeploymentMode = []string{"subnet-1", "subnet-1"}, "ACTIVE_STANDBY_MULTI_AZ"
			}, "400 subnetIds"},
			{"six security groups", true, func(in *mq.CreateBrokerInput) {
				in.SecurityGroups = []string{"sg-1", "sg-2", "sg-3", "sg-4", "sg-5", "sg-6"}
			}, "400 securityGroups"},
			{"a group of public RabbitMQ", false, func(in *mq.CreateBrokerInput) { in.SecurityGroups = []string{"sg-1"} }, "400 securityGroups"},
			{"51 tags", false, func(in *mq.CreateBrokerInput) { in.Tags = tags }, "400 tags"},
			{"AWS's tags", false, func(in *mq.CreateBrokerInput) { in.Tags = map[string]string{"aws:x": ""} }, "400 tags"},
			{"our tags", false, func(in *mq.CreateBrokerInput) { in.Tags = map[string]string{"millrace:engine": "x"} }, "400 tags"},
			{"replica of nothing", true, func(in *mq.CreateBrokerInput) { in.DataReplicationMode = "CRDR" }, "400 dataReplicationPrimaryBrokerArn"},
			{"replica", true, func(in *mq.CreateBrokerInput) {
				in.DataReplicationMode, in.DataReplicationPrimaryBrokerArn = "CRDR", aws.String("arn:aws:mq:us-east-2:000000000000:broker:a:b-1")
			}, "400 dataReplicationMode"},
			{"strange day", false, func(in *mq.CreateBrokerInput) {
				in.MaintenanceWindowStartTime = &types.WeeklyStartTime{DayOfWeek: "SOMEDAY", TimeOfDay: aws.String("02:00")}
			}, "400 maintenanceWindowStartTime"},
			{"owned and named key", false, func(in *mq.CreateBrokerInput) {
				in.EncryptionOptions = &types.EncryptionOptions{UseAwsOwnedKey: aws.Bool(true), KmsKeyId: aws.String("k")}
			}, "400 encryptionOptions.kmsKeyId"},
			{"no such key", false, func(in *mq.CreateBrokerInput) {
				in.EncryptionOptions = &types.EncryptionOptions{UseAwsOwnedKey: aws.Bool(false), KmsKeyId: aws.String("alias/none")}
			}, "400 encryptionOptions"},
			{"the account's key", false, func(in *mq.CreateBrokerInput) {
				in.EncryptionOptions = &types.EncryptionOptions{UseAwsOwnedKey: aws.Bool(false)}
			}, ""},
			{"no such configuration", false, func(in *mq.CreateBrokerInput) { in.Configuration = &types.ConfigurationId{Id: aws.String("c-1")} }, "404 configuration_id"},
		} {
			in := rabbitInput(fmt.Sprint("mill-", i))
			if c.active {
				in = activeInput(fmt.Sprint("mill-", i))
			}
			c.change(in)
			out, err := client.CreateBroker(t.Context(), in)
			if got := blamed(err); got != c.want {
				t.Errorf("%s: %q, want %q (%v)", c.rule, got, c.want, err)
			}
			if err == nil { // make room
				_, _ = client.DeleteBroker(t.Context(), &mq.DeleteBrokerInput{BrokerId: out.BrokerId})
			}
			if err != nil && strings.Contains(err.Error(), goodPassword) {
				t.Errorf("%s tells the password: %v", c.rule, err)
			}
		}
	}, withMetadata)
}

func directory(hosts ...string) *types.LdapServerMetadataInput {
	return &types.LdapServerMetadataInput{Hosts: hosts, RoleBase: aws.String("ou=r"), RoleSearchMatching: aws.String("(m={0})"),
		ServiceAccountUsername: aws.String("cn=a"), ServiceAccountPassword: aws.String("secret"), UserBase: aws.String("ou=u"), UserSearchMatching: aws.String("(u={0})")}
}

// TestRulesOfUpdates breaks each rule of UpdateBroker and the calls for users.
func TestRulesOfUpdates(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ctx := t.Context()
		in := rabbitInput("rabbit")
		in.HostInstanceType = aws.String("mq.m5.large")
		rabbit, active := createBroker(t, env, in), createBroker(t, env, activeInput("active"))
		rabbit.await(types.BrokerStateRunning)
		active.await(types.BrokerStateRunning)
		shares := make([]string, 11)
		for i := range shares {
			shares[i] = "arn:aws:ram:us-east-1:000000000000:resource-share/s"
		}
		for _, c := range []struct {
			rule string
			b    brokerClient
			in   mq.UpdateBrokerInput
			want string
		}{
			{"skipped version", rabbit, mq.UpdateBrokerInput{EngineVersion: aws.String("4.3")}, "400 engineVersion"},
			{"version 4 on m5", rabbit, mq.UpdateBrokerInput{EngineVersion: aws.String("4.2")}, "400 engineVersion"},
			{"down to micro", rabbit, mq.UpdateBrokerInput{HostInstanceType: aws.String("mq.t3.micro")}, "400 hostInstanceType"},
			{"groups of RabbitMQ", rabbit, mq.UpdateBrokerInput{SecurityGroups: []string{"sg-1"}}, "400 securityGroups"},
			{"audit of RabbitMQ", rabbit, mq.UpdateBrokerInput{Logs: &types.Logs{Audit: aws.Bool(false)}}, "400 logs.audit"},
			{"directory of RabbitMQ", rabbit, mq.UpdateBrokerInput{LdapServerMetadata: directory("a.example.com")}, "400 ldapServerMetadata"},
			{"no minor upgrades", rabbit, mq.UpdateBrokerInput{AutoMinorVersionUpgrade: aws.Bool(false)}, "400 autoMinorVersionUpgrade"},
			{"replication", active, mq.UpdateBrokerInput{DataReplicationMode: "CRDR"}, "400 dataReplicationPrimaryBrokerArn"},
			{"no groups", active, mq.UpdateBrokerInput{SecurityGroups: []string{}}, "400 securityGroups"},
			{"storage size", active, mq.UpdateBrokerInput{StorageSize: aws.Int32(200)}, "400 storageSize"},
			{"shares of ActiveMQ", active, mq.UpdateBrokerInput{ResourceShareArns: shares[:1]}, "400 resourceShareArns"},
			{"eleven shares", rabbit, mq.UpdateBrokerInput{ResourceShareArns: shares}, "400 resourceShareArns"},
			{"a share of another account", rabbit, mq.UpdateBrokerInput{ResourceShareArns: []string{"arn:aws:ram:us-east-1:111111111111:resource-share/s"}}, "400 resourceShareArns"},
			{"no such share", rabbit, mq.UpdateBrokerInput{ResourceShareArns: shares[:1]}, "400 resourceShareArns"},
			{"no shares", rabbit, mq.UpdateBrokerInput{ResourceShareArns: []string{}}, ""},
			{"no such configuration", rabbit, mq.UpdateBrokerInput{Configuration: &types.ConfigurationId{Id: aws.String("c-1")}}, "404 configuration_id"},
			{"another engine's configuration", rabbit, mq.UpdateBrokerInput{Configuration: &types.ConfigurationId{Id: active.describe().Configurations.Current.Id}}, "400 configuration"},
			{"no such revision", active, mq.UpdateBrokerInput{Configuration: &types.ConfigurationId{Id: active.describe().Configurations.Current.Id, Revision: aws.Int32(2)}}, "404 configuration_revision"},
		} {
			c.in.BrokerId = c.b.id
			_, err := c.b.UpdateBroker(ctx, &c.in)
			if got := blamed(err); got != c.want {
				t.Errorf("%s: %q, want %q (%v)", c.rule, got, c.want, err)
			}
			if e, ok := errors.AsType[*types.BadRequestException](err); ok && c.rule == "no such share" && (len(e.ResourceShareErrors) != 1 || *e.ResourceShareErrors[0].ErrorCode != "SHARE_NOT_FOUND") {
				t.Errorf("errors of shares: %+v", e.ResourceShareErrors)
			}
		}
		for what, err := range map[string]error{
			"400 ":             second(rabbit.CreateUser(ctx, &mq.CreateUserInput{BrokerId: rabbit.id, Username: aws.String("ada"), Password: aws.String(goodPassword)})),
			"409 username":     second(active.CreateUser(ctx, &mq.CreateUserInput{BrokerId: active.id, Username: aws.String("miller"), Password: aws.String(goodPassword)})),
			"404 username":     second(active.DeleteUser(ctx, &mq.DeleteUserInput{BrokerId: active.id, Username: aws.String("nobody")})),
			"400 password":     second(active.UpdateUser(ctx, &mq.UpdateUserInput{BrokerId: active.id, Username: aws.String("miller"), Password: aws.String("short")})),
			"409 brokerName":   second(active.CreateBroker(ctx, activeInput("rabbit"))),
			"403 ":             second(active.ListTags(ctx, &mq.ListTagsInput{ResourceArn: aws.String("arn:aws:mq:us-east-1:111111111111:broker:a:" + *active.id)})),
			"404 resource-arn": second(active.ListTags(ctx, &mq.ListTagsInput{ResourceArn: aws.String("arn:aws:mq:us-east-1:000000000000:broker:other:" + *active.id)})),
			"400 tagKeys":      second(active.DeleteTags(ctx, &mq.DeleteTagsInput{ResourceArn: active.describe().BrokerArn, TagKeys: []string{"millrace:engine"}})),
			"400 nextToken":    second(active.ListBrokers(ctx, &mq.ListBrokersInput{NextToken: aws.String("%")})),
			"400 maxResults":   second(active.ListBrokers(ctx, &mq.ListBrokersInput{MaxResults: aws.Int32(101)})),
			"400 mode":         second(active.Promote(ctx, &mq.PromoteInput{BrokerId: active.id, Mode: "SIDEWAYS"})),
		} {
			if got := blamed(err); got != what {
				t.Errorf("%q, want %q (%v)", got, what, err)
			}
		}
		if _, err := active.Promote(ctx, &mq.PromoteInput{BrokerId: active.id, Mode: "SWITCHOVER"}); blamed(err) != "400 broker-id" {
			t.Error(err)
		}
	}, withMetadata)
}

func second[T any](_ T, err error) error { return err }

// The same creatorRequestId is the same broker, or nothing.
func TestCreatorRequestID(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		in := rabbitInput("mill")
		in.CreatorRequestId = aws.String("token")
		b := createBroker(t, env, in)
		if again := createBroker(t, env, in); *again.id != *b.id {
			t.Errorf("made %s and %s", *b.id, *again.id)
		}
		in.HostInstanceType = aws.String("mq.m7g.xlarge")
		if _, err := b.CreateBroker(t.Context(), in); blamed(err) != "409 creatorRequestId" {
			t.Error(err)
		}
		in.CreatorRequestId = nil
		if _, err := b.CreateBroker(t.Context(), in); blamed(err) != "409 brokerName" {
			t.Error(err)
		}
	}, withMetadata)
}

// A broker under a key that is disabled requires action when it reboots, cannot be
// rebooted, and heals when the key is back.
func TestKeyOfABroker(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ctx, keys := t.Context(), kms.NewFromConfig(env.AWS)
		key, err := keys.CreateKey(ctx, &kms.CreateKeyInput{})
		if err != nil {
			t.Fatal(err)
		}
		in := rabbitInput("mill")
		in.EncryptionOptions = &types.EncryptionOptions{UseAwsOwnedKey: aws.Bool(false), KmsKeyId: key.KeyMetadata.KeyId}
		b := createBroker(t, env, in)
		b.await(types.BrokerStateRunning)
		if _, err := keys.DisableKey(ctx, &kms.DisableKeyInput{KeyId: key.KeyMetadata.KeyId}); err != nil {
			t.Fatal(err)
		}
		if out := b.await(types.BrokerStateCriticalActionRequired); *out.ActionsRequired[0].ActionRequiredCode != "RABBITMQ_INVALID_KMS_KEY" {
			t.Errorf("%+v", out.ActionsRequired)
		}
		if _, err := b.RebootBroker(ctx, &mq.RebootBrokerInput{BrokerId: b.id}); blamed(err) != "400 broker-id" {
			t.Error(err)
		}
		if _, err := keys.EnableKey(ctx, &kms.EnableKeyInput{KeyId: key.KeyMetadata.KeyId}); err != nil {
			t.Fatal(err)
		}
		b.await(types.BrokerStateRunning)
	}, withMetadata)
}

// The switches: calls for users that reach RabbitMQ, and no brokers that Amazon stopped
// making.
func TestSwitchesOfAmazonMQ(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ctx, b := t.Context(), createBroker(t, env, rabbitInput("mill"))
		b.await(types.BrokerStateRunning)
		if _, err := b.CreateUser(ctx, &mq.CreateUserInput{BrokerId: b.id, Username: aws.String("ada"), Password: aws.String(goodPassword)}); err != nil {
			t.Error(err)
		}
		if _, err := b.DeleteUser(ctx, &mq.DeleteUserInput{BrokerId: b.id, Username: aws.String("ada")}); err != nil {
			t.Error(err)
		}
		in := rabbitInput("small")
		in.HostInstanceType = aws.String("mq.t3.micro")
		if _, err := b.CreateBroker(ctx, in); blamed(err) != "400 hostInstanceType" {
			t.Error(err)
		}
	}, withMetadata, func(c *app.Config) { c.MQ.Strict, c.MQ.LiveUsers = true, true })
}
