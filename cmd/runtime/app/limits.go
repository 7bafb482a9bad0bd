package app

import (
	"errors"
	"fmt"

	"millrace/runtime/capacity"
	"millrace/runtime/capacity/disk"
)

// openRoom looks at the disk of the data folder; nil when what is stored is
// somewhere else.
func (a *App) openRoom() (*disk.Space, error) {
	if a.cfg.NATS == "" {
		return disk.Open(a.cfg.Data, a.cfg.Log)
	}
	if a.cfg.MaxStore != 0 {
		return nil, errors.New("--max-store limits the embedded store: limit what an external NATS server stores in its own configuration (max_file_store)")
	}
	return nil, nil
}

// limits are what can run out. Each says so to health, and to whoever would take
// more in.
func (a *App) limits(room *disk.Space) (g capacity.Gate, err error) {
	g = append(g, a.store)
	if room != nil {
		g = append(g, room)
	}
	if a.cfg.MaxStore > 0 {
		if err := a.blobs.Measure(a.blobsDir()); err != nil {
			return nil, fmt.Errorf("counting the contents of objects for --max-store: %w", err)
		}
		g = append(g, capacity.Quota(a.cfg.MaxStore, a.stored, a.cfg.Log))
	}
	if a.cfg.Memory != nil {
		g = append(g, a.cfg.Memory)
	}
	return g, nil
}

// stored is how many bytes are stored: in streams, and in the files of objects.
func (a *App) stored() int64 { return a.store.Stored() + a.blobs.Bytes() }
