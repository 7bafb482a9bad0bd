package function

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/sandbox"
	"millrace/runtime/store/record"
)

// ErrRevision says that a change was asked for under a revision that is past.
var ErrRevision = fault.New(fault.Conflict, "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")

// A Runner runs events in execution environments: sandbox.Pool.
type Runner interface {
	// Invoke runs one event. A function's failure is a Result; an error says
	// that the event could not be run at all: fault.Throttled, fault.Unavailable.
	Invoke(context.Context, sandbox.Spec, sandbox.Request) (sandbox.Result, error)
	// Retire ends the environments of a Spec that will not be used again.
	Retire(specKey string)
	// Handle makes a Go handler run the events of a function; nil ends that.
	Handle(arn string, h lambda.Handler)
}

// A Config says what Functions stand on.
type Config struct {
	Records   *record.Store
	Keys      Keyring             // variables are stored under them; nil for in clear
	JetStream jetstream.JetStream // for code
	Dir       string              // of unpacked code; made when needed
	Runner    Runner

	// Outbox takes asynchronous invocations, and delivers them by Resolvers. nil
	// refuses them.
	Outbox Outbox

	Log *slog.Logger // nil for none
}

// Functions are the deployed functions. Safe for concurrent use.
type Functions struct {
	table  *table
	code   *codeStore
	runner Runner
	outbox Outbox // nil without one
	access Access // asked by deliveries
	log    *slog.Logger

	paces sync.Map // *pace by ARN, of functions that were invoked asynchronously

	here sync.Map // ARNs of the functions whose Go handler is registered in this process

	// changing is held from storing code until its record is stored, and while
	// code is dropped: no code is dropped that a record is about to name.
	changing sync.Mutex
}

// Open reads what is deployed, and tidies up after a kill.
func Open(ctx context.Context, c Config) (*Functions, error) {
	code, err := openCode(ctx, c.JetStream, c.Dir)
	if err != nil {
		return nil, err
	}
	fs := &Functions{
		code:   code,
		runner: c.Runner,
		outbox: c.Outbox,
		log:    c.Log,
	}
	if fs.log == nil {
		fs.log = slog.New(slog.DiscardHandler)
	}
	fs.table = &table{rows: record.NewTable[row](c.Records, "function"), keys: c.Keys, log: fs.log}
	if err := fs.table.sealAll(ctx); err != nil {
		return nil, err
	}
	used := fs.codeInUse()
	// What is left over costs room, and nothing else: the next start tries again.
	if err := errors.Join(code.sweepBlobs(ctx, used), code.sweepFolders(used)); err != nil {
		fs.log.Warn("old code could not be removed", "err", err)
	}
	return fs, nil
}

// Reset removes every function.
func (fs *Functions) Reset(ctx context.Context) error {
	for _, f := range fs.table.List("") {
		if err := fs.Delete(ctx, f.ID()); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// Create deploys a function: fault.Exists when there is one of its name;
// ErrZip, ErrEmpty, ErrZipped and ErrUnzipped for its code.
func (fs *Functions) Create(ctx context.Context, f Function, zip []byte) (Function, error) {
	// Asked first, so that nothing is unpacked in vain; and again, once it matters.
	if err := fs.vacant(f.ID()); err != nil {
		return Function{}, err
	}
	sum, err := fs.code.unpack(ctx, zip)
	if err != nil {
		return Function{}, err
	}
	fs.changing.Lock()
	defer fs.changing.Unlock()
	if err := fs.vacant(f.ID()); err != nil {
		return Function{}, err
	}
	if err := fs.code.put(ctx, sum, zip); err != nil {
		return Function{}, err
	}
	f = f.withDefaults()
	f.CodeSha256, f.CodeSize = sum, int64(len(zip))
	f.RevisionID, f.Modified = uuid.NewString(), time.Now()
	return f, fs.table.Create(ctx, f.ID().key(), f)
}

// vacant is fault.Exists when there is a function of the name.
func (fs *Functions) vacant(id ID) error {
	if _, err := fs.Get(id); err == nil {
		return fault.New(fault.Exists, "Function already exist: %s", id.Name)
	}
	return nil
}

// Register deploys a Go handler that runs inside this process, in place of
// what has its name: for tests, and for programs that embed the runtime. Without
// its process, the function stays visible and cannot be run.
func (fs *Functions) Register(ctx context.Context, f Function, h lambda.Handler) error {
	if err := fs.Delete(ctx, f.ID()); err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	f = f.withDefaults()
	f.InProcess = true
	f.RevisionID, f.Modified = uuid.NewString(), time.Now()
	fs.runner.Handle(f.ARN(), h)
	fs.here.Store(f.ARN(), true)
	return fs.table.Create(ctx, f.ID().key(), f)
}

// Get returns a function, or fault.NotFound.
func (fs *Functions) Get(id ID) (Function, error) {
	f, ok := fs.table.Get(id.key())
	if !ok {
		return Function{}, fault.New(fault.NotFound, "Function not found: %s", id.ARN())
	}
	return f, nil
}

// All returns every function there is.
func (fs *Functions) All() []Function { return fs.table.List("") }

// List returns the functions of an account in a region, ordered by name.
func (fs *Functions) List(account, region string) []Function {
	return fs.table.List(account + "/" + region + "/")
}

// Code returns a function's zip file.
func (fs *Functions) Code(ctx context.Context, id ID) ([]byte, error) {
	f, err := fs.Get(id)
	if err != nil {
		return nil, err
	}
	return fs.code.get(ctx, f.CodeSha256)
}

// Update changes what is no part of a function's configuration: tags,
// permissions, concurrency. An error of change is returned as it is.
func (fs *Functions) Update(ctx context.Context, id ID, change func(*Function) error) (Function, error) {
	if _, err := fs.Get(id); err != nil {
		return Function{}, err
	}
	return fs.table.Update(ctx, id.key(), func(f Function) (Function, error) {
		err := change(&f)
		return f, err
	})
}

// Configure changes a function's configuration: later events run in new
// environments. With a revision, it is ErrRevision if that is past.
func (fs *Functions) Configure(ctx context.Context, id ID, revision string, change func(*Function) error) (Function, error) {
	var before string
	f, err := fs.Update(ctx, id, func(f *Function) error {
		if revision != "" && revision != f.RevisionID {
			return ErrRevision
		}
		before = f.specKey()
		f.RevisionID, f.Modified = uuid.NewString(), time.Now()
		return change(f)
	})
	if err == nil {
		fs.runner.Retire(before)
	}
	return f, err
}

// A CodeUpdate is new code for a function.
type CodeUpdate struct {
	Zip           []byte
	Architectures []string // nil leaves them
	Revision      string   // "" for any
}

// UpdateCode gives a function new code: later events run it.
func (fs *Functions) UpdateCode(ctx context.Context, id ID, u CodeUpdate) (Function, error) {
	// Asked first, so that nothing is unpacked in vain; and again, once it matters.
	if _, err := fs.updatable(id, u.Revision); err != nil {
		return Function{}, err
	}
	sum, err := fs.code.unpack(ctx, u.Zip)
	if err != nil {
		return Function{}, err
	}
	fs.changing.Lock()
	defer fs.changing.Unlock()
	before, err := fs.updatable(id, u.Revision)
	if err != nil {
		return Function{}, err
	}
	if err := fs.code.put(ctx, sum, u.Zip); err != nil {
		return Function{}, err
	}
	f, err := fs.Configure(ctx, id, u.Revision, func(f *Function) error {
		before = *f
		f.CodeSha256, f.CodeSize, f.InProcess = sum, int64(len(u.Zip)), false
		if u.Architectures != nil {
			f.Architectures = u.Architectures
		}
		return nil
	})
	if err != nil {
		return Function{}, err
	}
	fs.forget(before)
	fs.dropCode(ctx, before)
	return f, nil
}

// CheckCode says what UpdateCode would, and changes nothing.
func (fs *Functions) CheckCode(id ID, u CodeUpdate) (Function, error) {
	f, err := fs.updatable(id, u.Revision)
	if err != nil {
		return Function{}, err
	}
	_, err = readZip(u.Zip)
	return f, err
}

// updatable returns the function of a name if it is of a revision, "" for any.
func (fs *Functions) updatable(id ID, revision string) (Function, error) {
	f, err := fs.Get(id)
	if err == nil && revision != "" && revision != f.RevisionID {
		err = ErrRevision
	}
	return f, err
}

// Delete removes a function: fault.NotFound when there is none. Events that run
// come to their end.
func (fs *Functions) Delete(ctx context.Context, id ID) error {
	fs.changing.Lock()
	defer fs.changing.Unlock()
	f, err := fs.Get(id)
	if err != nil {
		return err
	}
	if err := fs.table.Delete(ctx, id.key()); err != nil {
		return err
	}
	fs.forget(f)
	fs.paces.Delete(f.ARN())
	fs.runner.Retire(f.specKey())
	fs.dropCode(ctx, f)
	return nil
}

// forget ends what a registered handler does for f, if f has one.
func (fs *Functions) forget(f Function) {
	if f.InProcess {
		fs.here.Delete(f.ARN())
		fs.runner.Handle(f.ARN(), nil)
	}
}

// dropCode removes the code that f had, unless it is still some function's.
// What cannot be removed now, the next Open removes. changing is held.
func (fs *Functions) dropCode(ctx context.Context, f Function) {
	if f.CodeSha256 == "" {
		return
	}
	used := fs.codeInUse()
	var err error
	if !used[blobName(f.CodeSha256)] {
		err = fs.code.drop(ctx, f.CodeSha256)
	}
	if err = errors.Join(err, fs.code.sweepFolders(used)); err != nil {
		fs.log.Warn("old code could not be removed", "function", f.ARN(), "err", err)
	}
}

// codeInUse returns the names of all code that functions have.
func (fs *Functions) codeInUse() map[string]bool {
	used := map[string]bool{}
	for _, f := range fs.table.rows.List("") { // also those that cannot be opened
		used[blobName(f.CodeSha256)] = true
	}
	return used
}
