package live

import (
	"log/slog"
	"sync"

	"millrace/runtime/fault"
)

// holds are what is not started while a condition lasts, such as a full disk: brokers by
// their ids, and single members of a cluster by the names of their nodes. It is tried again
// each second, so the log has only when that begins and ends.
type holds struct {
	log *slog.Logger

	mu    sync.Mutex
	names map[string]bool
}

func newHolds(log *slog.Logger) *holds { return &holds{log: log, names: map[string]bool{}} }

// tell is told what came of a start.
func (h *holds) tell(name string, err error) {
	why, held := fault.Told(err)
	h.mu.Lock()
	before := h.names[name]
	if held {
		h.names[name] = true
	} else {
		delete(h.names, name)
	}
	h.mu.Unlock()
	switch {
	case held && !before:
		h.log.Error("a broker is not started", "broker", name, "err", why)
	case before && err == nil:
		h.log.Info("a broker that had to wait is started", "broker", name)
	}
}

// tellHeld tells what came of a start of a member, of a cluster that serves meanwhile.
func (m *member) tellHeld(err error) {
	m.mu.Lock()
	launched := m.launched
	m.mu.Unlock()
	if b, _ := m.now(); launched {
		m.holds.tell(b.Nodes[m.n].Name, err)
	}
}
