package config

import (
	"strings"
	"testing"

	"millrace/runtime/broker/catalog"
	"millrace/runtime/fault"
)

func TestRead(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "",
		"\n \t\r\n# comment\n  ## more":   "",
		"heartbeat=60":                    "60",
		" \theartbeat\t = \t60 \t\r\n":    "60",
		"heartbeat = 60 # a comment":      "60",
		"heartbeat = 60# a comment":       "60",
		"heartbeat = '60'":                "60",
		"heartbeat = '60' # a comment":    "60",
		"heartbeat = a b":                 "a b",
		"heartbeat = 'a # b'":             "a # b",
		"heartbeat = ' a '":               " a ",
		"heartbeat = O'Brien":             "O'Brien",
		"heartbeat = a = b":               "a = b",
		"heartbeat = \"60\"":              "\"60\"",
		"heartbeat = '''\n a\r\nb\n ''' ": "a\nb",
		"# ünï\nheartbeat = é":            "é",
	} {
		lines, err := read([]byte(text), true)
		got := ""
		if len(lines) == 1 {
			got = lines[0].value
		}
		if err != nil || len(lines) > 1 || got != want {
			t.Errorf("%q became %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestRefusedLines(t *testing.T) {
	for name, text := range map[string]string{
		"no value":            "heartbeat =",
		"only a comment":      "heartbeat = # 60",
		"empty quotes":        "heartbeat = ''",
		"no key":              "= 60",
		"no equals":           "heartbeat 60",
		"include":             "include /etc/passwd",
		"quote open":          "heartbeat = '60",
		"quote in quotes":     "heartbeat = '6'0'",
		"words after a quote": "heartbeat = '60' 1",
		"quotes over lines":   "heartbeat = '6\n0'",
		"escape in a key":     `heart\.beat = 60`,
		"key with blanks":     "heart beat = 60",
		"key with dots":       ".heartbeat = 60",
		"dots in a key":       "heart..beat = 60",
		"Erlang":              "[{rabbit, [{heartbeat, 60}]}].",
		"JSON":                `{"heartbeat": 60}`,
		"XML":                 string(defaultActiveMQ),
		"NUL":                 "heartbeat = 60\x00",
		"escape":              "heartbeat = 60\x1b[0m",
		"carriage return":     "heartbeat = 60\rlisteners.tcp.1 = 5672",
		"control in comment":  "# \x07",
		"not UTF-8":           "heartbeat = \xff",
		"line separator":      "heartbeat = 60\u2028listeners.tcp.1 = 5672",
		"long line":           "# " + strings.Repeat("a", 5000),
		"large":               strings.Repeat("#\n", 150<<10),
		"open block":          "heartbeat = '''\n60",
		"long block":          "heartbeat = '''\n" + strings.Repeat("60\n", 10000) + "'''",
		"block for a number":  "heartbeat = '''\n60\n'''",
	} {
		if err := check(v4, text); fault.Of(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Errors must not show what somebody may have put in the wrong place.
func TestRefusalsShowNoValue(t *testing.T) {
	for _, text := range []string{
		"default_pass = hunter2", "heartbeat = hunter2", "hunter2", "auth_ldap.dn_lookup_bind.password = 'hunter2",
		"aws.arns.auth_ldap.other_bind.password = hunter2",
	} {
		if err := check(v4, text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Error(err)
		}
	}
}

func TestSections(t *testing.T) {
	const text = `connection_max = 100
heartbeat = 60
{{m7g.large.3}}
connection_max = 200 # more
{{m7g.large.3}}
{{m7g.large.1}}
connection_max = 300
vhost_max = 7
{{m7g.large.1}}
channel_max_per_node = 5
{{m7g.large.1}}
channel_max_per_node = 6
{{m7g.large.1}}
vhost_max = 8
`
	if err := check(v4, text); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		instance string
		mode     catalog.Mode
		want     string
	}{
		{"mq.m7g.large", catalog.Cluster, "heartbeat = 60\nconnection_max = 200\nchannel_max_per_node = 5\nvhost_max = 8\n"},
		{"mq.m7g.large", catalog.SingleInstance, "heartbeat = 60\nconnection_max = 300\nchannel_max_per_node = 6\nvhost_max = 8\n"},
		{"mq.m7g.xlarge", catalog.Cluster, "connection_max = 100\nheartbeat = 60\nchannel_max_per_node = 5\nvhost_max = 8\n"},
	} {
		settings, err := Effective([]byte(text), v4, c.instance, c.mode)
		var got strings.Builder
		for _, s := range settings {
			got.WriteString(s.Line() + "\n")
		}
		if err != nil || got.String() != c.want {
			t.Errorf("%s, %s has %s, %v, want %s", c.instance, c.mode, &got, err, c.want)
		}
	}
	for name, text := range map[string]string{
		"another mode":     "{{m7g.large.2}}\n{{m7g.large.2}}",
		"no mode":          "{{m7g.large}}\n{{m7g.large}}",
		"another family":   "{{m5.large.1}}\n{{m5.large.1}}",
		"another size":     "{{m7g.nano.1}}\n{{m7g.nano.1}}",
		"not ended":        "{{m7g.large.1}}\nvhost_max = 1",
		"in another":       "{{m7g.large.1}}\n{{m7g.large.3}}\n{{m7g.large.3}}\n{{m7g.large.1}}",
		"crossed":          "{{m7g.large.1}}\n{{m7g.large.3}}\n{{m7g.large.1}}\n{{m7g.large.3}}",
		"half":             "{{m7g.large.1}\n{{m7g.large.1}",
		"not a limit":      "{{m7g.large.1}}\nheartbeat = 60\n{{m7g.large.1}}",
		"key after":        "{{m7g.large.1}} vhost_max = 1",
		"another instance": "{{mq.m7g.large.1}}\n{{mq.m7g.large.1}}",
	} {
		if err := check(v4, text); fault.Of(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"{{m7g.large.1}}\n{{m7g.large.1}}", "{{m7g.large.1}}\nvhost_max = 1\n{{m7g.large.1}}"} {
		if _, err := Effective([]byte(text), v3, "mq.m7g.large", catalog.Cluster); fault.Of(err) != fault.Invalid {
			t.Errorf("%q on 3.13: %v", text, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(defaultRabbitMQ))
	f.Add([]byte("{{m7g.large.3}}\nconnection_max = '1' # x\n{{m7g.large.3}}\nvhost_max=1"))
	f.Add([]byte("auth_ldap.use_ssl = true\nauth_ldap.queries.tags = '''\n[{a, \"b#'\"}]\n'''\nauth_oauth2.scope_prefix = ' # '"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, version := range []string{v3, v4} {
			stored, _, err := Check(Kind{Engine: catalog.RabbitMQ, Version: version}, data)
			if err != nil {
				if fault.Of(err) != fault.Invalid {
					t.Fatal(err)
				}
				continue
			}
			settings, err := Effective(stored, version, "mq.m7g.large", catalog.Cluster)
			if err != nil {
				t.Fatalf("%q was stored, and is refused: %v", data, err)
			}
			// A setting written as a line is read as the same setting, and as no other.
			for _, s := range settings {
				lines, err := read([]byte(s.Line()), true)
				if err != nil || len(lines) != 1 || lines[0].key != s.Key || lines[0].value != s.Value {
					t.Fatalf("%q of %q became %v, %v", s.Line(), data, lines, err)
				}
			}
		}
	})
}
