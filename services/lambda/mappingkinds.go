package lambda

import (
	"millrace/esm"
	"millrace/esm/source"
	"millrace/esm/source/rabbitmq"
	"millrace/runtime/arn"
	"millrace/runtime/function"
	"millrace/runtime/queue"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/kit"
)

// A mappingKind is what requests for mappings of a kind of source may say, and how
// Lambda shows them.
type mappingKind struct {
	// takes are those members of a request that some kinds have and this one has too.
	takes map[string]bool

	duplicate func(other esm.Mapping) string // the text of a refusal
	reason    func(esm.Mapping) string       // its StateTransitionReason
	show      func(esm.Mapping, *api.EventSourceMappingConfiguration)
}

var (
	ofQueue = &mappingKind{
		takes: map[string]bool{
			"FunctionResponseTypes": true, "KMSKeyArn": true, "LoggingConfig": true, "MetricsConfig": true, "ProvisionedPollerConfig": true, "ScalingConfig": true,
		},
		duplicate: func(m esm.Mapping) string {
			return `An event source mapping with SQS arn (" ` + m.EventSource + ` ") and function (" ` + targetName(m) + ` ") already exists. ` +
				`Please update or delete the existing mapping with UUID ` + m.UUID
		},
		reason: queueReason,
		show: func(m esm.Mapping, out *api.EventSourceMappingConfiguration) {
			out.FunctionResponseTypes = append([]string{}, m.ResponseTypes...)
		},
	}
	ofBroker = &mappingKind{
		takes: map[string]bool{"KMSKeyArn": true, "LoggingConfig": true, "Queues": true, "SourceAccessConfigurations": true},
		duplicate: func(m esm.Mapping) string {
			return `The event source arn (" ` + m.EventSource + ` ") and function (" ` + targetName(m) + ` ") provided mapping already exists. ` +
				`Please update or delete the existing mapping with UUID ` + m.UUID
		},
		reason: brokerReason,
		show: func(m esm.Mapping, out *api.EventSourceMappingConfiguration) {
			out.Queues = []string{m.Queue}
			for _, a := range m.Access {
				out.SourceAccessConfigurations = append(out.SourceAccessConfigurations, &api.SourceAccessConfiguration{Type: &a.Type, URI: &a.URI})
			}
			out.LastProcessingResult = new(lastResult(m))
		},
	}
)

func targetName(m esm.Mapping) string {
	id, _, _ := function.IDFromARN(m.FunctionARN)
	return id.Name
}

// kindOf finds the kind of a source by its ARN; nil when there is none.
func kindOf(eventSource string) *mappingKind {
	if _, ok := queue.IDFromARN(eventSource); ok {
		return ofQueue
	}
	if a, err := arn.Parse(eventSource); err == nil {
		if _, ok := rabbitmq.BrokerFromARN(a); ok {
			return ofBroker
		}
	}
	return nil
}

// check refuses the first member of a request that the kind does not take, or that is
// not supported.
func (k *mappingKind) check(given []member) error {
	for _, m := range given {
		if m.given && !k.takes[m.name] {
			return invalidValue("Unsupported %s parameter for given event source mapping type.", m.name)
		}
	}
	for _, m := range given {
		if m.given && m.missing {
			return invalidValue("%s is not supported by Millrace.", m.name)
		}
	}
	return nil
}

// A member of a request.
type member struct {
	name    string
	given   bool
	missing bool // not supported here, whatever the kind
}

// access reads SourceAccessConfigurations of a broker's mapping: one BASIC_AUTH with the
// ARN of a secret, and before the mapping is made a VIRTUAL_HOST too.
func access(all []*api.SourceAccessConfiguration, create bool) (out []source.Access, err error) {
	n := map[string]int{}
	for _, c := range all {
		a := source.Access{Type: kit.Value(c.Type), URI: kit.Value(c.URI)}
		n[a.Type]++
		switch {
		case a.Type == source.BasicAuth:
			if s, err := arn.Parse(a.URI); err != nil || s.Service != "secretsmanager" {
				return nil, invalidValue("The URI of BASIC_AUTH must be the ARN of a secret in Secrets Manager.")
			}
		case a.Type == source.VirtualHost && !create:
			return nil, invalidValue("VIRTUAL_HOST cannot be specified when updating an event source mapping.")
		case a.Type != source.VirtualHost:
			return nil, invalidValue("Unsupported source access configuration type %s for given event source mapping type.", a.Type)
		}
		if n[a.Type] > 1 {
			return nil, invalidValue("There must be no more than one source access configuration of type %s.", a.Type)
		}
		out = append(out, a)
	}
	if n[source.BasicAuth] == 0 {
		return nil, invalidValue("A source access configuration of type BASIC_AUTH is required for given event source mapping type.")
	}
	return out, nil
}
