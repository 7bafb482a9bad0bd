package mq

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/kit"
)

// setStrategy sets how the users of a new broker are known.
func setStrategy(b *broker.Broker, p *broker.Passwords, in *api.CreateBrokerInput) error {
	s, err := strategyOf(b.Engine, in.AuthenticationStrategy)
	if err != nil {
		return err
	}
	switch {
	case b.Settings.Strategy == "": // no configuration decides
		b.Settings.Strategy = cmp.Or(s, catalog.Simple)
	case s != "" && s != b.Settings.Strategy:
		return otherStrategy(s, b.Settings.Strategy)
	}
	if b.Engine == catalog.RabbitMQ && b.Settings.Strategy == catalog.ConfigManaged && in.Configuration == nil {
		return bad("authenticationStrategy", "Authentication strategy [CONFIG_MANAGED] needs a [configuration] that says how users are known.")
	}
	if b.Settings.LDAP, p.LDAP, err = ldap(b.Engine, in.LdapServerMetadata); err != nil {
		return err
	}
	return checkLDAP(b.Settings.Strategy, b.Settings.LDAP)
}

func otherStrategy(asked, configured catalog.Strategy) error {
	return bad("authenticationStrategy", "Authentication strategy [%s] does not match the configuration, which is for [%s].", asked, configured)
}

func checkLDAP(s catalog.Strategy, l *broker.LDAP) error {
	switch {
	case s == catalog.LDAP && l == nil:
		return bad("ldapServerMetadata", "[ldapServerMetadata] is required when [authenticationStrategy] is [LDAP].")
	case s != catalog.LDAP && l != nil:
		return bad("ldapServerMetadata", "[ldapServerMetadata] needs [authenticationStrategy] [LDAP].")
	}
	return nil
}

// strategyOf reads a strategy that the engine has; "" for none.
func strategyOf(e catalog.Engine, value *string) (catalog.Strategy, error) {
	s, err := member("authenticationStrategy", value, catalog.ParseStrategy)
	switch {
	case err != nil:
		return s, err
	case e == catalog.RabbitMQ && s == catalog.LDAP, e == catalog.ActiveMQ && s == catalog.ConfigManaged:
		return s, bad("authenticationStrategy", "Authentication strategy [%s] is not supported for %s brokers.", s, e.Title())
	}
	return s, nil
}

// hostLabel is a label of a host name.
var hostLabel = form{1, 63, regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`)}

// qualified reports whether a host is a fully qualified name, without scheme or port.
func qualified(host string) bool {
	labels := strings.Split(host, ".")
	return len(host) <= 253 && len(labels) > 1 && !slices.ContainsFunc(labels, func(l string) bool { return !hostLabel.fits(l) })
}

// ldap reads where users are found, and the password of the service account.
func ldap(e catalog.Engine, in *api.LdapServerMetadataInput) (*broker.LDAP, string, error) {
	const of = "ldapServerMetadata"
	if in == nil {
		return nil, "", nil
	}
	if e != catalog.ActiveMQ {
		return nil, "", bad(of, "[ldapServerMetadata] is not supported for %s brokers.", e.Title())
	}
	if err := required(presence{of + ".hosts", len(in.Hosts) > 0}, text(of+".roleBase", in.RoleBase), text(of+".roleSearchMatching", in.RoleSearchMatching),
		text(of+".serviceAccountUsername", in.ServiceAccountUsername), text(of+".serviceAccountPassword", in.ServiceAccountPassword),
		text(of+".userBase", in.UserBase), text(of+".userSearchMatching", in.UserSearchMatching)); err != nil {
		return nil, "", err
	}
	if len(in.Hosts) > 2 {
		return nil, "", bad(of+".hosts", "Specify one or two LDAP hosts.")
	}
	for _, h := range in.Hosts {
		if !qualified(h) {
			return nil, "", bad(of+".hosts", "LDAP host [%.100s] must be a fully qualified name without scheme and port.", h)
		}
	}
	if len(*in.ServiceAccountPassword) > 128 {
		return nil, "", bad(of+".serviceAccountPassword", "The password of the service account can have at most 128 characters.")
	}
	return &broker.LDAP{
		Hosts: in.Hosts, UserBase: *in.UserBase, UserSearchMatching: *in.UserSearchMatching, UserRole: kit.Value(in.UserRoleName),
		RoleBase: *in.RoleBase, RoleSearchMatching: *in.RoleSearchMatching, RoleName: kit.Value(in.RoleName),
		UserSubtree: kit.Value(in.UserSearchSubtree), RoleSubtree: kit.Value(in.RoleSearchSubtree), ServiceUser: *in.ServiceAccountUsername,
	}, *in.ServiceAccountPassword, nil
}

// directory is what is shown of a directory: all but the password.
func directory(l *broker.LDAP) *api.LdapServerMetadataOutput {
	if l == nil {
		return nil
	}
	return &api.LdapServerMetadataOutput{
		Hosts: l.Hosts, UserBase: &l.UserBase, UserSearchMatching: &l.UserSearchMatching, UserRoleName: kit.Optional(l.UserRole),
		RoleBase: &l.RoleBase, RoleSearchMatching: &l.RoleSearchMatching, RoleName: kit.Optional(l.RoleName),
		UserSearchSubtree: &l.UserSubtree, RoleSearchSubtree: &l.RoleSubtree, ServiceAccountUsername: &l.ServiceUser,
	}
}
