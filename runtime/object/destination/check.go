package destination

import (
	"context"
	"errors"
	"slices"
	"strings"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/object/notify"
)

// Check asks each destination whether it exists and lets S3 send for the bucket. All that
// S3 cannot use are in one [notify.Error], notify.Unreachable. Any other error says that a
// destination could not be asked.
//
// A destination of another account needs no more than that: its policy has to allow S3,
// as that of one of the bucket's own account has to. Only a queue of that account which has
// no policy at all may be sent to without, see [WithoutPolicy].
func Check(all []notify.Destination, from Bucket, resolve delivery.Resolver) error {
	return ask(all, func(d notify.Destination) (*notify.Refusal, error) {
		target, err := resolve(d.ARN)
		switch {
		case errors.Is(err, fault.NotFound), errors.Is(err, fault.Invalid):
			return missing(d), nil
		case err != nil:
			return nil, err
		}
		err = target.Allows(from.source(target))
		if errors.Is(err, fault.Denied) {
			return denied(d), nil
		}
		return nil, err
	})
}

// WithoutPolicy returns the ARNs of the queues that have no policy: AWS would refuse them.
func WithoutPolicy(all []notify.Destination, resolve delivery.Resolver) (arns []string) {
	for _, d := range all {
		if t, err := resolve(d.ARN); err == nil && isOpen(t) && !slices.Contains(arns, d.ARN) {
			arns = append(arns, d.ARN)
		}
	}
	return arns
}

// Test sends s3:TestEvent to each queue and topic, once to one that several configurations
// name, and to no function. A queue without a policy gets none, since nothing was validated. It comes after Check: what refuses the message now, as a queue
// does whose KMS key is disabled, does not let S3 send.
//
// As on AWS the configuration is not to be stored when that fails; errors are those of
// Check. Some destinations may have the message all the same.
func Test(ctx context.Context, all []notify.Destination, from Bucket, body []byte, resolve delivery.Resolver) error {
	return ask(all, func(d notify.Destination) (*notify.Refusal, error) {
		if d.Kind == notify.Function {
			return nil, nil
		}
		target, err := resolve(d.ARN)
		if err == nil && !isOpen(target) {
			_, err = target.Deliver(ctx, message(from.Source(), body))
		}
		if delivery.IsFinal(err) || errors.Is(err, fault.Conflict) {
			return denied(d), nil
		}
		return nil, err
	})
}

// ask asks each destination, once whatever number of configurations name it, and gathers
// those that are refused.
func ask(all []notify.Destination, refuses func(notify.Destination) (*notify.Refusal, error)) error {
	var refused []notify.Refusal
	asked := map[string]bool{}
	for _, d := range all {
		if asked[d.ARN] {
			continue
		}
		asked[d.ARN] = true
		r, err := refuses(d)
		if err != nil {
			return err
		}
		if r != nil {
			refused = append(refused, *r)
		}
	}
	if refused == nil {
		return nil
	}
	return notify.RefuseAll(refused)
}

// missing is S3's word for a destination that is not there, as recorded from AWS.
func missing(d notify.Destination) *notify.Refusal {
	if d.Kind == notify.Function {
		return denied(d)
	}
	return &notify.Refusal{Argument: d.ARN, Why: "The destination " + noun(d) + " does not exist"}
}

// denied is S3's word for a destination that does not let it send, as recorded from AWS
// and shown by its console. Of a function that does not exist it says the same.
func denied(d notify.Destination) *notify.Refusal {
	if d.Kind == notify.Function {
		return &notify.Refusal{Argument: d.ARN + ", null", Why: "Not authorized to invoke function [" + d.ARN + "]"}
	}
	return &notify.Refusal{Argument: d.ARN, Why: "Permissions on the destination " + noun(d) + " do not allow S3 to publish notifications from this bucket"}
}

func noun(d notify.Destination) string { return strings.ToLower(string(d.Kind)) }
