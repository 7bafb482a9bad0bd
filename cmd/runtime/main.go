// Command runtime runs Millrace: AWS event services on one machine.
//
//	runtime start                        serve at http://127.0.0.1:4566
//	runtime status, runtime stop         of the one that runs
//	runtime doctor                       what of the stored data is missing or damaged
//	runtime invoke ./functions/orders    build and run a handler, with no server
//	runtime event sqs --body hello       print a sample event
//	runtime mq ls, runtime mq open NAME  the brokers; where one's console is
//	runtime sns outbox                   what SNS would have sent by email and SMS
//	runtime ca                           the certificate by which clients trust brokers
//	runtime version, runtime help        what this is, and what it takes
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"millrace/cmd/runtime/app"
)

// cli is the command line. Each command is a type with a Run method, in a file
// of its name.
type cli struct {
	Start  startCmd  `cmd:"" help:"Run the services until stopped."`
	Status statusCmd `cmd:"" help:"Show the running runtime and what it holds."`
	Doctor doctorCmd `cmd:"" help:"Say what of the stored data is missing or damaged."`
	Stop   stopCmd   `cmd:"" help:"Stop the runtime that holds the data folder."`
	Invoke invokeCmd `cmd:"" help:"Run a Go handler once, with no server; or a deployed function."`
	Event  eventCmd  `cmd:"" help:"Print a sample event, to pipe into invoke."`
	MQ     mqCmd     `cmd:"" name:"mq" help:"Show the Amazon MQ brokers of the running runtime."`
	SNS    snsCmd    `cmd:"" name:"sns" help:"Show what the topics of the running runtime have sent."`
	CA     caCmd     `cmd:"" name:"ca" help:"Print the certificate by which clients trust brokers, and how to."`

	Version versionCmd `cmd:"" help:"Print the version, the commit it was built from, and the platform."`
	Help    helpCmd    `cmd:"" help:"Show what a command takes, as --help does."`

	VersionFlag kong.VersionFlag `name:"version" help:"Print the version and exit."`
}

// A terminal is what a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	os.Exit(run(interruptible(), os.Args[1:], terminal{os.Stdin, os.Stdout, os.Stderr}))
}

// interruptible returns a context that the first SIGINT, SIGTERM or SIGHUP ends.
// The second finds no handler, and ends the process at once: for whoever will not
// wait for what is in flight. A SIGHUP that nohup has turned off stays off.
func interruptible() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		<-signals
		signal.Stop(signals)
		cancel()
	}()
	return ctx
}

// An exitError ends the program with a code of its own and nothing more to say.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// run is main with its surroundings passed in. It returns the exit code: 0 for
// success, 1 for a failure, 2 for a command line that makes no sense.
func run(ctx context.Context, args []string, term terminal) int {
	exited, code := false, 0
	c := cli{Start: newStartCmd()}
	parser, err := kong.New(&c,
		kong.Name("runtime"),
		kong.Description("Millrace: unchanged AWS SDKs, Go handlers, nothing lost. Endpoint for SDKs: http://127.0.0.1:4566"),
		kong.Vars{"version": "millrace " + app.Version},
		kong.Writers(term.out, term.err),
		kong.Exit(func(n int) { exited, code = true, n }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(term),
	)
	if err != nil {
		panic(err) // the command line's own definition is wrong
	}
	unsetEmpty(variables(parser.Model.Node))
	command, err := parser.Parse(args)
	if exited {
		return code
	}
	if err != nil {
		fmt.Fprintf(term.err, "runtime: %v (see runtime --help)\n", err)
		return 2
	}
	if err := command.Run(); err != nil {
		var exit exitError
		if errors.As(err, &exit) {
			return int(exit)
		}
		fmt.Fprintf(term.err, "runtime: %v\n", err)
		return 1
	}
	return 0
}
