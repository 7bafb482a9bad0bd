package driver

import (
	"net/netip"
	"strings"
	"testing"

	"millrace/runtime/fault"
)

var place = Place{Config: "/etc/m", Data: "/var/d", Logs: "/var/l", Home: "/var"}

func render(Place) (Launch, error) { return Launch{}, nil }

func TestHostileNamesAreRefused(t *testing.T) {
	for _, name := range []string{"", "..", ".", "a/b", "/a", "A", "a_b", "-a", "a\n", "a\x00", "ä", "a b", strings.Repeat("a", 51), "--rm", "$(id)"} {
		if err := (Node{Name: name, Render: render}).Validate(); fault.Of(err) != fault.Invalid {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"a", "b-c8a0f1d2-0000-4000-8000-000000000000-1", strings.Repeat("9", 50)} {
		if err := (Node{Name: name, Render: render}).Validate(); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestPortsAreWhole(t *testing.T) {
	at := netip.MustParseAddrPort("127.0.0.1:5671")
	good := Port{Name: "amqps", Inside: 5671, Public: at}
	for name, ports := range map[string][]Port{
		"no name":    {{Inside: 5671, Public: at}},
		"no inside":  {{Name: "amqps", Public: at}},
		"no public":  {{Name: "amqps", Inside: 5671}},
		"any port":   {{Name: "amqps", Inside: 5671, Public: netip.MustParseAddrPort("127.0.0.1:0")}},
		"same names": {good, good},
	} {
		if err := (Node{Name: "n", Ports: ports, Render: render}).Validate(); fault.Of(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (Node{Name: "n", Ports: []Port{good}, Render: render}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestClustersAreWhole(t *testing.T) {
	at := netip.MustParseAddrPort("127.0.0.1:4369")
	shared := Port{Name: "epmd", Inside: 4369, Public: at, Private: true, Shared: true}
	public := shared
	public.Private = false
	for name, n := range map[string]Node{
		"not a member":       {Members: []string{"a", "b"}},
		"empty":              {Members: []string{}},
		"the same twice":     {Members: []string{"n", "a", "a"}},
		"hostile":            {Members: []string{"n", "../a"}},
		"shared with nobody": {Ports: []Port{shared}},
		"shared by clients":  {Members: []string{"n", "a"}, Ports: []Port{public}},
	} {
		n.Name, n.Render = "n", render
		if err := n.Validate(); fault.Of(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (Node{Name: "n", Members: []string{"a", "n"}, Ports: []Port{shared}, Render: render}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestFilesStayInTheirPlace(t *testing.T) {
	for _, path := range []string{"", "/etc/m", "/etc/mx/f", "/etc/passwd", "etc/m/f", "/etc/m/../passwd", "/etc/m//f", "/etc/m/", "/etc/m/f\x00g", "/etc/m/\xff"} {
		l := Launch{Files: []File{{Path: path, Mode: 0o600}}}
		if err := l.Validate(place); fault.Of(err) != fault.Invalid {
			t.Errorf("%q: %v", path, err)
		}
	}
	for _, path := range []string{"/etc/m/f", "/var/d/a/b", "/var/.cookie", "/var/l/it's \n ok"} {
		l := Launch{Files: []File{{Path: path, Mode: 0o600}}}
		if err := l.Validate(place); err != nil {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestWhatCannotBeLaunchedIsRefused(t *testing.T) {
	for name, l := range map[string]Launch{
		"no value":       {Env: []string{"A"}},
		"no name":        {Env: []string{"=b"}},
		"zero byte":      {Env: []string{"A=b\x00c"}},
		"zero argument":  {Command: []string{"/bin/a", "b\x00"}},
		"no program":     {Companion: []string{"", "b"}},
		"mode of folder": {Files: []File{{Path: "/etc/m/f", Mode: 0o1755}}},
		"no mode":        {Files: []File{{Path: "/etc/m/f"}}},
	} {
		if err := l.Validate(place); fault.Of(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheHashIsOfWhatRuns(t *testing.T) {
	base := func() (Launch, Node, Software) {
		return Launch{
				Files:   []File{{Path: "/etc/m/f", Contents: []byte("a"), Mode: 0o600}, {Path: "/etc/m/s", Contents: []byte("s"), Mode: 0o600, Seed: true}},
				Env:     []string{"A=b"},
				Command: []string{"/bin/true"},
			}, Node{Name: "n", Ports: []Port{{Name: "p", Inside: 1, Public: netip.MustParseAddrPort("127.0.0.1:1")}}},
			Software{Engine: "rabbitmq", Version: "3.10.8", Source: "x"}
	}
	l, n, s := base()
	was := l.Hash(n, s)
	for name, change := range map[string]func(*Launch, *Node, *Software){
		"contents": func(l *Launch, _ *Node, _ *Software) { l.Files[0].Contents = []byte("b") },
		"path":     func(l *Launch, _ *Node, _ *Software) { l.Files[0].Path = "/etc/m/g" },
		"mode":     func(l *Launch, _ *Node, _ *Software) { l.Files[0].Mode = 0o400 },
		"no seed":  func(l *Launch, _ *Node, _ *Software) { l.Files = l.Files[:1] },
		"env":      func(l *Launch, _ *Node, _ *Software) { l.Env = []string{"A=", "b"} },
		"command":  func(l *Launch, _ *Node, _ *Software) { l.Command = append(l.Command, "x") },
		"port":     func(_ *Launch, n *Node, _ *Software) { n.Ports[0].Public = netip.MustParseAddrPort("127.0.0.1:2") },
		"version":  func(_ *Launch, _ *Node, s *Software) { s.Version = "3.10.9" },
		"cluster":  func(_ *Launch, n *Node, _ *Software) { n.Members = []string{"n", "m"} },
		"shared":   func(_ *Launch, n *Node, _ *Software) { n.Ports[0].Shared = true },
	} {
		l, n, s := base()
		change(&l, &n, &s)
		if l.Hash(n, s) == was {
			t.Errorf("%s does not count", name)
		}
	}
	l, n, s = base()
	l.Files[1].Contents = []byte("other")
	if l.Hash(n, s) != was || string(l.Files[1].Contents) != "other" {
		t.Error("the contents of a seed count, or were lost")
	}
}

// A later version of the runtime adopts what an earlier one has launched.
func TestTheHashOfANodeThatIsAloneStays(t *testing.T) {
	n := Node{Name: "n", Ports: []Port{
		{Name: "amqps", Inside: 5671, Public: netip.MustParseAddrPort("127.0.0.1:20001")},
		{Name: "epmd", Inside: 4369, Public: netip.MustParseAddrPort("127.0.0.1:20002"), Private: true},
	}}
	l := Launch{Files: []File{{Path: "/etc/m/f", Contents: []byte("x"), Mode: 0o600}}, Env: []string{"A=b"}, Command: []string{"/bin/a"}, Companion: []string{"/bin/b"}}
	if got, want := l.Hash(n, Software{Source: "/usr", Version: "3.10.8"}), "6e04f14118f00fdfff8c7a94303d15e9"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestLastLinesAreFewAndPlain(t *testing.T) {
	if got, want := LastLines([]byte("a\r\n\n\x1b[31mb\t\xff \n")), "a\n[31mb"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got := LastLines([]byte(strings.Repeat("line\n", 50) + "last"))
	if lines := strings.Split(got, "\n"); len(lines) != lastLines || lines[lastLines-1] != "last" {
		t.Errorf("got %q", got)
	}
	if got := LastLines([]byte(strings.Repeat("ä", 5000))); len(got) > lastBytes+len("…") || !strings.HasSuffix(got, "ä") {
		t.Errorf("%d bytes", len(got))
	}
}
