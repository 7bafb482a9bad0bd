package rabbitmq

import (
	"encoding/json"

	"millrace/runtime/broker/catalog"
)

// The objects of Amazon MQ Developer Guide, "Broker defaults" and "Policies".
const (
	singlePolicy   = "AWS-DEFAULT-POLICY-SINGLE-INSTANCE"
	clusterPolicy3 = "AWS-DEFAULT-POLICY-CLUSTER-MULTI-AZ"
	clusterPolicy4 = "AWS-DEFAULT-POLICY-CLUSTER"
	quorumPolicy   = "AWS-DEFAULT-QUORUM-QUEUES-POLICY-CLUSTER-MULTI-AZ"
	mirrorPolicy   = "ha-all-AWS-OWNED-DO-NOT-DELETE"
	operatorName   = "default_operator_policy_AWS_managed"
)

// definitions are RabbitMQ's, as far as brokers are born with them.
type definitions struct {
	VHosts      []vhost      `json:"vhosts,omitempty"`
	Users       []user       `json:"users,omitempty"`
	Permissions []permission `json:"permissions,omitempty"`
	Policies    []policy     `json:"policies,omitempty"`
	Parameters  []parameter  `json:"parameters,omitempty"`
}

type vhost struct {
	Name     string         `json:"name"`
	Metadata map[string]any `json:"metadata,omitempty"`
}

type user struct {
	Name    string   `json:"name"`
	Hash    string   `json:"password_hash"`
	Hashing string   `json:"hashing_algorithm"`
	Tags    []string `json:"tags"`
}

type permission struct {
	User      string `json:"user"`
	VHost     string `json:"vhost"`
	Configure string `json:"configure"`
	Write     string `json:"write"`
	Read      string `json:"read"`
}

type policy struct {
	VHost      string         `json:"vhost,omitempty"`
	Name       string         `json:"name,omitempty"`
	Pattern    string         `json:"pattern"`
	ApplyTo    string         `json:"apply-to"`
	Priority   int            `json:"priority"`
	Definition map[string]any `json:"definition"`
}

type parameter struct {
	Component string `json:"component"`
	Name      string `json:"name"`
	VHost     string `json:"vhost"`
	Value     any    `json:"value"`
}

func everything(user string) permission {
	return permission{User: user, VHost: "/", Configure: ".*", Write: ".*", Read: ".*"}
}

// birth is what a new broker has.
func (r *renderer) birth() definitions {
	root := vhost{Name: "/", Metadata: map[string]any{"description": "Default virtual host", "tags": []string{}}}
	if r.four() && r.version.knows("default_queue_type") {
		root.Metadata["default_queue_type"] = "quorum"
	}
	d := definitions{VHosts: []vhost{root}, Policies: r.policies()}
	if len(r.Users) > 0 {
		u := r.Users[0]
		d.Users = []user{{Name: u.Name, Hash: hash(r.seed.Salt, u.Password), Hashing: hashing, Tags: []string{"administrator"}}}
		d.Permissions = []permission{everything(u.Name)}
	}
	if p, ok := operatorPolicyOf(r.Version, r.version); ok {
		d.Parameters = append(d.Parameters, p.parameter())
	} else {
		r.leaveOut("the operator policy %s", operatorName)
	}
	if l, ok := catalog.VirtualHostOf(r.Version, r.Instance, r.Mode); ok {
		d.Parameters = append(d.Parameters, parameter{Component: "vhost-limits", Name: "limits", VHost: "/",
			Value: map[string]any{"max-queues": l.MaxQueues, "max-connections": l.MaxConnections}})
	}
	return d
}

// policies are those that a new broker has, and that its owner may change.
func (r *renderer) policies() []policy {
	body := map[string]any{"queue-mode": "lazy"}
	most, limited := catalog.MaxLength(r.Instance, r.Mode)
	if limited {
		body["max-length"], body["overflow"] = most, "reject-publish"
	}
	p := policy{VHost: "/", Name: singlePolicy, Pattern: ".*", ApplyTo: "all", Definition: body}
	if r.Mode != catalog.Cluster {
		return []policy{p}
	}

	p.Name, p.Priority, p.ApplyTo = clusterPolicy3, 1, "queues"
	if r.four() {
		p.Name = clusterPolicy4
	}
	mirrors := !r.four() && r.version.mirrors()
	if mirrors {
		p.mirror()
	} else if !r.four() {
		r.leaveOut("mirroring of classic queues")
	}
	all := []policy{p}
	if r.knows(typedPolicies, "policies for queues of one type, such as "+quorumPolicy) {
		all[0].ApplyTo = "classic_queues"
		all = append(all, policy{VHost: "/", Name: quorumPolicy, Pattern: ".*", ApplyTo: "quorum_queues", Priority: 1,
			Definition: map[string]any{"max-length": most, "overflow": "reject-publish"}})
	}
	if mirrors {
		all = append(all, ownedMirrors())
	}
	return all
}

// mirror has the queues of a policy mirrored on all nodes of the cluster.
func (p policy) mirror() {
	delete(p.Definition, "ha-params") // of other modes
	p.Definition["ha-mode"], p.Definition["ha-sync-mode"] = "all", "automatic"
}

func (p policy) parameter() parameter {
	return parameter{Component: "operator_policy", Name: operatorName, VHost: "/", Value: p}
}

// operatorPolicyOf is the one that Amazon MQ owns, as far as the software that runs
// accepts it; false when it accepts none of it.
func operatorPolicyOf(catalogue string, running version) (policy, bool) {
	p := policy{Pattern: ".*", ApplyTo: "classic_queues", Definition: map[string]any{"queue-version": 2}}
	if catalog.Series(catalogue) == "3" && running.mirrors() {
		p.mirror()
	}
	return p, running.knows(typedPolicies)
}

func (d definitions) json() ([]byte, error) { return json.MarshalIndent(d, "", "  ") }
