package config

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"millrace/runtime/broker/catalog"
	"millrace/runtime/fault"
)

const (
	v3, v4   = "3.13", "4.2"
	roleARN  = "arn:aws:iam::123456789012:role/mq"
	theRole  = "aws.arns.assume_role_arn = " + roleARN + "\n"
	overTLS  = "auth_ldap.use_ssl = true\n"
	aFile    = "arn:aws:s3:::bucket/ca.pem"
	aSecret  = "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-AbCdEf"
	anIssuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_x"
)

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		key   string
		good  []string
		bad   []string
		since string // v3 or v4
		with  string // what it needs beside itself
	}{
		{key: "consumer_timeout", since: v3, good: []string{"0", "1800000", "2147483647"}, bad: []string{"-1", "2147483648", "x", "1.5", "010", "1e3", "0x1", "infinity"}},
		{key: "heartbeat", since: v3, good: []string{"60", "3600"}, bad: []string{"59", "3601", "0"}},
		{key: "management.restrictions.operator_policy_changes.disabled", since: v3, good: []string{"true", "false"}, bad: []string{"True", "yes", "1"}},
		{key: "quorum_queue.property_equivalence.relaxed_checks_on_redeclaration", since: v3, good: []string{"true"}, bad: []string{"on"}},
		{key: "secure.management.http.headers.enabled", since: v3, good: []string{"false"}, bad: []string{"off"}},
		{key: "connection_max", since: v4, good: []string{"1", "500"}, bad: []string{"0", "-1", "infinity"}},
		{key: "channel_max_per_node", since: v4, good: []string{"1"}, bad: []string{"0"}},
		{key: "consumer_max_per_channel", since: v4, good: []string{"1"}, bad: []string{"0"}},
		{key: "cluster_queue_limit", since: v4, good: []string{"1"}, bad: []string{"0"}},
		{key: "cluster_exchange_limit", since: v4, good: []string{"1"}, bad: []string{"0"}},
		{key: "vhost_max", since: v4, good: []string{"1"}, bad: []string{"0"}},
		{key: "runtime_parameters.limits.shovel", since: v4, good: []string{"1"}, bad: []string{"0"}},
		{key: "max_message_size", since: v4, good: []string{"524288"}, bad: []string{"512KiB"}},
		{key: "amqp_client.ssl_options.verify", since: v4, good: []string{"verify_none", "verify_peer"}, bad: []string{"none"}},

		{key: "auth_backends.1", since: v3, good: []string{"oauth2", "internal", "ldap", "rabbit_auth_backend_oauth2"}, bad: []string{"dummy", "my_module", "{a,b}"}},
		{key: "auth_backends.2.authn", since: v3, good: []string{"ldap"}, bad: []string{"x"}},
		{key: "auth_cache.cached_backend", since: v3, good: []string{"ldap"}, bad: []string{"x"}},
		{key: "auth_oauth2.jwks_url", since: v3, good: []string{anIssuer + "/.well-known/jwks.json"}, bad: []string{"http://example.com/", "https://", "example.com", "https://user:secret@example.com/", "file:///etc/passwd"}},
		{key: "auth_oauth2.issuer", since: v3, good: []string{anIssuer}, bad: []string{"http://example.com"}},
		{key: "auth_oauth2.oauth_providers.x.issuer", since: v3, good: []string{anIssuer}, bad: []string{"http://example.com"}},
		{key: "auth_oauth2.resource_server_id", since: v3, good: []string{"rabbitmq"}},
		{key: "auth_oauth2.verify_aud", since: v3, good: []string{"false"}, bad: []string{"no"}},
		{key: "auth_oauth2.scope_prefix", since: v3, good: []string{"rabbitmq/"}},
		{key: "auth_oauth2.scope_aliases.1.alias", since: v3, good: []string{"rabbitmq/read:all", "arn:aws:iam::123456789012:role/x"}},
		{key: "auth_oauth2.scope_aliases.1.scope", since: v3, good: []string{"rabbitmq/read:*/*"}},
		{key: "auth_oauth2.additional_scopes_key", since: v3, good: []string{"sub"}},
		{key: "auth_oauth2.https.hostname_verification", since: v3, good: []string{"wildcard", "none"}, bad: []string{"x"}},
		{key: "auth_oauth2.algorithms.1", since: v3, good: []string{"RS256", "EdDSA", "Ed448ph"}, bad: []string{"none", "rs256", "HS1"}},
		{key: "auth_oauth2.oauth_providers.1.algorithms.2", since: v3, good: []string{"ES256K"}, bad: []string{"none"}},
		{key: "management.oauth_enabled", since: v3, good: []string{"true"}, bad: []string{"1"}},
		{key: "management.oauth_client_id", since: v3, good: []string{"3abc"}},
		{key: "management.oauth_scopes", since: v3, good: []string{"openid profile rabbitmq/tag:administrator"}},
		{key: "management.oauth_provider_url", since: v3, good: []string{anIssuer}, bad: []string{"http://x"}},
		{key: "management.oauth_resource_servers.1.oauth_metadata_url", since: v3, good: []string{anIssuer}, bad: []string{"http://x"}},

		{key: "auth_ldap.servers.1", since: v3, with: overTLS, good: []string{"ldap.example.com", "10.0.0.1", "2001:db8::1"}, bad: []string{"ldaps://x", "a b", "-a", "a:636", "a..b", "fe80::1%{x}"}},
		{key: "auth_ldap.port", since: v3, with: overTLS, good: []string{"636"}, bad: []string{"0", "65536"}},
		{key: "auth_ldap.log", since: v3, with: overTLS, good: []string{"true", "network"}, bad: []string{"network_unsafe"}},
		{key: "auth_ldap.user_dn_pattern", since: v3, with: overTLS, good: []string{"cn=${username},ou=People,dc=example,dc=com"}},
		{key: "auth_ldap.dn_lookup_attribute", since: v3, with: overTLS, good: []string{"userPrincipalName"}},
		{key: "auth_ldap.dn_lookup_base", since: v3, with: overTLS, good: []string{"dc=example,dc=com"}, bad: []string{"none", "example.com", "dc=", "dc=a,", "=a", "dc=a,,dc=b"}},
		{key: "auth_ldap.dn_lookup_bind.user_dn", since: v3, with: overTLS, good: []string{`cn=O'Brien\, X+uid=1,dc=example`}, bad: []string{"x", `cn=a;dc=b`, `cn="a"`, `cn=a\`}},
		{key: "auth_ldap.other_bind.user_dn", since: v3, with: overTLS, good: []string{"uid=a", "1.2.3=a"}, bad: []string{"x"}},
		{key: "auth_ldap.group_lookup_base", since: v3, with: overTLS, good: []string{"ou=a"}, bad: []string{"x"}},
		{key: "auth_ldap.use_starttls", since: v3, good: []string{"true"}, bad: []string{"yes"}},
		{key: "auth_ldap.timeout", since: v3, with: overTLS, good: []string{"infinity", "1000"}, bad: []string{"-1"}},
		{key: "auth_ldap.ssl_options.verify", since: v3, with: overTLS, good: []string{"verify_peer"}, bad: []string{"x"}},
		{key: "auth_ldap.ssl_options.depth", since: v3, with: overTLS, good: []string{"0", "255"}, bad: []string{"256"}},

		{key: "auth_http.http_method", since: v4, good: []string{"get", "post"}, bad: []string{"put", "GET"}},
		{key: "auth_http.user_path", since: v4, good: []string{"https://example.com/user"}, bad: []string{"http://example.com/user"}},
		{key: "auth_http.vhost_path", since: v4, good: []string{"https://example.com/"}, bad: []string{"http://example.com/"}},
		{key: "auth_http.resource_path", since: v4, good: []string{"https://example.com/"}, bad: []string{"http://example.com/"}},
		{key: "auth_http.topic_path", since: v4, good: []string{"https://example.com/"}, bad: []string{"http://example.com/"}},
		{key: "auth_http.ssl_options.sni", since: v4, good: []string{"test.amazonaws.com"}, bad: []string{"a b"}},

		{key: "auth_mechanisms.1", since: v4, good: []string{"PLAIN", "EXTERNAL"}, bad: []string{"RABBIT-CR-DEMO", "ANONYMOUS"}},
		{key: "ssl_options.verify", since: v4, good: []string{"verify_peer"}, bad: []string{"x"}},
		{key: "ssl_options.fail_if_no_peer_cert", since: v4, good: []string{"true"}, bad: []string{"x"}},
		{key: "ssl_options.depth", since: v4, good: []string{"3"}, bad: []string{"-1"}},
		{key: "ssl_options.hostname_verification", since: v4, good: []string{"wildcard", "none"}, bad: []string{"x"}},
		{key: "ssl_cert_login_from", since: v4, good: []string{"common_name", "subject_alt_name"}, bad: []string{"x"}},
		{key: "ssl_cert_login_san_type", since: v4, good: []string{"dns", "other_name"}, bad: []string{"x"}},
		{key: "ssl_cert_login_san_index", since: v4, good: []string{"0"}, bad: []string{"-1"}},
		{key: "management.ssl.verify", since: v4, good: []string{"verify_peer"}, bad: []string{"x"}},
		{key: "management.ssl.depth", since: v4, good: []string{"1"}, bad: []string{"x"}},

		{key: "aws.arns.assume_role_arn", since: v3, good: []string{roleARN, "arn:aws-us-gov:iam::123456789012:role/path/x"}, bad: []string{"x", aFile, "arn:aws:iam::123456789012:user/x", "arn:aws:iam::123456789012:role/"}},
		{key: "aws.arns.auth_ldap.dn_lookup_bind.password", since: v3, with: theRole, good: []string{aSecret}, bad: []string{aFile, "hunter2"}},
		{key: "aws.arns.auth_ldap.other_bind.password", since: v3, with: theRole, good: []string{aSecret}, bad: []string{aFile}},
		{key: "aws.arns.auth_ldap.ssl_options.cacertfile", since: v3, with: theRole, good: []string{aFile}, bad: []string{aSecret, "arn:aws:s3:::bucket", "/etc/passwd"}},
		{key: "aws.arns.auth_ldap.ssl_options.keyfile", since: v3, with: theRole, good: []string{aSecret}, bad: []string{aFile}},
		{key: "aws.arns.ssl_options.cacertfile", since: v4, with: theRole, good: []string{aFile, "arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/x"}, bad: []string{aSecret}},
		{key: "aws.arns.management.ssl.cacertfile", since: v4, with: theRole, good: []string{aFile}, bad: []string{aSecret}},
		{key: "aws.arns.auth_oauth2.https.cacertfile", since: v4, with: theRole, good: []string{aFile}, bad: []string{aSecret}},
		{key: "aws.arns.auth_http.ssl_options.cacertfile", since: v4, with: theRole, good: []string{aFile}, bad: []string{aSecret}},
		{key: "aws.arns.auth_http.ssl_options.certfile", since: v4, with: theRole, good: []string{aFile}, bad: []string{aSecret}},
		{key: "aws.arns.auth_http.ssl_options.keyfile", since: v4, with: theRole, good: []string{aSecret}, bad: []string{aFile}},
	} {
		for _, version := range []string{v3, v4, "4.3"} {
			for _, value := range c.good {
				err := check(version, c.with+c.key+" = "+value)
				if version >= c.since && err != nil {
					t.Errorf("%s = %s on %s: %v", c.key, value, version, err)
				}
				if version < c.since {
					refusedFor(t, err, c.key)
				}
			}
			for _, value := range append(c.bad, "$(connection_max)", "encrypted:x", "''") {
				refusedFor(t, check(version, c.with+c.key+" = "+value), c.key)
			}
		}
	}
}

func TestKeysThatNobodyMaySet(t *testing.T) {
	for _, key := range []string{
		"listeners.tcp.default", "default_user", "default_pass", "loopback_users.guest", "vm_memory_high_watermark.relative",
		"disk_free_limit.absolute", "log.file", "cluster_formation.peer_discovery_backend", "include", "erlang.cookie",
		"queue_master_locator", "consumer_timeout.x", "Consumer_timeout", "management.load_definitions", "load_definitions",
		"auth_oauth2.https.cacertfile", "auth_oauth2.oauth_providers.x.https.cacertfile", "management.oauth_client_secret",
		"management.oauth_resource_servers.1.oauth_client_secret", "auth_oauth2.signing_keys.1", "auth_oauth2.introspection_endpoint",
		"auth_ldap.dn_lookup_bind.password", "auth_ldap.other_bind.password", "auth_ldap.ssl_options.cacertfile",
		"auth_ldap.ssl_options.certfile", "auth_ldap.ssl_options.keyfile", "auth_ldap.ssl_options.versions.1", "auth_ldap.ssl_options.sni",
		"auth_ldap.ssl_options.password", "auth_ldap.ssl_options.dh", "auth_ldap.ssl_options.honor_cipher_order",
		"auth_http.ssl_options.cacertfile", "auth_http.ssl_options.keyfile", "auth_http.ssl_options.certfile",
		"ssl_options.cacertfile", "ssl_options.certfile", "ssl_options.keyfile", "ssl_options.versions.1", "ssl_options.password",
		"management.ssl.fail_if_no_peer_cert", "management.ssl.certfile", "management.ssl.cacertfile", "aws.arns.x", "a.b.c.d.e.f.g.h.i.j",
	} {
		for _, version := range []string{v3, v4} {
			refusedFor(t, check(version, overTLS+theRole+key+" = true"), key)
		}
	}
}

func TestKeysNeedEachOther(t *testing.T) {
	refusedFor(t, check(v4, "aws.arns.ssl_options.cacertfile = "+aFile), keyRole)
	refusedFor(t, check(v3, "auth_ldap.servers.1 = a.b"), "auth_ldap.servers.1")
	refusedFor(t, check(v3, "auth_ldap.servers.1 = a.b\nauth_ldap.use_ssl = true\nauth_ldap.use_ssl = false"), "auth_ldap.servers.1")
}

// Queries stand on several lines, in the terms that RabbitMQ's plugin reads.
func TestQueries(t *testing.T) {
	text := `auth_backends.1 = ldap
auth_backends.2 = internal
auth_ldap.servers.1 = ldap.example.com
auth_ldap.use_ssl = true
auth_ldap.queries.tags = '''
[{administrator, {in_group, "cn=admins,dc=example,dc=com"}},
{management,    {in_group, "cn=monitors,dc=example,dc=com"}}]
'''
auth_ldap.queries.vhost_access = '''
{constant, true}
'''
consumer_timeout = 1000
`
	if err := check(v3, text); err != nil {
		t.Fatal(err)
	}
	settings, err := Effective([]byte(text), v3, "mq.m5.large", catalog.Cluster)
	if last, _ := settings.Get("consumer_timeout"); err != nil || len(settings) != 7 || last.Int() != 1000 {
		t.Error(settings, err)
	}
	for _, query := range []string{
		"os:cmd(\"id\")", "fun() -> ok end", "{constant, true}.", "{constant, true", "[a b]", "X", "\"a", "", "#{a => b}", "{a,}",
		strings.Repeat("{", 100) + strings.Repeat("}", 100), "{\"'''\"}", "a' b",
	} {
		if err := check(v3, overTLS+"auth_ldap.queries.tags = '''\n"+query+"\n'''"); fault.Of(err) != fault.Invalid {
			t.Errorf("the query %s: %v", query, err)
		}
	}
}

func check(version, text string) error {
	_, warnings, err := Check(Kind{Engine: catalog.RabbitMQ, Version: version}, []byte(text))
	if warnings != nil {
		return errors.New("warnings")
	}
	return err
}

// refusedFor checks that an error names a key, and shows no value.
func refusedFor(t *testing.T, err error, key string) {
	t.Helper()
	r, _ := errors.AsType[*Refusal](err)
	if r == nil || r.Key != key || !strings.Contains(r.What, "["+key+"]") || fault.Of(err) != fault.Invalid {
		t.Errorf("%v, want a refusal of %s", err, key)
	}
}

func TestEveryKeyHasAFormAndASeries(t *testing.T) {
	for name, k := range known {
		complete(t, name, k)
	}
	for count, all := range patterns {
		for i, p := range all {
			complete(t, strings.Join(p.words, "."), p.key)
			for _, q := range all[:i] {
				if p.matches(q.words) || q.matches(p.words) {
					t.Errorf("a key of %d words can be both %v and %v", count, p.words, q.words)
				}
			}
		}
	}
}

func complete(t *testing.T, name string, k key) {
	t.Helper()
	if k.form.check == nil || k.form.want == "" || k.from != "3" && k.from != "4" {
		t.Errorf("%s has no form or no series", name)
	}
}

// No value, however odd, brings a check down, and none that a check takes can end its
// line or leave its quotes.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{`cn=a\\,b+c=d`, `[{a, "b\\"", 1}]`, aFile, anIssuer, "2001:db8::1", "a # b", "", "fe80::1%x"} {
		f.Add(seed)
	}
	forms := map[string]form{}
	for name, k := range known {
		forms[name] = k.form
	}
	f.Fuzz(func(t *testing.T, value string) {
		for name, form := range forms {
			if !form.check(value) || strings.Contains(value, "'") || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				continue
			}
			s := Setting{Key: name, Value: value}
			if lines, err := read([]byte(s.Line()), true); value != "" && utf8.ValidString(value) && (err != nil && !errors.Is(err, fault.Invalid) || err == nil && lines[0].value != value) {
				t.Fatalf("%s became %v, %v", s.Line(), lines, err)
			}
		}
	})
}

// Whoever sends the largest text must not keep us busy.
func BenchmarkLargestText(b *testing.B) {
	line := []byte("auth_oauth2.oauth_providers.x.discovery_endpoint_params.y = z\n")
	data := bytes.Repeat(line, MaxSize/len(line))
	for b.Loop() {
		if _, err := Effective(data, v4, "mq.m7g.large", catalog.Cluster); err != nil {
			b.Fatal(err)
		}
	}
}
