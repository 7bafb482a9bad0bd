package app

import "path/filepath"

// marks is where queues keep what their logs hold. A server that others write to
// as well is not ours to watch.
func (a *App) marks() string {
	if a.cfg.NATS != "" {
		return ""
	}
	return filepath.Join(a.cfg.Data, "marks")
}
