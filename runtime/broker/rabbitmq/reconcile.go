package rabbitmq

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"millrace/runtime/broker"
	"millrace/runtime/fault"
)

const (
	guest = "guest"

	// byCommand is each how many calls Reconcile runs commands when nobody can log in:
	// they cost a second of processor time, of the machine and not of the runtime.
	byCommand = 30
)

// Reconcile implements engine.Control. Amazon MQ Developer Guide, "Broker users": guest is
// removed; "Policies": the operator policy comes back.
func (c *control) Reconcile(ctx context.Context) ([]string, error) {
	if c.api.user.Name != "" {
		changed, err := c.reconcile(ctx)
		if !unauthorized(err) {
			c.count(0)
			return changed, err
		}
	}
	if c.count(1)%byCommand != 1 {
		return nil, nil
	}
	return nil, c.reconcileByCommand(ctx)
}

// count counts calls that had to do without a login; 0 begins again.
func (c *control) count(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = (c.calls + n) * n
	return c.calls
}

func (c *control) reconcile(ctx context.Context) (changed []string, err error) {
	if want, ok := operatorPolicyOf(c.Version, c.running); ok {
		restored, err := c.restore(ctx, want)
		if err != nil {
			return nil, err
		}
		if restored {
			changed = append(changed, "restored the operator policy "+operatorName)
		}
	}
	if c.mirrored() {
		mirrored, err := c.mirrorAll(ctx)
		changed = append(changed, mirrored...)
		if err != nil {
			return changed, err
		}
	}
	err = c.api.call(ctx, http.MethodGet, "/api/users/"+guest, nil, nil)
	if missing(err) {
		return changed, nil
	}
	if err == nil {
		err = c.api.call(ctx, http.MethodDelete, "/api/users/"+guest, nil, nil)
	}
	if err != nil {
		return changed, err
	}
	return append(changed, "removed the user guest"), nil
}

// restore puts the operator policy back when it is another one or gone. A broker without
// the virtual host "/" has none.
func (c *control) restore(ctx context.Context, want policy) (bool, error) {
	const path = "/api/operator-policies/%2F"
	var all []policy // one alone cannot be asked for where changes are restricted
	err := c.api.call(ctx, http.MethodGet, path, nil, &all)
	if missing(err) {
		return false, nil
	}
	if err != nil || slices.ContainsFunc(all, want.same) {
		return false, err
	}
	err = c.api.call(ctx, http.MethodPut, path+"/"+operatorName, want, nil)
	var s *status
	if errors.As(err, &s) && s.code == http.StatusMethodNotAllowed { // restricted, for all users
		err = c.load(ctx, definitions{Parameters: []parameter{want.parameter()}})
	}
	return err == nil, err
}

// same reports that another operator policy, as the API shows it, is the one Amazon MQ owns.
func (p policy) same(has policy) bool {
	return has.Name == operatorName && has.Pattern == p.Pattern && has.ApplyTo == p.ApplyTo && has.Priority == p.Priority &&
		asJSON(has.Definition) == asJSON(p.Definition)
}

// asJSON makes maps comparable that were read from JSON and ones that were not.
func asJSON(m map[string]any) string {
	b, _ := json.Marshal(m)
	return string(b)
}

func missing(err error) bool {
	var s *status
	return errors.As(err, &s) && s.code == http.StatusNotFound
}

// reconcileByCommand does the same where no user is known, but leaves policies of the
// broker's owner as they are.
func (c *control) reconcileByCommand(ctx context.Context) error {
	out, err := c.exec(ctx, "", "rabbitmqctl", "--quiet", "--formatter", "json", "list_users")
	if err != nil {
		return err
	}
	var users []struct{ User string }
	if err := json.Unmarshal(out, &users); err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading the users of the broker")
	}
	for _, u := range users {
		if u.User == guest {
			if err := c.deleteUser(ctx, guest); err != nil {
				return err
			}
		}
	}
	var d definitions
	if want, ok := operatorPolicyOf(c.Version, c.running); ok {
		d.Parameters = []parameter{want.parameter()}
	}
	if c.mirrored() {
		d.Policies = []policy{ownedMirrors()}
	}
	if d.Parameters == nil && d.Policies == nil {
		return nil
	}
	return c.load(ctx, d)
}

// load imports definitions into the running broker. They go through stdin, as an Erlang
// term that has them as base64: the command for it reads no stdin where Elixir is newer
// than RabbitMQ.
func (c *control) load(ctx context.Context, d definitions) error {
	b, err := d.json()
	if err != nil {
		return err
	}
	term := fmt.Sprintf("rabbit_definitions:import_raw(base64:decode(%q)).\n", base64.StdEncoding.EncodeToString(b))
	out, err := c.exec(ctx, term, "rabbitmqctl", "eval")
	if err != nil {
		return err
	}
	if out = bytes.TrimSpace(out); !bytes.Equal(out, []byte("ok")) {
		return fault.New(fault.Unavailable, "The broker did not take definitions.") // what it prints may have them
	}
	return nil
}

func (c *control) deleteUser(ctx context.Context, name string) error {
	_, err := c.exec(ctx, "", "rabbitmqctl", "--quiet", "delete_user", "--", name)
	return err
}

// User implements engine.Control. Groups that are tags of RabbitMQ become tags;
// ConsoleAccess is the tag management at least. A user may do everything in "/".
func (c *control) User(ctx context.Context, u broker.User, change broker.Change) error {
	if u.Name == guest {
		return fault.New(fault.Invalid, "RabbitMQ brokers have no user guest.")
	}
	if change == broker.Delete {
		return c.deleteUser(ctx, u.Name)
	}
	d, err := c.userDefinitions(u)
	if err != nil {
		return err
	}
	return c.load(ctx, d)
}
