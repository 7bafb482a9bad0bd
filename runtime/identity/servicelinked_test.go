package identity_test

import (
	"fmt"
	"sync"
	"testing"

	"millrace/runtime/fault"
	"millrace/runtime/identity"
)

// A service-linked role is made once, for each account that a service first needs it in.
func TestServiceLinkedRoleIsMadeOnce(t *testing.T) {
	roles := identity.NewRoles(open(t))
	var wg sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		wg.Go(func() {
			r, err := roles.ServiceLinked(t.Context(), account, "mq.amazonaws.com", noon)
			if err != nil {
				t.Error(err)
			}
			ids[i] = r.ID
		})
	}
	wg.Wait()
	r, ok := roles.Get(account, "AWSServiceRoleForAmazonMQ")
	if !ok || r.ARN() != "arn:aws:iam::"+account+":role/aws-service-role/mq.amazonaws.com/AWSServiceRoleForAmazonMQ" ||
		fmt.Sprint(r.Attached) != "[arn:aws:iam::aws:policy/aws-service-role/AmazonMQServiceRolePolicy]" || r.Service != "mq.amazonaws.com" || !r.Created.Equal(noon) {
		t.Errorf("made %+v", r)
	}
	for _, id := range ids {
		if id != r.ID {
			t.Errorf("made %s, and %s", r.ID, id)
		}
	}
	if len(roles.List(other)) != 0 {
		t.Error("another account has it too")
	}
	_, err := roles.ServiceLinked(t.Context(), account, "none.amazonaws.com", noon)
	wants(t, "of another service", err, fault.NotFound)
}
