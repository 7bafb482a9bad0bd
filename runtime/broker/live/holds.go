package live

import (
	"log/slog"
	"sync"

	"millrace/runtime/fault"
)

// holds are the nodes that are not started while a condition lasts, such as a full disk.
// They are tried again each second, so the log has only when that begins and ends.
type holds struct {
	log *slog.Logger

	mu    sync.Mutex
	nodes map[string]bool // by name
}

func newHolds(log *slog.Logger) *holds { return &holds{log: log, nodes: map[string]bool{}} }

// tell is told what came of a start of a node.
func (h *holds) tell(node string, err error) {
	why, held := fault.Told(err)
	h.mu.Lock()
	before := h.nodes[node]
	if held {
		h.nodes[node] = true
	} else {
		delete(h.nodes, node)
	}
	h.mu.Unlock()
	switch {
	case held && !before:
		h.log.Error("a broker's node is not started", "node", node, "err", why)
	case before && !held && err == nil:
		h.log.Info("a broker's node is started, which had to wait", "node", node)
	}
}
