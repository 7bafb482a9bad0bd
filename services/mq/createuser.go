package mq

import (
	"context"
	"slices"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/kit"
)

// CreateUser   restJson1
//
//   - of ActiveMQ brokers: the user is pending until the next reboot or maintenance window
//   - RabbitMQ brokers keep their users themselves, and refuse it, unless the runtime was
//     started with --mq-live-users: then it takes effect in the broker at once
func (s *Service) CreateUser(ctx context.Context, in *api.CreateUserInput) (*api.CreateUserOutput, error) {
	b, err := s.userBroker(ctx, in.BrokerId)
	if err != nil {
		return nil, err
	}
	name := kit.Value(in.Username)
	if err := checkUserName(b.Engine, name); err != nil {
		return nil, err
	}
	if err := required(text("password", in.Password)); err != nil {
		return nil, err
	}
	e, err := userEdit(in.Password, in.Groups, in.ConsoleAccess, in.ReplicationUser)
	if err != nil {
		return nil, err
	}
	if err := checkRoles(kit.Value(in.ConsoleAccess), kit.Value(in.ReplicationUser)); err != nil {
		return nil, err
	}
	return &api.CreateUserOutput{}, s.changeUser(ctx, b, broker.Create, name, e)
}

// userBroker finds a broker whose users the API has.
func (s *Service) userBroker(ctx context.Context, id *string) (broker.Broker, error) {
	b, err := s.broker(ctx, id)
	switch {
	case err != nil:
		return b, err
	case b.Engine == catalog.RabbitMQ && !s.options.LiveUsers:
		return b, usersElsewhere()
	}
	return b, nil
}

// usersElsewhere refuses what is about the users of a RabbitMQ broker, which only the
// broker itself knows.
func usersElsewhere() error {
	return bad("", "To manage broker users, please use the RabbitMQ web console, or the management API.")
}

// userEdit checks what a request says of a user.
func userEdit(password *string, groups []string, console, replication *bool) (broker.UserEdit, error) {
	e := broker.UserEdit{Password: password, ConsoleAccess: console, ReplicationUser: replication}
	if password != nil {
		if err := checkPassword(*password); err != nil {
			return e, err
		}
	}
	if groups != nil {
		e.Groups = new(slices.Clone(groups))
	}
	return e, checkUserGroups(groups)
}

// changeUser has the next reboot change a user, or the broker itself at once.
func (s *Service) changeUser(ctx context.Context, b broker.Broker, change broker.Change, name string, e broker.UserEdit) error {
	if b.Engine != catalog.RabbitMQ {
		if b.Settings.Strategy == catalog.LDAP && change != broker.Delete {
			return bad("broker-id", "The users of broker [%s] are those of its LDAP directory.", b.ID)
		}
		return failure(s.brokers.ChangeUser(ctx, b, change, name, e, s.quota(catalog.MaxUsers)))
	}
	u := broker.User{Name: name, Password: kit.Value(e.Password), Groups: kit.Value(e.Groups), ConsoleAccess: kit.Value(e.ConsoleAccess)}
	return failure(s.brokers.ChangeLiveUser(ctx, b, u, change))
}
