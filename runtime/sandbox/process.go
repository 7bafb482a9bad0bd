//go:build unix

package sandbox

import (
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/net/netutil"

	"millrace/runtime/fault"
	"millrace/runtime/sandbox/spawner"
)

// A process is a runtimeProcess that runs bootstrap as a process, which may have
// descendants, with a Runtime API of its own on a loopback port.
type process struct {
	*runtimeAPI
	child  *spawner.Process
	server *http.Server
	serve  sync.WaitGroup // the server and its connections
	output *output

	exited chan struct{} // closed when all of child has ended
	once   sync.Once     // of close
}

// startProcess starts an environment's bootstrap. A failure is the function's, an error
// is ours.
func (p *Pool) startProcess(e *environment) (runtimeProcess, *failure, error) {
	code, err := filepath.Abs(e.code)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Unavailable, err, "finding the code folder")
	}
	bootstrap := filepath.Join(code, "bootstrap")
	if !hasBootstrap(code) {
		return nil, failNoBootstrap, nil
	}
	if e.tmp == "" {
		if e.tmp, err = os.MkdirTemp(p.cfg.Temp, "millrace-"+e.spec.Name+"-"); err != nil {
			return nil, nil, fault.Wrap(fault.Unavailable, err, "making a temporary folder")
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, fault.Wrap(fault.Unavailable, err, "listening for the Runtime API")
	}
	out, child, err := newOutput(e.journal)
	if err != nil {
		listener.Close()
		return nil, nil, fault.Wrap(fault.Unavailable, err, "opening the output pipe")
	}
	g := &process{runtimeAPI: newRuntimeAPI(), output: out, exited: make(chan struct{})}
	g.listen(listener)
	g.child, err = p.spawner.Start(spawner.Command{
		Path: bootstrap, Dir: code, Output: child,
		Env: environ(e.spec, code, listener.Addr().String(), e.journal.head, p.cfg.endpoint(), e.tmp),
	})
	child.Close()
	if err != nil {
		g.close()
		return startError(err)
	}
	go g.waitExit()
	return g, nil, nil
}

// hasBootstrap reports whether there is something to run in a code folder. It may
// be a link, as long as that stays in the folder.
func hasBootstrap(code string) bool {
	root, err := os.OpenRoot(code)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) // starting it tells what is wrong
	}
	defer root.Close()
	info, err := root.Stat("bootstrap")
	return err == nil && !info.IsDir() || errors.Is(err, fs.ErrPermission)
}

// startError is the function's failure if its bootstrap cannot be run, and an error if
// the system cannot start processes.
func startError(err error) (runtimeProcess, *failure, error) {
	for _, errno := range []syscall.Errno{syscall.EACCES, syscall.ENOEXEC, syscall.ENOENT} {
		if errors.Is(err, errno) {
			return nil, failEntrypoint(errno), nil
		}
	}
	return nil, nil, fault.Wrap(fault.Unavailable, err, "starting the process")
}

// maxConnections bounds the connections of a process to its Runtime API, so that it cannot
// use up our file descriptors. More connections wait until one is closed. A runtime needs
// one for each concurrent request.
const maxConnections = 64

// listen serves the Runtime API. Everything it starts is counted in serve.
func (g *process) listen(l net.Listener) {
	g.server = &http.Server{
		Handler:     onlyFor(l.Addr().String(), g.handler()),
		ErrorLog:    slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		ConnContext: withConn,
		ConnState: func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				g.serve.Add(1)
			case http.StateClosed:
				g.serve.Done()
			}
		},
	}
	limited := coalescingListener{netutil.LimitListener(l, maxConnections)}
	g.serve.Go(func() { g.server.Serve(limited) })
}

// waitExit signals the exit of the process, after all of its output.
func (g *process) waitExit() {
	how := g.child.Wait()
	g.output.drain()
	g.signalCh <- signal{kind: isExit, failure: failExit(how)}
	close(g.exited)
}

func (g *process) flushOutput() { g.output.drain() }

func (g *process) memory(scan bool) (now, peak int) {
	if scan {
		return g.child.Memory(memoryInterval)
	}
	return g.child.Memory(0)
}

func (g *process) kill() {
	g.child.Kill()
	<-g.exited
	g.once.Do(func() {
		g.close()
		g.child.Close()
	})
}

// close closes the server and the output.
func (g *process) close() {
	g.server.Close()
	g.serve.Wait()
	g.output.close()
}

// environ is what Lambda's provided.al2023 gives a function, with our addresses:
// nothing of the host's own environment.
func environ(s Spec, code, api string, head Line, endpoint, tmp string) []string {
	env := map[string]string{
		"AWS_ACCESS_KEY_ID":               s.Account, // so that the function's SDK calls are its account's
		"AWS_SECRET_ACCESS_KEY":           "secret",
		"AWS_SESSION_TOKEN":               "token",
		"AWS_DEFAULT_REGION":              s.Region,
		"AWS_REGION":                      s.Region,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(s.MemoryMB),
		"AWS_LAMBDA_FUNCTION_NAME":        s.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     s.Version,
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       head.LogGroup,
		"AWS_LAMBDA_LOG_STREAM_NAME":      head.LogStream,
		"AWS_LAMBDA_RUNTIME_API":          api,
		"AWS_XRAY_CONTEXT_MISSING":        "LOG_ERROR",
		"AWS_XRAY_DAEMON_ADDRESS":         "127.0.0.1:2000",
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"LAMBDA_TASK_ROOT":                code,
		"LANG":                            "en_US.UTF-8",
		"LD_LIBRARY_PATH":                 "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:" + code + ":" + code + "/lib:/opt/lib",
		"PATH":                            "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"TMPDIR":                          tmp,
		"TZ":                              ":UTC",
		"_HANDLER":                        s.Handler,
	}
	if endpoint != "" {
		env["AWS_ENDPOINT_URL"] = endpoint
	}
	if s.LogFormat == "JSON" {
		env["AWS_LAMBDA_LOG_FORMAT"], env["AWS_LAMBDA_LOG_LEVEL"] = s.LogFormat, s.LogLevel
	}
	maps.Copy(env, s.Env) // Lambda has refused the names that a user may not set
	list := make([]string, 0, len(env))
	for k, v := range env {
		list = append(list, k+"="+v)
	}
	return list
}
