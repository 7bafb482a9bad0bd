package function_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"millrace/runtime/delivery"
	"millrace/runtime/delivery/deliverytest"
	"millrace/runtime/fault"
	"millrace/runtime/policy"
	"millrace/runtime/sandbox"
)

// deliveries runs every event that reaches the function, and records it.
func (w *world) deliveries() (arrived func() []delivery.Event) {
	var mu sync.Mutex
	var events []delivery.Event
	w.runner.does(func(_ context.Context, _ sandbox.Spec, r sandbox.Request) (sandbox.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, delivery.Event{ID: r.ID, Body: slices.Clone(r.Payload), TraceHeader: r.TraceHeader})
		return sandbox.Result{}, nil
	})
	return func() []delivery.Event {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(events)
	}
}

// wrongTargets are names of no function, but for their kind's prefix.
var wrongTargets = []string{
	"", "\x00", "orders", orders.ARN().String() + "none", orders.ARN().String() + ":$LATEST:x",
	"arn:aws:lambda:us-east-1:000000000000:function:", "arn:aws:lambda:us-east-1:000000000000:layer:orders",
	"arn:aws:sqs:us-east-1:000000000000:orders",
}

// As a target of others, a function takes an event once the outbox has it.
func TestFunctionsAreTargets(t *testing.T) {
	owner := delivery.Source{Principal: policy.RootPrincipal(orders.Account), Account: orders.Account}
	deliverytest.Exercise(t, func(t *testing.T) deliverytest.Kit {
		w := open(t, t.TempDir(), withOutbox)
		w.mustCreate(t, ordersFunction(), "#!one")
		return deliverytest.Kit{
			Resolve: w.Resolvers()["lambda"], Name: orders.ARN().String(), Wrong: wrongTargets,
			Allowed: owner,
			Denied:  &delivery.Source{Principal: policy.Principal{Service: "sns.amazonaws.com"}, ARN: "arn:aws:sns:us-east-1:000000000000:t", Account: orders.Account},
			Arrived: w.deliveries(), Gone: func() { w.mustDelete(t) },
		}
	})
}

// As the target of its invocations, a function has to run an event to take it.
func TestInvocationsAreTargets(t *testing.T) {
	wrong := []string{""}
	for _, name := range wrongTargets {
		wrong = append(wrong, "invocation:"+name)
	}
	deliverytest.Exercise(t, func(t *testing.T) deliverytest.Kit {
		w := open(t, t.TempDir())
		w.mustCreate(t, ordersFunction(), "#!one")
		arrived := w.deliveries()
		return deliverytest.Kit{
			Resolve: w.Resolvers()["invocation"], Name: "invocation:" + orders.ARN().String() + ":$LATEST", Wrong: wrong,
			Arrived: arrived, Gone: func() { w.mustDelete(t) },
			Refuse: func() {
				w.runner.does(func(context.Context, sandbox.Spec, sandbox.Request) (sandbox.Result, error) {
					return sandbox.Result{}, fault.New(fault.Throttled, "too many environments are busy")
				})
			},
			Heal: func() { w.runner.does(nil) },
			Hang: func() {
				w.runner.does(func(ctx context.Context, _ sandbox.Spec, _ sandbox.Request) (sandbox.Result, error) {
					<-ctx.Done()
					return sandbox.Result{}, ctx.Err()
				})
			},
		}
	})
}

func (w *world) mustDelete(t *testing.T) {
	t.Helper()
	if err := w.Delete(t.Context(), orders); err != nil {
		t.Fatal(err)
	}
}
