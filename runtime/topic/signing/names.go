package signing

import (
	"cmp"
	"crypto/tls"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"

	"millrace/runtime/ca"
)

// regionInHost stands for the region in an advertised host.
const regionInHost = "{region}"

// names is what the server is called.
type names struct {
	advertised string         // Config.Host
	listens    string         // host of Config.Address, localhost for every interface
	port       string         // of Config.Address
	regional   *regexp.Regexp // what an advertised host with a region in it may be; nil for none
}

func namesOf(c Config) names {
	n := names{advertised: c.Host}
	n.listens, n.port, _ = net.SplitHostPort(c.Address)
	if ip, err := netip.ParseAddr(n.listens); n.listens == "" || err == nil && ip.IsUnspecified() {
		n.listens = "localhost"
	}
	if strings.Contains(c.Host, regionInHost) {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(stripPort(c.Host)), regexp.QuoteMeta(regionInHost), "[a-z0-9-]{3,32}")
		n.regional = regexp.MustCompile("^" + pattern + "$")
	}
	return n
}

// host is the host of URLs for a region. bound is the port that the server listens at,
// which may not be Address's when that is 0 or Config.Listen chose it; "" while it is not
// known.
func (n names) host(region, bound string) string {
	if n.advertised != "" {
		return strings.ReplaceAll(n.advertised, regionInHost, region)
	}
	return net.JoinHostPort(n.listens, cmp.Or(bound, n.port))
}

// of is the names and addresses that a certificate of the server has. asked is the name
// that a client wants, which counts where it is a regional one.
func (n names) of(asked string) (dns []string, ips []netip.Addr) {
	all := []string{"localhost", "127.0.0.1", "::1", n.listens}
	switch {
	case n.regional == nil && n.advertised != "":
		all = append(all, stripPort(n.advertised))
	case n.isRegional(asked):
		all = append(all, asked)
	}
	seen := map[string]bool{}
	for _, name := range all {
		if seen[name] {
			continue
		}
		seen[name] = true
		if ip, err := netip.ParseAddr(name); err == nil {
			ips = append(ips, ip)
		} else {
			dns = append(dns, name)
		}
	}
	return dns, ips
}

func (n names) isRegional(name string) bool { return n.regional != nil && n.regional.MatchString(name) }

// maxLeaves bounds the regional names that clients may ask for.
const maxLeaves = 64

// leaves are the certificates of the server itself, one for each regional name that was
// asked for and one for the rest. They are made when they are needed.
type leaves struct {
	authority *ca.Authority
	names     names

	mu    sync.Mutex
	pairs map[string]leaf
}

type leaf struct {
	pair ca.Pair
	tls  *tls.Certificate
}

func newLeaves(a *ca.Authority, n names) *leaves {
	return &leaves{authority: a, names: n, pairs: map[string]leaf{}}
}

// get implements tls.Config.GetCertificate.
func (l *leaves) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.ToLower(hello.ServerName)
	if !l.names.isRegional(name) {
		name = ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	have, ok := l.pairs[name]
	if !ok && len(l.pairs) >= maxLeaves {
		name = ""
		have = l.pairs[name]
	}
	dns, ips := l.names.of(name)
	pair, err := l.authority.Leaf(have.pair, dns, ips)
	if err != nil {
		return nil, err
	}
	if have.tls == nil || string(pair.Certificate) != string(have.pair.Certificate) {
		made, err := tls.X509KeyPair(pair.Certificate, pair.Key)
		if err != nil {
			return nil, err
		}
		have = leaf{pair, &made}
		l.pairs[name] = have
	}
	return have.tls, nil
}
