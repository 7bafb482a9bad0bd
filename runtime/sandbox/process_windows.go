package sandbox

import "millrace/runtime/fault"

// startProcess refuses: a bootstrap is a Unix program. Go handlers run.
func (*Pool) startProcess(*environment) (runtimeProcess, *failure, error) {
	return nil, nil, fault.New(fault.Unavailable, "Functions run as processes on Linux and macOS only: use Windows' subsystem for Linux, or Pool.Handle.")
}
