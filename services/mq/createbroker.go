package mq

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// CreateBroker   restJson1
//
//   - answers at once; the broker is CREATION_IN_PROGRESS until its software serves,
//     then RUNNING, or CREATION_FAILED with the reason in actionsRequired
//   - a name is 1 to 50 of A-Z a-z 0-9 - _, and free in the account and region
//   - what can be chosen follows the tables of DescribeBrokerInstanceOptions; a version
//     that is left out is the newest that the instance type allows
//   - the same creatorRequestId with the same parameters is the same broker
//   - without a configuration the broker gets one of its own
//
// Not supported: replicas in other regions (dataReplicationMode CRDR is refused). There is
// no network: subnets, security groups and public access are shown and have no effect, and
// those that are left out are made up. The three nodes of a cluster are on one machine, behind
// an endpoint that is away while the runtime is. ActiveMQ brokers, and RabbitMQ brokers whose
// configuration names OAuth 2, LDAP, HTTP, certificates or ARNs are CREATION_FAILED with the
// reason, unless --mq-driver metadata runs them as records alone. What runs is RabbitMQ of the
// version that is here, which knows less when it is older than the version that was asked for:
// before 3.12 no limits of channels, consumers, queues, exchanges and shovels, before 3.13 no
// operator policy of Amazon's and no relaxed redeclaration of quorum queues; on none the
// Prometheus endpoints of 4.2. runtime start --log-level info names what was left out.
func (s *Service) CreateBroker(ctx context.Context, in *api.CreateBrokerInput) (*api.CreateBrokerOutput, error) {
	c := identity.From(ctx)
	b, p, err := s.newBroker(ctx, in)
	if err != nil {
		return nil, failure(err)
	}
	b.Account, b.Region = c.Account, c.Region
	b.Token, p.Asked = kit.Value(in.CreatorRequestId), fingerprint(in)
	b, err = s.brokers.Create(ctx, b, p, s.quota(catalog.MaxBrokers), s.ownConfiguration(b))
	if err != nil {
		return nil, failure(err)
	}
	return &api.CreateBrokerOutput{BrokerId: &b.ID, BrokerArn: new(b.ARN().String())}, nil
}

// fingerprint is the same for equal requests.
func fingerprint(in *api.CreateBrokerInput) string {
	text, err := json.Marshal(in)
	if err != nil {
		panic(err) // it has come as JSON
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

var brokerName = form{1, 50, regexp.MustCompile(`^[A-Za-z0-9_-]+$`)}

// newBroker checks a request, and is the broker that it asks for.
func (s *Service) newBroker(ctx context.Context, in *api.CreateBrokerInput) (b broker.Broker, p broker.Passwords, err error) {
	if err := required(text("brokerName", in.BrokerName), text("engineType", in.EngineType), text("deploymentMode", in.DeploymentMode),
		text("hostInstanceType", in.HostInstanceType), presence{"publiclyAccessible", in.PubliclyAccessible != nil}); err != nil {
		return b, p, err
	}
	if !brokerName.fits(*in.BrokerName) {
		return b, p, bad("brokerName", "Broker name must be 1-50 characters of letters, digits, dashes and underscores.")
	}
	b.Name, b.Public, b.Tags = *in.BrokerName, *in.PubliclyAccessible, in.Tags
	choice, err := s.choice(in)
	if err != nil {
		return b, p, err
	}
	b.Engine, b.Mode, b.Storage = choice.Engine, choice.Mode, choice.Storage
	b.Settings.Version, b.Settings.Instance = choice.Version, choice.Instance
	b.AutoMinor = true
	for _, step := range []func() error{
		func() error { return s.setSize(&b, choice, in.StorageSize) },
		func() error { return checkAutoMinor(&b, in.AutoMinorVersionUpgrade) },
		func() error { return checkReplication(in.DataReplicationMode, in.DataReplicationPrimaryBrokerArn) },
		func() (err error) { b.Settings.Logs, err = logs(b.Engine, in.Logs, b.Settings.Logs); return err },
		func() error { return setNetwork(ctx, &b, in) },
		func() error { return setEncryption(&b, in.EncryptionOptions) },
		func() (err error) { b.Window, err = windowOf(in.MaintenanceWindowStartTime); return err },
		func() error { return s.setConfiguration(ctx, &b, in.Configuration) },
		func() error { return setStrategy(&b, &p, in) },
		func() error { return setUsers(&b, &p, in.Users, s.quota(catalog.MaxUsers)) },
		func() error { return checkTags(in.Tags) },
	} {
		if err := step(); err != nil {
			return b, p, err
		}
	}
	return b, p, nil
}

// choice is what of a request the catalogue decides on.
func (s *Service) choice(in *api.CreateBrokerInput) (c catalog.Choice, err error) {
	if c.Engine, err = member("engineType", in.EngineType, catalog.ParseEngine); err != nil {
		return c, err
	}
	if c.Mode, err = member("deploymentMode", in.DeploymentMode, catalog.ParseMode); err != nil {
		return c, err
	}
	if c.Storage, err = member("storageType", in.StorageType, catalog.ParseStorage); err != nil {
		return c, err
	}
	if c.Storage == "" {
		c.Storage = catalog.DefaultStorage(c.Engine)
	}
	c.Instance, c.Version = *in.HostInstanceType, kit.Value(in.EngineVersion)
	if c.Version == "" {
		version, ok := s.catalog().Newest(c.Engine, c.Instance, c.Mode)
		if !ok {
			version = catalog.Versions(c.Engine)[0].Name // the catalogue says what is wrong
		}
		c.Version = version
	}
	return c, s.catalog().Offers(c)
}

func (s *Service) setSize(b *broker.Broker, c catalog.Choice, size *int32) error {
	if size == nil {
		return nil
	}
	b.Settings.StorageSize = int(*size)
	return catalog.Sized(c, int(*size))
}
