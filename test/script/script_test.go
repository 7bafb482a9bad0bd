package script

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts plays the scripts of testdata. Beside the commands of testscript,
// they know:
//
//	serve [ARG...]           run `runtime start` on a free port until it is ready; sets $ENDPOINT, $ADDRESS and $PID
//	printed PATTERN          wait until what it prints matches
//	signal TERM|INT|HUP|KILL   send it a signal
//	ended CODE               wait for its end; what it printed is then stdout and stderr
//	call STATUS METHOD PATH [HEADER: VALUE...]    ask it something over HTTP; the answer is stdout
//	sqs OPERATION JSON       call an SQS operation; the answer is stdout
//	begin OPERATION JSON     the same, but come back as soon as it is being served…
//	answered                 … and now wait for its answer
//	deploy NAME FUNCTION [VARIABLE=VALUE...]      deploy a folder of functions/ through the Lambda API
//	sockets                  print the addresses on which it listens (Linux only)
//	nats                     run an external NATS server with JetStream; sets $NATS
func TestScripts(t *testing.T) {
	rememberSources(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		Setup:               setup,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serve, "printed": printed, "signal": sendSignal, "ended": ended,
			"call": call, "sqs": callSQS, "begin": begin, "answered": answered,
			"deploy": deploy, "nats": nats, "sockets": sockets,
		},
	})
}

// goSettings say where the go command keeps what it has built and fetched, and how it builds.
var goSettings = sync.OnceValues(func() (settings map[string]string, err error) {
	printed, err := exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE", "GOPATH", "GOFLAGS").Output()
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(printed, &settings)
	return settings, err
})

// setup puts the binaries in front of the path, and gives the go command the
// settings that a script's empty home would hide from it.
func setup(env *testscript.Env) error {
	env.Setenv("PATH", binaries+string(filepath.ListSeparator)+env.Getenv("PATH"))
	env.Setenv("MILLRACE_LISTEN", "127.0.0.1:1") // no script finds a runtime that happens to be at the default address
	env.Setenv("FUNCTIONS", filepath.Join(root, "functions"))
	settings, err := goSettings()
	if err != nil {
		return err
	}
	for name, value := range settings {
		env.Setenv(name, value)
	}
	s := &session{}
	env.Values[sessionKey{}] = s
	env.Defer(s.end)
	return nil
}
