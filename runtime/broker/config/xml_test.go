package config

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"

	"millrace/runtime/broker/catalog"
	"millrace/runtime/fault"
)

var (
	active = Kind{Engine: catalog.ActiveMQ, Version: "5.18"}
	ldap   = Kind{Engine: catalog.ActiveMQ, Version: "5.18", Strategy: catalog.LDAP}
)

const open = `<broker xmlns="http://activemq.apache.org/schema/core"`

// what wraps an element so that it may be there
func in(path string, element string) string {
	before, after := open+">", "</broker>"
	for name := range strings.FieldsSeq(path) {
		before, after = before+"<"+name+">", "</"+name+">"+after
	}
	return before + element + after
}

func TestSanitize(t *testing.T) {
	const (
		entry  = "destinationPolicy policyMap policyEntries"
		policy = entry + " policyEntry"
	)
	for _, c := range []struct {
		name, data, want string
		warnings         []Warning
	}{
		{name: "nothing", data: open + `/>`, want: open + `/>`},
		{name: "attribute", data: open + ` persistent="false"></broker>`, want: open + ` persistent="false"/>`},
		{name: "unknown attribute", data: open + ` brokerName="x" persistent="true"/>`, want: open + ` persistent="true"/>`,
			warnings: []Warning{{DisallowedAttribute, "broker", "brokerName"}}},
		{name: "not a boolean", data: open + ` persistent="maybe"/>`, want: open + `/>`,
			warnings: []Warning{{InvalidValue, "broker", "persistent"}}},
		{name: "not a number", data: open + ` schedulePeriodForDestinationPurge="1e9"/>`, want: open + `/>`,
			warnings: []Warning{{InvalidValue, "broker", "schedulePeriodForDestinationPurge"}}},
		{name: "variable", data: in("destinations", `<queue physicalName="${x}"/>`), want: in("destinations", `<queue/>`),
			warnings: []Warning{{InvalidValue, "queue", "physicalName"}}},
		{name: "expression", data: in("destinations", `<queue physicalName="a#{T(java.lang.Runtime)}"/>`), want: in("destinations", `<queue/>`),
			warnings: []Warning{{InvalidValue, "queue", "physicalName"}}},
		{name: "expression in references", data: in("destinations", `<queue physicalName="&#36;&#123;x}"/>`), want: in("destinations", `<queue/>`),
			warnings: []Warning{{InvalidValue, "queue", "physicalName"}}},
		{name: "bean reference", data: in("destinations", `<queue physicalName=" #bean"/>`), want: in("destinations", `<queue/>`),
			warnings: []Warning{{InvalidValue, "queue", "physicalName"}}},
		{name: "unknown element", data: in("plugins", `<simpleAuthenticationPlugin><users><a/></users></simpleAuthenticationPlugin><statisticsBrokerPlugin/>`),
			want:     in("plugins", `<statisticsBrokerPlugin/>`),
			warnings: []Warning{{DisallowedElement, "simpleAuthenticationPlugin", ""}}},
		{name: "bean", data: in("plugins", `<bean xmlns="http://www.springframework.org/schema/beans" class="x"/>`), want: in("", "<plugins/>"),
			warnings: []Warning{{DisallowedElement, "bean", ""}}},
		{name: "known element of another name space", data: in("plugins", `<statisticsBrokerPlugin xmlns="urn:x"/>`), want: in("", "<plugins/>"),
			warnings: []Warning{{DisallowedElement, "statisticsBrokerPlugin", ""}}},
		{name: "known element elsewhere", data: in("plugins", `<queue/>`), want: in("", "<plugins/>"),
			warnings: []Warning{{DisallowedElement, "queue", ""}}},
		{name: "collection elsewhere", data: in("", `<policyEntries/>`), want: open + "/>",
			warnings: []Warning{{DisallowedElement, "policyEntries", ""}}},
		{name: "attribute of a collection", data: in("", `<plugins id="x"/>`), want: in("", "<plugins/>"),
			warnings: []Warning{{DisallowedAttribute, "plugins", "id"}}},
		{name: "prefixes", data: `<a:broker xmlns:a="http://activemq.apache.org/schema/core" xmlns:x="urn:x" x:y="z"><a:plugins/></a:broker>`,
			want: in("", "<plugins/>"), warnings: []Warning{{DisallowedAttribute, "broker", "y"}}},
		{name: "schema location", data: open + ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x http://example.com/x.xsd"/>`,
			want: open + `/>`, warnings: []Warning{{DisallowedAttribute, "broker", "schemaLocation"}}},
		{name: "comments", data: `<!-- a -->` + in("", "<!-- <evil/> &amp; -->"), want: `<!-- a -->` + in("", "<!-- <evil/> &amp; -->")},
		{name: "text", data: in("plugins", `hello &lt;<![CDATA[<evil/>]]>`), want: in("", `<plugins/>`)},
		{name: "escapes", data: in("destinations", `<queue physicalName="a&quot;&lt;&gt;&amp;'&#10;b"/>`),
			want: in("destinations", `<queue physicalName="a&quot;&lt;&gt;&amp;' b"/>`)},
		{name: "heap", data: in("systemUsage systemUsage memoryUsage", `<memoryUsage percentOfJvmHeap="70"/>`),
			want: in("systemUsage systemUsage memoryUsage", `<memoryUsage percentOfJvmHeap="70"/>`)},
		{name: "too much heap", data: in("systemUsage systemUsage memoryUsage", `<memoryUsage percentOfJvmHeap="71"/>`),
			want:     in("systemUsage systemUsage memoryUsage", `<memoryUsage/>`),
			warnings: []Warning{{InvalidValue, "memoryUsage", "percentOfJvmHeap"}}},
		{name: "amounts of memory", data: in(entry, `<policyEntry queue="&gt;" memoryLimit="64 mb"/>`), want: in(entry, `<policyEntry queue="&gt;" memoryLimit="64 mb"/>`)},
		{name: "wrapped", data: in(policy+" subscriptionRecoveryPolicy retainedMessageSubscriptionRecoveryPolicy wrapped", `<fixedCountSubscriptionRecoveryPolicy maximumSize="5"/>`),
			want: in(policy+" subscriptionRecoveryPolicy retainedMessageSubscriptionRecoveryPolicy wrapped", `<fixedCountSubscriptionRecoveryPolicy maximumSize="5"/>`)},
		{name: "password", data: in("networkConnectors", `<networkConnector uri="static:(ssl://b.mq.us-east-2.amazonaws.com:61617)" userName="u" password="p"/>`),
			want:     in("networkConnectors", `<networkConnector uri="static:(ssl://b.mq.us-east-2.amazonaws.com:61617)" userName="u"/>`),
			warnings: []Warning{{DisallowedAttribute, "networkConnector", "password"}}},
		{name: "directory without the strategy", data: in("plugins authorizationPlugin map", `<cachedLDAPAuthorizationMap queueSearchBase="ou=Queue"/>`),
			want:     in("plugins authorizationPlugin", "<map/>"),
			warnings: []Warning{{DisallowedElement, "cachedLDAPAuthorizationMap", ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, warnings, err := Check(active, []byte(c.data))
			if err != nil || string(got) != c.want || !slices.Equal(warnings, c.warnings) {
				t.Errorf("%s\n became %s\n want   %s\n with %v, want %v\n%v", c.data, got, c.want, warnings, c.warnings, err)
			}
		})
	}
}

func TestDirectoriesNeedTheStrategy(t *testing.T) {
	data := in("plugins authorizationPlugin map", `<cachedLDAPAuthorizationMap queueSearchBase="ou=Queue" connectionPassword="p"/>`)
	_, warnings, err := Check(ldap, []byte(data))
	if err != nil || !slices.Equal(warnings, []Warning{{DisallowedAttribute, "cachedLDAPAuthorizationMap", "connectionPassword"}}) {
		t.Error(warnings, err)
	}
}

func TestPeers(t *testing.T) {
	for uri, ok := range map[string]bool{
		"static:(ssl://a.b:61617)":          true,
		"static:ssl://a.b:61617":            true,
		"masterslave:(ssl://a:1,ssl://b:2)": true,
		"static:(failover:(ssl://a:1,ssl://b:2)?randomize=false&maxReconnectAttempts=0)": true,
		"static:(ssl://a:1, ssl://b:2)":                            false,
		"static:(tcp://a:1)":                                       false,
		"static:(vm://localhost)":                                  false,
		"static:(ssl://a:1,vm:(broker:(tcp://0.0.0.0:1)))":         false,
		"static:(ssl://a:1,vm://x?brokerConfig=xbean:http://evil)": false,
		"static:(ssl://a:1?brokerConfig=xbean:http://evil)":        false,
		"multicast://default":                                      false,
		"static:()":                                                false,
		"":                                                         false,
	} {
		if isPeer(uri) != ok {
			t.Errorf("%q is a peer: %v", uri, !ok)
		}
	}
}

func TestRefusedXML(t *testing.T) {
	for name, data := range map[string]string{
		"empty":                  "",
		"comment":                "<!-- x -->",
		"not XML":                "hello",
		"another root":           "<beans/>",
		"no name space":          "<broker/>",
		"another name space":     `<broker xmlns="urn:x"/>`,
		"two roots":              open + "/>" + open + "/>",
		"text after":             open + "/>x",
		"not closed":             open + ">",
		"closed twice":           open + "/></broker>",
		"crossed":                open + "><plugins></broker></plugins>",
		"document type":          `<!DOCTYPE broker SYSTEM "http://example.com/x.dtd">` + open + "/>",
		"entity":                 in("destinations", `<queue physicalName="&x;"/>`),
		"billion laughs":         `<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]>` + open + "/>",
		"processing instruction": `<?evil x?>` + open + "/>",
		"late declaration":       " " + declaration + open + "/>",
		"encoding":               `<?xml version="1.0" encoding="UTF-7"?>` + open + "/>",
		"not UTF-8":              open + " brokerName=\"\xff\"/>",
		"attribute twice":        open + ` persistent="true" persistent="false"/>`,
		"control in a comment":   open + "><!-- \x00 --></broker>",
		"control by reference":   open + ` brokerName="&#0;"/>`,
		"deep":                   strings.Repeat("<a>", 50000),
		"deep below":             open + ">" + strings.Repeat("<a>", 50000),
		"large":                  open + ">" + strings.Repeat(" ", 300<<10) + "</broker>",
	} {
		if got, _, err := Check(active, []byte(data)); fault.Of(err) != fault.Invalid {
			t.Errorf("%s became %s, %v", name, got, err)
		}
	}
}

func TestDefaultsPass(t *testing.T) {
	for _, k := range []Kind{active, ldap, {Engine: catalog.RabbitMQ, Version: "3.13"}, {Engine: catalog.RabbitMQ, Version: "4.3"}} {
		got, warnings, err := Check(k, Default(k))
		if string(got) != string(Default(k)) || warnings != nil || err != nil {
			t.Errorf("the default of %v became %s, with %v, %v", k, got, warnings, err)
		}
	}
}

// What the default XML offers in comments can be used.
func TestCommentsOfTheDefaultPass(t *testing.T) {
	for comment := range strings.SplitSeq(string(defaultActiveMQ), "<!--") {
		comment, _, ok := strings.Cut(comment, "-->")
		if _, elements, has := strings.Cut(comment, "<"); ok && has {
			parent := "plugins"
			for name, of := range map[string]string{
				"destinationInterceptors": "", "persistenceAdapter": "", "destinations": "", "networkConnectors": "",
				"policyEntry": "destinationPolicy policyMap policyEntries",
			} {
				if strings.HasPrefix(elements, name+" ") || strings.HasPrefix(elements, name+">") {
					parent = of
				}
			}
			data := in(parent, "<"+elements)
			if got, warnings, err := Check(active, []byte(data)); err != nil || warnings != nil || len(got) < len(data)-8 {
				t.Errorf("%s became %s with %v, %v", data, got, warnings, err)
			}
		}
	}
}

// The tables have no hole: what may stand in a collection is an element that is known,
// and the form of an attribute belongs to one that there is.
func TestTablesAreClosed(t *testing.T) {
	attributes := map[string]bool{}
	for name, b := range beans {
		for a := range strings.FieldsSeq(b.attributes) {
			attributes[a] = true
		}
		for collection, children := range b.collections {
			for child := range strings.FieldsSeq(children) {
				if _, ok := beans[child]; !ok {
					t.Errorf("%s in %s of %s is unknown", child, collection, name)
				}
			}
		}
	}
	for a := range attributeForms {
		if !attributes[a] {
			t.Errorf("no element has the attribute %s", a)
		}
	}
}

func FuzzSanitize(f *testing.F) {
	f.Add(defaultActiveMQ, true)
	f.Add([]byte(in("plugins", `<x/>a<!-- b --><statisticsBrokerPlugin a="&#13;"/>&#13;`)), false)
	f.Add([]byte(`<?xml version="1.0"?>`+open+` persistent="${x}" xmlns:a="b" a:c="d"/>`), false)
	f.Fuzz(func(t *testing.T, data []byte, directory bool) {
		k := active
		if directory {
			k = ldap
		}
		got, _, err := Check(k, data)
		if err != nil {
			if fault.Of(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		again, warnings, err := Check(k, got)
		if err != nil || warnings != nil || string(again) != string(got) {
			t.Fatalf("%q became %q, and then %q with %v, %v", data, got, again, warnings, err)
		}
		var root struct {
			XMLName xml.Name
		}
		if err := xml.Unmarshal(got, &root); err != nil || root.XMLName != (xml.Name{Space: core, Local: "broker"}) {
			t.Fatalf("%q is not a broker: %v", got, err)
		}
	})
}
