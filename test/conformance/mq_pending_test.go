package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"

	"millrace/test/testenv"
)

func (b brokerClient) update(in mq.UpdateBrokerInput) *mq.UpdateBrokerOutput {
	b.t.Helper()
	in.BrokerId = b.id
	out, err := b.UpdateBroker(b.t.Context(), &in)
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// reboot reboots the broker and waits until it runs again.
func (b brokerClient) reboot() *mq.DescribeBrokerOutput {
	b.t.Helper()
	if _, err := b.RebootBroker(b.t.Context(), &mq.RebootBrokerInput{BrokerId: b.id}); err != nil {
		b.t.Fatal(err)
	}
	return b.await(types.BrokerStateRunning)
}

// changed is what of a broker waits for a reboot, beside what it is.
func changed(out *mq.DescribeBrokerOutput) string {
	text := func(v any) string { b, _ := json.Marshal(v); return string(b) }
	s := fmt.Sprintf("version %s → %s; instance %s → %s; general %v → %s; groups %v → %v; strategy %s → %s",
		*out.EngineVersion, aws.ToString(out.PendingEngineVersion), *out.HostInstanceType, aws.ToString(out.PendingHostInstanceType),
		*out.Logs.General, text(out.Logs.Pending), out.SecurityGroups, out.PendingSecurityGroups, out.AuthenticationStrategy, out.PendingAuthenticationStrategy)
	for _, u := range out.Users {
		s += "; user " + *u.Username + " " + string(u.PendingChange)
	}
	return s
}

// What is asked of a RabbitMQ broker takes effect when it is rebooted.
func TestPendingChangesOfRabbitMQ(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		in := rabbitInput("mill")
		in.DeploymentMode = types.DeploymentModeClusterMultiAz
		b := createBroker(t, env, in)
		first := b.await(types.BrokerStateRunning).Configurations
		if first.Current == nil || first.Pending != nil || len(first.History) != 0 || *first.Current.Revision != 1 {
			t.Fatalf("%+v", first)
		}
		conf, err := b.UpdateConfiguration(t.Context(), &mq.UpdateConfigurationInput{ConfigurationId: first.Current.Id, Data: aws.String("Y29uc3VtZXJfdGltZW91dCA9IDYwMDAwCg==")})
		if err != nil || *conf.LatestRevision.Revision != 2 || len(conf.Warnings) != 0 {
			t.Fatal(conf, err)
		}
		b.update(mq.UpdateBrokerInput{
			EngineVersion: aws.String("4.2"), HostInstanceType: aws.String("mq.m7g.xlarge"), Logs: &types.Logs{General: aws.Bool(true)},
			Configuration: &types.ConfigurationId{Id: first.Current.Id},
		})
		out := b.describe()
		if got, want := changed(out), `version 3.13.7 → 4.2.1; instance mq.m7g.large → mq.m7g.xlarge; general false → {"Audit":null,"General":true}; groups [] → []; strategy simple → `; got != want {
			t.Errorf("pending:\n got %s\nwant %s", got, want)
		}
		if p := out.Configurations.Pending; p == nil || *p.Revision != 2 {
			t.Errorf("pending configuration: %+v", out.Configurations)
		}
		b.update(mq.UpdateBrokerInput{HostInstanceType: aws.String("mq.m7g.large")}) // as it is: clears what was pending
		out = b.reboot()
		if got, want := changed(out), `version 4.2.1 → ; instance mq.m7g.large → ; general true → null; groups [] → []; strategy simple → `; got != want {
			t.Errorf("after the reboot:\n got %s\nwant %s", got, want)
		}
		if c := out.Configurations; *c.Current.Revision != 2 || c.Pending != nil || len(c.History) != 1 || *c.History[0].Revision != 1 {
			t.Errorf("configurations after the reboot: %+v", c)
		}
		b.update(mq.UpdateBrokerInput{StorageSize: aws.Int32(30)})
		if out := b.describe(); *out.StorageSize != 15 || *out.PendingStorageSize != 30 {
			t.Errorf("storage %v, pending %v", out.StorageSize, out.PendingStorageSize)
		}
		if out := b.reboot(); *out.StorageSize != 30 || out.PendingStorageSize != nil {
			t.Errorf("storage after the reboot: %v, pending %v", out.StorageSize, out.PendingStorageSize)
		}
	}, withMetadata)
}

// The same of ActiveMQ, whose users are the API's.
func TestPendingChangesOfActiveMQ(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ctx := t.Context()
		in := activeInput("mill")
		in.Users = append(in.Users, types.User{Username: aws.String("sifter"), Password: aws.String("grind-the-grain-2"), Groups: []string{"flour"}})
		b := createBroker(t, env, in)
		b.await(types.BrokerStateRunning)
		must := func(_ any, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(b.CreateUser(ctx, &mq.CreateUserInput{BrokerId: b.id, Username: aws.String("carter"), Password: aws.String("grind-the-grain-3"), ConsoleAccess: aws.Bool(true)}))
		must(b.UpdateUser(ctx, &mq.UpdateUserInput{BrokerId: b.id, Username: aws.String("miller"), Groups: []string{"stones"}}))
		must(b.DeleteUser(ctx, &mq.DeleteUserInput{BrokerId: b.id, Username: aws.String("sifter")}))
		b.update(mq.UpdateBrokerInput{
			EngineVersion: aws.String("5.19"), SecurityGroups: []string{"sg-1234"}, Logs: &types.Logs{Audit: aws.Bool(true)}, AuthenticationStrategy: types.AuthenticationStrategyLdap,
			LdapServerMetadata: &types.LdapServerMetadataInput{Hosts: []string{"ldap.example.com"}, RoleBase: aws.String("ou=r"), RoleSearchMatching: aws.String("(m={0})"),
				ServiceAccountUsername: aws.String("cn=a"), ServiceAccountPassword: aws.String("secret"), UserBase: aws.String("ou=u"), UserSearchMatching: aws.String("(u={0})")},
		})
		out := b.describe()
		want := `version 5.18.4 → 5.19.1; instance mq.m5.large → ; general false → {"Audit":true,"General":false}; groups [` + out.SecurityGroups[0] + `] → [sg-1234]; strategy simple → ldap; user carter CREATE; user miller UPDATE; user sifter DELETE`
		if got := changed(out); got != want {
			t.Errorf("pending:\n got %s\nwant %s", got, want)
		}
		if out.PendingLdapServerMetadata == nil || out.LdapServerMetadata != nil {
			t.Errorf("directory %v, pending %v", out.LdapServerMetadata, out.PendingLdapServerMetadata)
		}
		u, err := b.DescribeUser(ctx, &mq.DescribeUserInput{BrokerId: b.id, Username: aws.String("miller")})
		if err != nil || len(u.Groups) != 0 || u.Pending == nil || u.Pending.Groups[0] != "stones" || u.Pending.PendingChange != "UPDATE" {
			t.Errorf("%+v, %v", u, err)
		}
		out = b.reboot()
		if got, want := changed(out), `version 5.19.1 → ; instance mq.m5.large → ; general false → null; groups [sg-1234] → []; strategy ldap → ; user carter ; user miller `; got != want {
			t.Errorf("after the reboot:\n got %s\nwant %s", got, want)
		}
		u, err = b.DescribeUser(ctx, &mq.DescribeUserInput{BrokerId: b.id, Username: aws.String("miller")})
		if err != nil || u.Groups[0] != "stones" || u.Pending != nil {
			t.Errorf("%+v, %v", u, err)
		}
	}, withMetadata)
}

// What is pending takes effect in the maintenance window too, which runs by the clock and
// when it is asked for; it may be moved four times before it opens.
func TestMaintenanceWindows(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		in := rabbitInput("mill") // the bubble begins on Saturday 2000-01-01 at midnight UTC
		in.MaintenanceWindowStartTime = &types.WeeklyStartTime{DayOfWeek: "sunday", TimeOfDay: aws.String("06:30"), TimeZone: aws.String("Asia/Tokyo")}
		b := createBroker(t, env, in)
		b.await(types.BrokerStateRunning)
		b.update(mq.UpdateBrokerInput{HostInstanceType: aws.String("mq.m7g.xlarge")})
		opens := time.Date(2000, 1, 1, 21, 30, 0, 0, time.UTC)
		time.Sleep(time.Until(opens) - time.Second)
		if out := b.describe(); *out.HostInstanceType != "mq.m7g.large" || out.BrokerState != "RUNNING" {
			t.Errorf("before the window: %s, %s", *out.HostInstanceType, out.BrokerState)
		}
		time.Sleep(2 * time.Second)
		if out := b.await(types.BrokerStateRunning); *out.HostInstanceType != "mq.m7g.xlarge" {
			t.Errorf("after the window: %s", *out.HostInstanceType)
		}
		move := func(day types.DayOfWeek) error {
			_, err := b.UpdateBroker(t.Context(), &mq.UpdateBrokerInput{BrokerId: b.id, MaintenanceWindowStartTime: &types.WeeklyStartTime{DayOfWeek: day, TimeOfDay: aws.String("02:00")}})
			return err
		}
		for _, day := range []types.DayOfWeek{"MONDAY", "TUESDAY", "WEDNESDAY", "SUNDAY"} {
			if err := move(day); err != nil {
				t.Error(err)
			}
		}
		if err := move("FRIDAY"); err == nil || !strings.Contains(err.Error(), "BadRequestException") {
			t.Errorf("a fifth move: %v", err)
		}
		time.Sleep(5 * time.Hour) // Sunday, 02:00, is over
		if err := move("FRIDAY"); err != nil {
			t.Errorf("a move after the window: %v", err)
		}

		post := func(id string) (int, string) {
			t.Helper()
			return askBroker(t, env, "POST", id+"/maintenance-window", "")
		}
		if status, body := post(*b.id); status != 200 || body != `{"reboots":false}` {
			t.Errorf("a window with nothing pending: %d %s", status, body)
		}
		b.update(mq.UpdateBrokerInput{HostInstanceType: aws.String("mq.m7g.2xlarge")})
		if status, body := post(*b.id); status != 200 || body != `{"reboots":true}` {
			t.Errorf("a window on demand: %d %s", status, body)
		}
		if out := b.await(types.BrokerStateRunning); *out.HostInstanceType != "mq.m7g.2xlarge" {
			t.Errorf("after the window on demand: %s", *out.HostInstanceType)
		}
		if status, _ := post("b-none"); status != 404 {
			t.Errorf("a window of no broker: %d", status)
		}
	}, withMetadata)
}
