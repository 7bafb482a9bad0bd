package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"

	"millrace/esm"
	esmtarget "millrace/esm/target"
	"millrace/runtime/function"
	"millrace/runtime/sandbox"
	"millrace/services/admin"
	"millrace/services/lambda"
)

func openLambda(ctx context.Context, a *App) (Offer, error) {
	temp, err := freshTemp(a.cfg.Data)
	if err != nil {
		return Offer{}, err
	}
	sandboxes := sandbox.New(sandbox.Config{Endpoint: a.Endpoint, Temp: temp, Output: a.cfg.Output, Log: a.cfg.Log})
	if err := a.stack.Start(ctx, "sandboxes", sandboxes); err != nil {
		return Offer{}, err
	}

	if a.functions, err = function.Open(ctx, function.Config{
		Records: a.records, Keys: a.keys, JetStream: a.store.JetStream(), Dir: filepath.Join(a.cfg.Data, "functions"),
		Runner: sandboxes, Outbox: a.outbox, Log: a.cfg.Log,
	}); err != nil {
		return Offer{}, err
	}
	maps.Copy(a.targets, a.functions.Resolvers())
	a.senders[function.Sender] = function.AsyncSender

	invoked := esmtarget.Functions{Functions: a.functions}
	mappings := esm.New(esm.Config{Records: a.records, Invoker: invoked, Timeout: invoked.Timeout, Sources: a.sources, Log: a.cfg.Log})
	if err := a.stack.Start(ctx, "event source mappings", mappings); err != nil {
		return Offer{}, err
	}
	service := lambda.New(a.functions, mappings, a.objects)
	return Offer{
		Service: service,
		Routes:  map[string]http.Handler{"/_runtime/code/": service.CodeHandler()},
		Reset: func(ctx context.Context) error {
			if err := mappings.Reset(ctx); err != nil {
				return err
			}
			return a.functions.Reset(ctx)
		},
		Status: func(context.Context) ([]admin.Count, error) {
			return []admin.Count{{Of: "functions", N: len(a.functions.All())}, {Of: "eventSourceMappings", N: len(mappings.List(nil))}}, nil
		},
	}, nil
}

// freshTemp makes the folder of the functions' temporary folders, without what a
// killed process left in it.
func freshTemp(data string) (string, error) {
	dir, err := filepath.Abs(filepath.Join(data, "tmp"))
	if err == nil {
		err = errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700))
	}
	if err != nil {
		return "", fmt.Errorf("making the functions' temporary folder: %w", err)
	}
	return dir, nil
}
