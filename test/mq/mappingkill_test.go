package mq

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	awsmq "github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"
	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/test/needs"
	"millrace/test/patience"
)

// While a client sends and a function handles, the runtime, the broker, one of its nodes or
// the function is killed at any instant. Every message that was confirmed is handled, none
// is left unacknowledged, and the broker is where it was, for the user who was there.
func TestMappingKillRounds(t *testing.T) {
	needs.Long(t)
	installed(t)
	t.Parallel()
	for _, mode := range []types.DeploymentMode{types.DeploymentModeSingleInstance, types.DeploymentModeClusterMultiAz} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			mappingKillRounds(t, mode)
		})
	}
}

func mappingKillRounds(t *testing.T, mode types.DeploymentMode) {
	dice := rand.New(rand.NewPCG(*seed, 1))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the dice of this run: -mq.seed %d", *seed)
		}
	})
	s := start(t, "--mq-driver", "process")
	b := s.create("killed", "3.13", func(in *awsmq.CreateBrokerInput) { in.DeploymentMode = mode })
	b.await(types.BrokerStateRunning)
	at := b.at("amqps")
	kind := amqp.Table{}
	if mode == types.DeploymentModeClusterMultiAz {
		kind["x-queue-type"] = "quorum"
	}
	if _, err := b.channel().QueueDeclare("ledger", true, false, false, false, kind); err != nil {
		t.Fatal(err)
	}
	b.awaitDurable("ledger")
	h := s.deploy("handler")
	m := b.feed(h, "ledger", func(in *lambda.CreateEventSourceMappingInput) {
		in.BatchSize, in.MaximumBatchingWindowInSeconds = aws.Int32(10), aws.Int32(0)
	})
	books := b.keepBooks(at, "ledger")
	batches := func() int { return len(h.seen()) }
	patience.Until(t, "the first messages to be handled", func() bool { return batches() > 0 }, nil)

	victims := []string{"runtime", "broker", "function"}
	if mode == types.DeploymentModeClusterMultiAz {
		victims = append(victims, "node")
	}
	for round := range len(victims) + 2*(*rounds-2) {
		victim := victims[round%len(victims)] // each of them, then any
		if round >= len(victims) {
			victim = victims[dice.IntN(len(victims))]
		}
		time.Sleep(time.Duration(dice.Int64N(int64(2 * time.Second)))) // also while it recovers
		before := batches()
		t.Logf("round %d: the %s is killed after %d batches", round, victim, before)
		switch victim {
		case "runtime":
			s.down(syscall.SIGKILL)
			s.up()
		case "function":
			s.killFunctions()
		default:
			b.killNodes(victim == "broker", dice)
		}
		if dice.IntN(3) > 0 { // else the next blow comes while it recovers
			patience.Until(t, "batches after the death of the "+victim, func() bool { return batches() > before+3 }, func() any { return len(s.said.String()) })
		}
	}
	// That the broker has died, nobody may have noticed yet. What is confirmed now, but for
	// a message that was on its way, it has got since.
	sent := books.count()
	patience.Until(t, "confirms after the last death", func() bool { return books.count() > sent+1 }, func() any { return len(s.said.String()) })
	b.await(types.BrokerStateRunning)
	if now := b.at("amqps"); now != at {
		t.Errorf("the broker is at %s, and was at %s", now, at)
	}
	confirmed := books.close()
	handled := map[string]bool{}
	patience.Until(t, "all confirmed messages to be handled", func() bool {
		for _, batch := range h.seen() {
			for _, body := range bodies(batch) {
				handled[body] = true
			}
		}
		for _, body := range confirmed {
			if !handled[body] {
				return false
			}
		}
		return true
	}, func() any { return batches() })
	b.awaitEmpty("ledger")
	m.end()
	if left := b.stored("ledger"); len(left) > 0 {
		t.Errorf("%d messages came back when the mapping was gone: %q", len(left), left)
	}
	t.Logf("%d messages were confirmed, all handled, in %d batches", len(confirmed), batches())
}

// killNodes kills all nodes of the broker that run, or one of them.
func (b *broker) killNodes(all bool, dice *rand.Rand) {
	b.Helper()
	var running []int
	for _, what := range b.nodes() {
		if pid, err := strconv.Atoi(what); err == nil {
			running = append(running, pid)
		}
	}
	dice.Shuffle(len(running), func(i, j int) { running[i], running[j] = running[j], running[i] })
	for i, pid := range running {
		if all || i == 0 {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// killFunctions kills all processes of functions.
func (s *server) killFunctions() {
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, link := range links {
		exe, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(exe, filepath.Join(s.data, "functions")+string(filepath.Separator)) {
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(link, "/")[2]); err == nil {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
