//go:build unix

// Misbehave does what functions should not, as its event asks:
//
//	{"do": "panic"}                      panics
//	{"do": "exit", "code": 3}            exits
//	{"do": "hang"}                       prints its process id, never answers
//	{"do": "wait", "ms": 100}            answers late
//	{"do": "allocate", "mb": 512}        uses memory
//	{"do": "print", "lines": 1000}       prints
//	{"do": "shout", "bytes": 1000000}    prints one line
//	{"do": "mute"}                       closes its standard output and standard error
//	{"do": "connect", "count": 1000}     opens connections to the Runtime API, and keeps them
//	{"do": "error", "text": "no"}        returns an error
//	{"do": "answer", "bytes": 7000000}   answers at length
//	{"do": "environment"}                answers with its environment
//	{"do": "context"}                    answers with what it knows of the event
//	{"do": "count"}                      answers how often this process was asked to count
//	{"do": "remember", "text": "x"}      writes into its temporary folder
//	{"do": "recall"}                     reads what is there
//	{"do": "spawn", "count": 2, "mb": 100, "ms": 100}
//	                                     leaves children behind that use memory, answers with their ids, late
//	{"do": "daemonise", …}               likewise, with daemons: of another session, without a parent or a variable
//
// The variable INIT says how it starts: "exit", "hang" or "print"; "once" after
// one of these ("hang once") does it only for the first start.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type Event struct {
	Do    string `json:"do"`
	Code  int    `json:"code"`
	MS    int    `json:"ms"`
	MB    int    `json:"mb"`
	Lines int    `json:"lines"`
	Bytes int    `json:"bytes"`
	Text  string `json:"text"`
	Count int    `json:"count"`
}

var (
	count       int
	connections []net.Conn
	//lint:ignore U1000 it only takes up room
	ballast []byte
)

func handle(ctx context.Context, e Event) (any, error) {
	switch e.Do {
	case "panic":
		panic("as asked")
	case "exit":
		fmt.Println("exiting")
		os.Exit(e.Code)
	case "hang":
		fmt.Println("hanging", os.Getpid())
		select {}
	case "wait":
		time.Sleep(time.Duration(e.MS) * time.Millisecond)
	case "allocate":
		ballast = bytes.Repeat([]byte{1}, e.MB<<20)
		time.Sleep(time.Second)
	case "print":
		for i := range e.Lines {
			fmt.Println("line", i+1)
		}
		fmt.Fprint(os.Stderr, "no newline at the end")
	case "shout":
		fmt.Println(strings.Repeat("x", e.Bytes))
	case "mute":
		return nil, errors.Join(os.Stdout.Close(), os.Stderr.Close())
	case "connect":
		for range e.Count {
			c, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
			if err != nil {
				return nil, err
			}
			fmt.Fprint(c, "GET /")
			connections = append(connections, c)
		}
	case "error":
		return nil, errors.New(e.Text)
	case "answer":
		return strings.Repeat("x", e.Bytes), nil
	case "environment":
		return os.Environ(), nil
	case "context":
		return describe(ctx), nil
	case "count":
		count++
		return count, nil
	case "remember":
		return nil, os.WriteFile(note(), []byte(e.Text), 0o600)
	case "recall":
		text, err := os.ReadFile(note())
		return string(text), err
	case "spawn", "daemonise":
		pids, err := leave(e.Do, max(1, e.Count), e.MB)
		time.Sleep(time.Duration(e.MS) * time.Millisecond)
		return pids, err
	}
	return nil, nil
}

func describe(ctx context.Context) map[string]any {
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	dir, _ := os.Getwd()
	return map[string]any{
		"id": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "custom": lc.ClientContext.Custom,
		"trace": os.Getenv("_X_AMZN_TRACE_ID"), "deadline": deadline.UnixMilli(), "dir": dir,
	}
}

// leave starts processes that stay. To be a daemon, one is started by a process
// that ends, in a session of its own and with nothing of ours.
func leave(how string, count, mb int) (pids []int, err error) {
	for range count {
		cmd := exec.Command(os.Args[0], how, strconv.Itoa(mb))
		said, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			return pids, err
		}
		var pid int
		if _, err := fmt.Fscan(said, &pid); err != nil {
			return pids, err
		}
		if how == "daemonise" {
			cmd.Wait()
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// left is main in a process that is left behind, or leaves one.
func left(how, mb string) {
	if how == "daemonise" {
		cmd := exec.Command(os.Args[0], "spawn", mb)
		cmd.Env, cmd.Stdout = []string{}, os.Stdout
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		cmd.Start()
		return
	}
	size, _ := strconv.Atoi(mb)
	ballast = bytes.Repeat([]byte{1}, size<<20)
	fmt.Println(os.Getpid())
	time.Sleep(time.Hour)
}

func note() string { return filepath.Join(os.TempDir(), "note") }

func start() {
	how, once := strings.CutSuffix(os.Getenv("INIT"), " once")
	if once {
		if _, err := os.Stat(note()); err == nil {
			return
		}
		os.WriteFile(note(), nil, 0o600)
	}
	switch how {
	case "exit":
		fmt.Println("cannot start")
		os.Exit(3)
	case "hang":
		select {}
	case "print":
		fmt.Println("starting")
	}
}

func main() {
	if len(os.Args) == 3 {
		left(os.Args[1], os.Args[2])
		return
	}
	start()
	lambda.Start(handle)
}
