package identity

import (
	"context"
	"errors"
	"strings"
	"time"

	"millrace/runtime/fault"
)

// A linkedRole is what AWS makes of a service-linked role.
type linkedRole struct {
	name        string
	description string
	policy      string // its one policy, below AWS's /aws-service-role/
}

// linkedRoles are the roles by the service's principal. Amazon MQ Developer Guide, "Using
// service-linked roles for Amazon MQ".
var linkedRoles = map[string]linkedRole{
	"mq.amazonaws.com": {"AWSServiceRoleForAmazonMQ", "Allows Amazon MQ to call AWS services on your behalf", "AmazonMQServiceRolePolicy"},
}

const linkedPath = "/aws-service-role/"

// ServiceLinked returns an account's service-linked role for a service, such as
// "mq.amazonaws.com", and makes it if there is none; now is when. fault.NotFound for a
// service that has none here.
func (rs *Roles) ServiceLinked(ctx context.Context, account, service string, now time.Time) (Role, error) {
	linked, ok := linkedRoles[service]
	if !ok {
		return Role{}, fault.New(fault.NotFound, "%s has no service-linked role", service)
	}
	if r, ok := rs.Get(account, linked.name); ok {
		return r, nil
	}
	r := Role{
		Account: account, Name: linked.name, Path: linkedPath + service + "/", ID: NewID("AROA"),
		Description: linked.description, MaxSession: 3600, Created: now.UTC().Truncate(time.Second), Service: service,
		Trust:    strings.ReplaceAll(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"SERVICE"},"Action":"sts:AssumeRole"}]}`, "SERVICE", service),
		Attached: []string{"arn:aws:iam::aws:policy" + linkedPath + linked.policy},
	}
	err := rs.Create(ctx, r)
	if errors.Is(err, fault.Exists) { // another call was faster
		if r, ok := rs.Get(account, linked.name); ok {
			return r, nil
		}
	}
	return r, err
}
