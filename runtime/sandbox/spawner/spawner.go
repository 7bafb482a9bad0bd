// Package spawner starts processes whose descendants are known and end with them.
//
//	var s spawner.Spawner
//	defer s.Stop()
//	p, err := s.Start(spawner.Command{Path: bootstrap, Env: env, Output: pipe})
//	how := p.Wait()
//
// It promises, on Linux:
//   - when a process ends, all that it started ends too: also what has left its
//     process group and session, and has given up its parent (a daemon);
//   - all of them end when this process ends, though it is killed;
//   - nothing else is ever killed.
//
// For that a helper, this program started once more, is the parent of the
// processes and adopts what they leave behind (PR_SET_CHILD_SUBREAPER). It waits
// on a socket whose other end closes with us. Whose descendant a process is tells
// a tag in its limit on file locks (RLIMIT_LOCKS), a limit that Linux has not
// enforced since 2.4 but every process hands to its children. A process that
// changes that limit is found no more when its ancestor ends, only when we do.
//
// A PID namespace or a cgroup for each would do the same and more, but needs
// privileges that neither a plain user nor a Docker container has by default.
//
// On other Unix systems a process ends with its process group, and survives us if
// we are killed. On Windows there are none: [Spawner.Start] is
// errors.ErrUnsupported.
package spawner

import "os"

// A Command is what to start. Its standard input is empty.
type Command struct {
	Path   string // of the executable
	Dir    string // to work in
	Env    []string
	Output *os.File // standard output and standard error
}
