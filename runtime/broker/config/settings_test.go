package config

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"millrace/runtime/broker/catalog"
)

func TestFits(t *testing.T) {
	for _, c := range []struct {
		text, version, instance string
		mode                    catalog.Mode
		want                    string // "" for none
	}{
		{"cluster_queue_limit = 10000", v4, "mq.m7g.large", catalog.Cluster, ""},
		{"cluster_queue_limit = 10001", v4, "mq.m7g.large", catalog.Cluster,
			"Configuration Revision 3 for configuration:cluster_queue_limit has limit: of value: 10001 larger than maximum allowed limit:10000"},
		{"cluster_queue_limit = 10001", v4, "mq.m7g.large", catalog.SingleInstance, ""},
		{"{{m7g.large.3}}\ncluster_queue_limit = 10001\n{{m7g.large.3}}", v4, "mq.m7g.xlarge", catalog.Cluster, ""},
		{"cluster_queue_limit = 999999\n{{m7g.large.3}}\ncluster_queue_limit = 1\n{{m7g.large.3}}", v4, "mq.m7g.large", catalog.Cluster, ""},
		{"max_message_size = 134217729", v4, "mq.m7g.large", catalog.Cluster,
			"Configuration Revision 3 for configuration:max_message_size has limit: of value: 134217729 larger than maximum allowed limit:134217728"},
		{"connection_max = 1", v3, "mq.m7g.large", catalog.Cluster, "Configuration key [connection_max] on line 1 is not supported on RabbitMQ 3.13."},
		{string(defaultRabbitMQ), v3, "mq.t3.micro", catalog.SingleInstance, ""},
	} {
		got := ""
		if err := Fits(3, []byte(c.text), c.version, c.instance, c.mode); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s on %s, %s: %s, want %s", c.text, c.instance, c.mode, got, c.want)
		}
	}
}

// Each limit can be set to what the catalogue allows, and no higher, and reaches the
// field that it is called after.
func TestLimits(t *testing.T) {
	const instance = "mq.m7g.medium"
	most, _ := catalog.Maxima(instance, catalog.Cluster)
	for key, field := range map[string]func(catalog.Limits) int{
		keyConnections: func(l catalog.Limits) int { return l.Connections },
		keyChannels:    func(l catalog.Limits) int { return l.Channels },
		keyConsumers:   func(l catalog.Limits) int { return l.ConsumersPerChannel },
		keyQueues:      func(l catalog.Limits) int { return l.Queues },
		keyExchanges:   func(l catalog.Limits) int { return l.Exchanges },
		keyHosts:       func(l catalog.Limits) int { return l.VirtualHosts },
		keyShovels:     func(l catalog.Limits) int { return l.Shovels },
		keyMessageSize: func(l catalog.Limits) int { return l.MessageSize },
	} {
		over := []byte(Setting{Key: key, Value: strconv.Itoa(field(most) + 1)}.Line())
		refusedLimit := Fits(1, over, v4, instance, catalog.Cluster)
		exactly := []byte(Setting{Key: key, Value: strconv.Itoa(field(most))}.Line())
		if err := Fits(1, exactly, v4, instance, catalog.Cluster); err != nil || refusedLimit == nil {
			t.Errorf("%s: %v, and one more: %v", key, err, refusedLimit)
		}
		settings, err := Effective(exactly, v4, instance, catalog.Cluster)
		got := settings.Limits(v4, instance, catalog.Cluster)
		want, _ := catalog.Defaults(v4, instance, catalog.Cluster)
		*limit(&want, key) = field(most)
		if err != nil || got != want {
			t.Errorf("%s gives %v, %v, want %v", key, got, err, want)
		}
	}
}

func TestOutside(t *testing.T) {
	for _, c := range []struct {
		text  string
		needs []string
		want  catalog.Strategy
	}{
		{"heartbeat = 60", nil, catalog.Simple},
		{"auth_backends.1 = internal", nil, catalog.Simple},
		{"auth_backends.1 = oauth2\nauth_backends.2 = internal", []string{"oauth2"}, catalog.ConfigManaged},
		{"auth_backends.1 = rabbit_auth_backend_oauth2", []string{"oauth2"}, catalog.ConfigManaged},
		{overTLS + "auth_backends.1 = ldap", []string{"ldap"}, catalog.ConfigManaged},
		{"auth_backends.1.authn = internal\nauth_backends.1.authz = http", []string{"http"}, catalog.ConfigManaged},
		{"auth_backends.1 = cache\nauth_cache.cached_backend = http", []string{"http"}, catalog.ConfigManaged},
		{"auth_mechanisms.1 = PLAIN", nil, catalog.Simple},
		{"auth_mechanisms.1 = EXTERNAL", []string{"ssl"}, catalog.ConfigManaged},
		{"ssl_options.verify = verify_peer\n" + theRole, []string{"ssl", "aws.arns"}, catalog.Simple},
		{"management.oauth_enabled = true", []string{"oauth2"}, catalog.Simple},
		{"management.oauth_enabled = false", nil, catalog.Simple},
		{"auth_backends.1 = ldap\nauth_backends.1 = internal", nil, catalog.Simple},
	} {
		settings, err := Effective([]byte(c.text), v4, "mq.m7g.large", catalog.SingleInstance)
		if got := settings.Outside(); err != nil || !slices.Equal(got, c.needs) {
			t.Errorf("%s needs %v, %v, want %v", c.text, got, err, c.needs)
		}
		if got := settings.Strategy(); got != c.want {
			t.Errorf("%s is %s, want %s", c.text, got, c.want)
		}
	}
}

func TestWithin(t *testing.T) {
	for text, key := range map[string]string{
		theRole + "aws.arns.ssl_options.cacertfile = " + aFile + "\nheartbeat = 60":                                   "",
		theRole + "aws.arns.auth_ldap.other_bind.password = " + aSecret:                                               "",
		theRole + "aws.arns.auth_ldap.other_bind.password = " + strings.ReplaceAll(aSecret, "us-east-1", "eu-west-1"): "aws.arns.auth_ldap.other_bind.password",
		strings.ReplaceAll(theRole, "123456789012", "210987654321"):                                                   keyRole,
	} {
		settings, err := Effective([]byte(text), v4, "mq.m7g.large", catalog.Cluster)
		if err != nil {
			t.Fatal(err)
		}
		if err := settings.Within("123456789012", "us-east-1"); key != "" {
			refusedFor(t, err, key)
		} else if err != nil {
			t.Error(err)
		}
	}
}

// The configurations that Amazon MQ's tutorials build, one of each way to know users,
// with the strategy that brokers with them then show.
func TestTutorials(t *testing.T) {
	for _, c := range []struct {
		file     string
		versions []string
		needs    []string
		want     catalog.Strategy
	}{
		{"oauth2.conf", []string{v3, v4}, []string{"oauth2"}, catalog.ConfigManaged},
		{"iam.conf", []string{v3, v4}, []string{"oauth2"}, catalog.ConfigManaged},
		{"ldap.conf", []string{v3, v4}, []string{"ldap", "aws.arns"}, catalog.ConfigManaged},
		{"http.conf", []string{v4}, []string{"http", "aws.arns"}, catalog.ConfigManaged},
		{"certificates.conf", []string{v4}, []string{"ssl", "aws.arns"}, catalog.ConfigManaged},
		{"mtls.conf", []string{v4}, []string{"ssl", "aws.arns"}, catalog.Simple},
		{"limits.conf", []string{v4}, nil, catalog.Simple},
	} {
		data, err := os.ReadFile("testdata/" + c.file)
		if err != nil {
			t.Fatal(err)
		}
		for _, version := range []string{v3, v4} {
			if err := check(version, string(data)); (err == nil) != slices.Contains(c.versions, version) {
				t.Errorf("%s on %s: %v", c.file, version, err)
			}
		}
		settings, err := Effective(data, v4, "mq.m7g.large", catalog.Cluster)
		if err != nil || settings.Strategy() != c.want || !slices.Equal(settings.Outside(), c.needs) {
			t.Errorf("%s is %s and needs %v, %v", c.file, settings.Strategy(), settings.Outside(), err)
		}
	}
}

func TestDescription(t *testing.T) {
	if got := Description(active, "x-configuration"); got != "Auto-generated default for x-configuration on ActiveMQ 5.18" {
		t.Error(got)
	}
}
