package sns

import (
	"errors"
	"net/mail"
	"strings"

	"millrace/runtime/arn"
	"millrace/runtime/delivery/target"
	"millrace/runtime/fault"
	"millrace/runtime/policy"
	"millrace/runtime/topic"
)

// The protocols of endpoints that cannot be here.
const (
	firehose    = "firehose"
	application = "application"
)

// checkEndpoint checks that an endpoint has the form of its protocol, and that the kind
// of topic delivers to it. owner is the account that a queue or a function belongs to.
func checkEndpoint(id topic.ID, protocol, endpoint string, attributes map[string]string) (owner string, err error) {
	if len(endpoint) > maxEndpoint {
		return "", invalid("Endpoint Reason: must not be longer than %d bytes", maxEndpoint)
	}
	switch protocol {
	case topic.SQS:
		owner, err = ownerOf(endpoint, "sqs", "SQS endpoint ARN")
	case topic.Lambda:
		owner, err = ownerOf(endpoint, "lambda", "Lambda endpoint ARN")
	case topic.HTTP, topic.HTTPS:
		err = checkURL(protocol, endpoint)
	case topic.Email, topic.EmailJSON:
		if !isEmail(endpoint) {
			err = invalid("Email address")
		}
	case topic.SMS:
		if !isPhone(endpoint) {
			err = invalidSMS(endpoint)
		}
	case firehose:
		err = checkFirehose(endpoint, attributes)
	case application:
		err = checkApplication(endpoint)
	default:
		err = invalid("Amazon SNS does not support this protocol string: %s", protocol)
	}
	if err != nil {
		return "", err
	}
	fifoQueue := protocol == topic.SQS && strings.HasSuffix(endpoint, ".fifo")
	switch {
	case fifoQueue && !id.FIFO():
		return "", invalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
	case id.FIFO() && protocol != topic.SQS:
		return "", invalid("Invalid parameter: Endpoint Reason: Please use FIFO SQS queue")
	}
	return owner, nil
}

// ownerOf reads the ARN of a queue or a function. text is what SNS says of others.
func ownerOf(endpoint, service, text string) (account string, err error) {
	a, err := arn.Parse(endpoint)
	switch {
	case err != nil || a.Service != service || !arn.IsRegion(a.Region) || !policy.IsAccount(a.Account),
		service == "sqs" && strings.ContainsAny(a.Resource, ":/"),
		service == "lambda" && !isFunction(a.Resource):
		return "", invalid("%s", text)
	}
	return a.Account, nil
}

// isFunction reports whether the resource of an ARN is a function, perhaps with an alias
// or a version.
func isFunction(resource string) bool {
	kind, rest, _ := strings.Cut(resource, ":")
	name, qualifier, qualified := strings.Cut(rest, ":")
	return kind == "function" && isIdentifier(name) && (!qualified || isIdentifier(strings.TrimPrefix(qualifier, "$")))
}

// checkURL checks the address of a web server. Messages must not reach where this runtime is
// managed: who may publish is not who may manage.
func checkURL(protocol, endpoint string) error {
	if !strings.HasPrefix(strings.ToLower(endpoint), protocol+"://") {
		return invalid("Endpoint must match the specified protocol")
	}
	if strings.ContainsAny(endpoint, " \\\t\r\n") {
		return invalid("HTTP(S) endpoint")
	}
	err := target.CheckURL(endpoint)
	if errors.Is(err, fault.Denied) {
		return invalid("Endpoint Reason: /_runtime is this runtime's own")
	}
	if err != nil {
		return invalid("HTTP(S) endpoint")
	}
	return nil
}

// masked is an endpoint as it is answered: without the password of its URL, in whose
// place stand four stars, as on AWS.
func masked(endpoint string) string {
	scheme, rest, ok := strings.Cut(endpoint, "://")
	if !ok {
		return endpoint
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 {
		return endpoint
	}
	user, _, secret := strings.Cut(rest[:at], ":")
	if !secret {
		return endpoint
	}
	return scheme + "://" + user + ":****" + rest[at:]
}

// isEmail reports whether a text is one address without a name.
func isEmail(endpoint string) bool {
	a, err := mail.ParseAddress(endpoint)
	return err == nil && a.Name == "" && a.Address == endpoint && len(endpoint) <= 320 && !strings.ContainsAny(endpoint, "<>;, ")
}

// checkFirehose refuses every delivery stream: there are none here.
func checkFirehose(endpoint string, attributes map[string]string) error {
	if a, err := arn.Parse(endpoint); err != nil || a.Service != firehose {
		return invalid("Firehose endpoint ARN")
	}
	if attributes[subscriptionRole] == "" {
		return invalid("Delivery protocol firehose can only be subscribed with subscription role arn")
	}
	return invalid("Endpoint Reason: Endpoint does not exist for endpoint %s", endpoint)
}

// checkApplication refuses every endpoint of mobile push: there are none here.
func checkApplication(endpoint string) error {
	if a, err := arn.Parse(endpoint); err != nil || a.Service != "sns" || !strings.HasPrefix(a.Resource, "endpoint/") {
		return invalid("Application endpoint arn invalid:%s", endpoint)
	}
	return invalid("Endpoint Reason: Endpoint does not exist for endpoint %s", endpoint)
}
