package live

import (
	"errors"

	"millrace/runtime/broker/driver"
	"millrace/runtime/ca"
)

// A Site is what brokers stand on that were made by the runtime of one data folder. They
// keep it when another runtime on the same machine takes them over: their data is there.
type Site struct {
	// Folder is the absolute path of the data folder, where runtimes share their records;
	// else it may be moved, and is "".
	Folder string

	Drivers []driver.Driver // the first that works is that of a new broker
	CA      *ca.Authority
}

// site is that of a placement.
func (r *Runner) site(p placement) (Site, error) {
	if p.Folder == "" || p.Folder == r.config.Folder || r.config.Elsewhere == nil {
		return r.config.Site, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.elsewhere[p.Folder]
	if ok {
		return s, nil
	}
	s, err := r.config.Elsewhere(p.Folder)
	if err == nil {
		r.elsewhere[p.Folder] = s
	}
	return s, err
}

// Release lets go of the drivers. Brokers must have been stopped.
func (r *Runner) Release() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.config.Site.close()
	for folder, s := range r.elsewhere {
		err = errors.Join(err, s.close())
		delete(r.elsewhere, folder)
	}
	return err
}

func (s Site) close() (err error) {
	for _, d := range s.Drivers {
		err = errors.Join(err, d.Close())
	}
	return err
}
