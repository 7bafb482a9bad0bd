package broker

import "context"

// desired is what the Runner gets to run a broker: its record with passwords opened and
// the text of its configuration.
func (bs *Brokers) desired(ctx context.Context, b Broker) (Desired, error) {
	d := Desired{
		ID: b.ID, Name: b.Name, Account: b.Account, Region: b.Region,
		Engine: b.Engine, Version: b.Settings.Version, Instance: b.Settings.Instance, Mode: b.Mode, Strategy: b.Settings.Strategy,
	}
	if c := b.Settings.Configuration; c.ID != "" {
		of, err := bs.Configurations.Get(ctx, b.Account, b.Region, c.ID)
		if err != nil {
			return d, err
		}
		r, err := bs.Configurations.Revision(ctx, of, c.Revision)
		if err != nil {
			return d, err
		}
		d.Configuration = r.Data
	}
	s, err := sealerOf(bs.config.Keys, &b)
	if err != nil {
		return d, err
	}
	for _, u := range b.Users {
		if u.Pending != nil && u.Pending.Change == Create {
			continue // the next planned reboot makes it
		}
		password, err := s.open(u.Password)
		if err != nil {
			return d, err
		}
		d.Users = append(d.Users, User{Name: u.Name, Password: password, Groups: u.Groups, ConsoleAccess: u.ConsoleAccess, ReplicationUser: u.ReplicationUser})
	}
	return d, nil
}
