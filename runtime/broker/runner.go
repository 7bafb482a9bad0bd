package broker

import (
	"context"
	"io"
	"time"

	"millrace/runtime/broker/catalog"
	"millrace/runtime/broker/metrics"
)

// A Runner runs the software of brokers. What it needs to remember (ports, which
// software, what it has set up) it remembers itself. It is safe for concurrent use;
// calls for one broker come one after the other.
type Runner interface {
	// Run brings a broker up as desired, or adopts one that runs so, and returns when
	// its own health endpoint says that it serves. The error is a sentence for people
	// that says what to do: it becomes the reason of a failed creation. Then nothing of
	// the attempt runs anymore. When ctx is over, it gives up.
	Run(ctx context.Context, d Desired) (Running, error)

	// Reboot has a broker start anew as desired, and returns when all of it serves. The
	// nodes of a cluster are started anew one after the other, so that the others serve
	// meanwhile. When it fails, or ctx is over, some of the broker may run: Run takes it
	// over, Stop ends it.
	Reboot(ctx context.Context, d Desired) (Running, error)

	// Stop ends a broker well and keeps its data. One that does not run is fine.
	Stop(ctx context.Context, id string) error

	// Remove ends a broker and removes all that is of it. One that is not there is fine.
	Remove(ctx context.Context, id string) error

	// User sets or removes a user of a running broker at once. It is for engines whose
	// users live in the broker, when such calls are allowed (--mq-live-users).
	User(ctx context.Context, id string, u User, change Change) error

	// Provoke has a running broker really fall short of what a fault's code says, or ends
	// that: MemoryAlarm, DiskAlarm, and ConnectionClosed, which is over at once. A node
	// that is started anew is well.
	Provoke(ctx context.Context, id, code string, on bool) error

	// Log writes what is kept of the output of a broker, which need not run: the oldest
	// lines first, those of all its nodes unless one is named (by its number, from 1, or
	// its name), with its number in front of each when there are several. With follow, it
	// goes on with what comes, over restarts, until the broker is removed or ctx is over.
	// It may be called at any time.
	Log(ctx context.Context, id, node string, follow bool, w io.Writer) error

	// Metrics is what was measured of a broker at each minute since an instant, or at the
	// newest for the zero time. It may be called at any time.
	Metrics(id string, from time.Time) []metrics.Series
}

// Desired is what a broker should run as from its next start on.
type Desired struct {
	ID, Name        string // "b-<uuid>", as in its ARN
	Account, Region string

	Engine   catalog.Engine
	Version  string // of the catalogue: "3.13"
	Instance string // "mq.m7g.large"
	Mode     catalog.Mode
	Strategy catalog.Strategy

	Configuration []byte // the stored text of its configuration's revision; nil for none
	Users         []User // with passwords in the clear; of RabbitMQ the one of its creation
}

// Running is what runs of a broker.
type Running struct {
	Instances []Instance
	Software  string   // for the tag millrace:engine: "rabbitmq 3.10.8 (process)"; "" when nothing really runs
	Actions   []Action // what users should know: actionsRequired
	Root      []byte   // PEM of the authority that clients trust; nil when nothing really runs

	// Alarms tells which alarms are in effect, all of them, with the codes that IsAlarm
	// knows: at first once the broker runs, then whenever that changes. What nobody has
	// received yet is replaced by what is newer. Nil when nothing really runs.
	Alarms <-chan []Action

	Done <-chan struct{} // closed when it has died, and not by Stop or Remove; nil when nothing really runs
	Err  func() error    // why it died; for after Done
}

// An Instance is what DescribeBroker shows of a node, or of the nodes behind one endpoint.
type Instance struct {
	ConsoleURL string
	Endpoints  []string // URLs, in AWS's order
	IPAddress  string   // of ActiveMQ only
}

// An Action is something the owner of a broker has to do, or to know.
type Action struct {
	Code string // "METADATA_ONLY"
	Info string
}

// The codes of alarms of RabbitMQ (Amazon MQ Developer Guide, "Troubleshooting: RabbitMQ
// on Amazon MQ"). Publishers are blocked while one is in effect.
const (
	MemoryAlarm = "RABBITMQ_MEMORY_ALARM"
	DiskAlarm   = "RABBITMQ_DISK_ALARM"
)

// IsAlarm reports whether an action is one of Running.Alarms.
func (a Action) IsAlarm() bool { return a.Code == MemoryAlarm || a.Code == DiskAlarm }

// A User is one of a broker's own.
type User struct {
	Name, Password  string
	Groups          []string
	ConsoleAccess   bool
	ReplicationUser bool
}

// A Change is what becomes of a user.
type Change string

// The changes of users.
const (
	Create Change = "CREATE"
	Update Change = "UPDATE"
	Delete Change = "DELETE"
)
