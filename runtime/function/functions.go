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

// A Runner runs events in execution environments: sandbox.Pool.
type Runner interface {
	// Invoke runs one event. A function error is a Result; an error means that the
	// event did not run at all: fault.Throttled, fault.Unavailable.
	Invoke(context.Context, sandbox.Spec, sandbox.Request) (sandbox.Result, error)
	// Retire stops the environments of a Spec that will not be used again.
	Retire(specKey string)
	// Handle registers a Go handler for the events of a function; nil removes it.
	Handle(arn string, h lambda.Handler)
}

// A Config holds what Functions need.
type Config struct {
	Records   *record.Store
	Keys      Keyring             // encrypt environment variables; nil stores them unencrypted
	JetStream jetstream.JetStream // stores zip files
	Dir       string              // of unpacked code; created when needed
	Runner    Runner

	// Outbox takes asynchronous invocations and delivers them through Resolvers. With
	// nil, InvokeAsync returns fault.Unavailable.
	Outbox Outbox

	Log *slog.Logger // nil for none
}

// Functions are the deployed functions. Safe for concurrent use.
type Functions struct {
	table  *table
	code   *codeStore
	runner Runner
	outbox Outbox // may be nil
	access Access // authorizes deliveries
	log    *slog.Logger

	paces sync.Map // *pace by ARN, of functions that were invoked asynchronously

	registered sync.Map // ARNs of the functions whose Go handler is registered in this process

	// codeMu is held from storing a zip file until its function's record is stored, and
	// while a zip file is removed: none is removed that a record is about to name.
	codeMu sync.Mutex
}

// Open reads the deployed functions, and removes what a killed process left unfinished.
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
	// Unused code only costs disk space: the next start tries again.
	if err := errors.Join(code.sweepBlobs(ctx, used), code.sweepFolders(used)); err != nil {
		fs.log.Warn("removing unused code failed", "err", err)
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

// Create deploys a function. Errors are *ExistsError, and for its code ErrInvalidZip,
// ErrEmptyZip and ErrUnzippedTooLarge.
func (fs *Functions) Create(ctx context.Context, f Function, zip []byte) (Function, error) {
	// Checked first, so that nothing is unpacked in vain; and again under the lock.
	if err := fs.checkNameFree(f.ID()); err != nil {
		return Function{}, err
	}
	sum, err := fs.code.unpack(ctx, zip)
	if err != nil {
		return Function{}, err
	}
	fs.codeMu.Lock()
	defer fs.codeMu.Unlock()
	if err := fs.checkNameFree(f.ID()); err != nil {
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

// checkNameFree returns an ExistsError if there is a function with the ID.
func (fs *Functions) checkNameFree(id ID) error {
	if _, err := fs.Get(id); err == nil {
		return &ExistsError{id}
	}
	return nil
}

// Register deploys a Go handler that runs inside this process, and replaces the
// function of the same name: for tests, and for programs that embed the runtime. When
// the process has ended, the function is still listed but cannot run.
func (fs *Functions) Register(ctx context.Context, f Function, h lambda.Handler) error {
	if err := fs.Delete(ctx, f.ID()); err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	f = f.withDefaults()
	f.InProcess = true
	f.RevisionID, f.Modified = uuid.NewString(), time.Now()
	fs.runner.Handle(f.ARN(), h)
	fs.registered.Store(f.ARN(), true)
	return fs.table.Create(ctx, f.ID().key(), f)
}

// Get returns a function, or a NotFoundError.
func (fs *Functions) Get(id ID) (Function, error) {
	f, ok := fs.table.Get(id.key())
	if !ok {
		return Function{}, &NotFoundError{id}
	}
	return f, nil
}

// All returns the functions of all accounts and regions.
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

// Update changes what does not belong to a function's configuration: tags,
// permissions, concurrency. It returns an error of change unchanged.
func (fs *Functions) Update(ctx context.Context, id ID, change func(*Function) error) (Function, error) {
	if _, err := fs.Get(id); err != nil {
		return Function{}, err
	}
	return fs.table.Update(ctx, id.key(), func(f Function) (Function, error) {
		err := change(&f)
		return f, err
	})
}

// Configure changes a function's configuration. Later events run in new environments.
// It returns ErrRevision if revision is not "" and not the latest.
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

// A CodeUpdate replaces a function's code.
type CodeUpdate struct {
	Zip           []byte
	Architectures []string // nil keeps them
	Revision      string   // that has to be the latest; "" for any
}

// UpdateCode replaces a function's code. Later events run the new code. Errors are
// *NotFoundError, ErrRevision, and those of Create for the code.
func (fs *Functions) UpdateCode(ctx context.Context, id ID, u CodeUpdate) (Function, error) {
	// Checked first, so that nothing is unpacked in vain; and again under the lock.
	if _, err := fs.getAtRevision(id, u.Revision); err != nil {
		return Function{}, err
	}
	sum, err := fs.code.unpack(ctx, u.Zip)
	if err != nil {
		return Function{}, err
	}
	fs.codeMu.Lock()
	defer fs.codeMu.Unlock()
	before, err := fs.getAtRevision(id, u.Revision)
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
	fs.unregister(before)
	fs.dropCode(ctx, before)
	return f, nil
}

// CheckCode returns the errors that UpdateCode would return, and changes nothing.
func (fs *Functions) CheckCode(id ID, u CodeUpdate) (Function, error) {
	f, err := fs.getAtRevision(id, u.Revision)
	if err != nil {
		return Function{}, err
	}
	_, err = readZip(u.Zip)
	return f, err
}

// getAtRevision returns a function if revision is its latest, or "".
func (fs *Functions) getAtRevision(id ID, revision string) (Function, error) {
	f, err := fs.Get(id)
	if err == nil && revision != "" && revision != f.RevisionID {
		err = ErrRevision
	}
	return f, err
}

// Delete removes a function, or returns a NotFoundError. Running events are completed.
func (fs *Functions) Delete(ctx context.Context, id ID) error {
	fs.codeMu.Lock()
	defer fs.codeMu.Unlock()
	f, err := fs.Get(id)
	if err != nil {
		return err
	}
	if err := fs.table.Delete(ctx, id.key()); err != nil {
		return err
	}
	fs.unregister(f)
	fs.paces.Delete(f.ARN())
	fs.runner.Retire(f.specKey())
	fs.dropCode(ctx, f)
	return nil
}

// unregister removes the registered Go handler of f, if f has one.
func (fs *Functions) unregister(f Function) {
	if f.InProcess {
		fs.registered.Delete(f.ARN())
		fs.runner.Handle(f.ARN(), nil)
	}
}

// dropCode removes the code that f had, unless another function uses it. What it
// cannot remove now, the next Open removes. codeMu is held.
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
		fs.log.Warn("removing unused code failed", "function", f.ARN(), "err", err)
	}
}

// codeInUse returns the blob names of all functions' code.
func (fs *Functions) codeInUse() map[string]bool {
	used := map[string]bool{}
	for _, f := range fs.table.rows.List("") { // also those that cannot be decrypted
		used[blobName(f.CodeSha256)] = true
	}
	return used
}
