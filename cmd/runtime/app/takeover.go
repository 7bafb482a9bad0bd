package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"millrace/runtime/broker"
	"millrace/runtime/lifecycle"
	"millrace/runtime/store/cluster"
	"millrace/runtime/store/record"
)

// A site is where a runtime, by its home, keeps its data.
type site struct {
	Folder string // absolute path of the data folder
}

// A takeover runs here the brokers of runtimes on the same NATS servers that have ended,
// when their data folders are on this machine too. It is a lifecycle.Part.
type takeover struct {
	life    lifecycle.StartStop
	home    string
	folder  string
	sites   *record.Table[site]
	brokers *broker.Brokers
	cluster *cluster.Cluster
	log     *slog.Logger
}

func (a *App) newTakeover(home string, brokers *broker.Brokers) *takeover {
	return &takeover{
		home: home, folder: absolute(a.cfg.Data), sites: record.NewTable[site](a.records, "runtimesite"),
		brokers: brokers, cluster: a.others, log: a.cfg.Log,
	}
}

// Start implements lifecycle.Part.
func (t *takeover) Start(ctx context.Context) error {
	return t.life.Start(ctx, func(ctx context.Context, run *lifecycle.Run) error {
		own := site{t.folder}
		if was, ok := t.sites.Get(t.home); !ok {
			if err := t.sites.Create(ctx, t.home, own); err != nil {
				return err
			}
		} else if was != own {
			if _, err := t.sites.Update(ctx, t.home, func(site) (site, error) { return own, nil }); err != nil {
				return err
			}
		}
		run.Go(func() { t.follow(run.Halted()) })
		return nil
	})
}

// Stop implements lifecycle.Part.
func (t *takeover) Stop(ctx context.Context) error { return t.life.Stop(ctx, "takeovers of brokers") }

// looks is how often a takeover looks for runtimes that have ended after it was told that
// one leaves: it says so before it lets go of its folder.
const looks = 60

// follow looks for runtimes that have ended, each time another one has come or gone.
func (t *takeover) follow(ctx context.Context) {
	for {
		changed := t.cluster.View().Changed()
		for range looks {
			if !t.look(ctx) {
				break
			}
			select {
			case <-time.After(time.Second):
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// look takes over what it can, and reports whether there is a runtime on this machine whose
// brokers it could take over once that has ended.
func (t *takeover) look(ctx context.Context) (others bool) {
	for _, home := range t.brokers.Elsewhere() {
		s, ok := t.sites.Get(home)
		if !ok || !t.isHere(home, s) {
			continue
		}
		others = true
		held, err := acquire(s.Folder) // so that it does not come back meanwhile
		if err != nil {
			continue
		}
		if err := t.brokers.TakeOver(ctx, home); err != nil && ctx.Err() == nil {
			t.log.Error("the brokers of a runtime that has ended could not be taken over", "folder", s.Folder, "err", err)
		}
		if err := held.release(); err != nil {
			t.log.Warn("letting go of another runtime's data folder failed", "folder", s.Folder, "err", err)
		}
	}
	return others
}

// isHere reports whether the data folder of a home is on this machine: its own file says
// whose it is.
func (t *takeover) isHere(home string, s site) bool {
	id, err := os.ReadFile(filepath.Join(s.Folder, "home"))
	return err == nil && string(id) == home
}
