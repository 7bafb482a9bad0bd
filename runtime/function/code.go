package function

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
)

const bucket = "millrace-code"

// abandon is how long an unpacked folder that no function uses any more is left
// alone: longer than any invocation that may still run in it.
const abandon = 20 * time.Minute

// A codeStore keeps zip files under the SHA-256 of their bytes, and unpacks
// each once, into a cache folder of that name.
//
// A folder gets its name when it is complete, so that a kill leaves none that is
// not. A power cut may: what was written last may be lost, though the name is
// there. To flush each of ten thousand files costs as many turns of the disk, so
// the name of a folder holds the boot of the machine that it was written under,
// and after another one the zip file is unpacked anew. Where boots have no name,
// each file is flushed.
type codeStore struct {
	blobs jetstream.ObjectStore
	dir   string
	boot  string // ends the names of folders that can be trusted; "" where boots have no name

	mu      sync.Mutex // guards busy and touched
	busy    map[string]chan struct{}
	touched map[string]time.Time // when this process began or abandoned folders: the dates of files jump with the clock
}

func openCode(ctx context.Context, js jetstream.JetStream, dir string) (*codeStore, error) {
	blobs, err := js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{
		Bucket:      bucket,
		Description: "Code of functions",
		Storage:     jetstream.FileStorage,
	})
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "opening the store of function code")
	}
	s := &codeStore{blobs: blobs, dir: dir, boot: bootName(), busy: map[string]chan struct{}{}}
	return s, s.sweepUnfinished()
}

// unpack checks a zip file and unpacks it. It may take its time with a large one,
// and holds up nobody.
func (s *codeStore) unpack(ctx context.Context, code []byte) (sum string, err error) {
	digest := sha256.Sum256(code)
	sum = base64.StdEncoding.EncodeToString(digest[:])
	z, err := readZip(code)
	if err != nil {
		return "", err
	}
	_, err = s.folderOf(ctx, sum, func() (*zip.Reader, error) { return z, nil })
	return sum, err
}

// put stores a zip file durably.
func (s *codeStore) put(ctx context.Context, sum string, code []byte) error {
	if _, err := s.blobs.GetInfo(ctx, blobName(sum)); errors.Is(err, jetstream.ErrObjectNotFound) {
		meta := jetstream.ObjectMeta{Name: blobName(sum)}
		if _, err := s.blobs.Put(ctx, meta, patientReader{bytes.NewReader(code)}); err != nil {
			return fault.Wrap(fault.Unavailable, err, "storing code")
		}
	} else if err != nil {
		return fault.Wrap(fault.Unavailable, err, "looking for code")
	}
	return nil
}

// A patientReader is a moment late to say that it has ended. Putting an object
// starts a goroutine with its first chunk and forgets it at its end; one that had
// not begun by then would wait for ever (nats.go 1.55, resetPendingAcksOnReconnect
// after cleanupReplySub).
type patientReader struct{ io.Reader }

func (r patientReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err == io.EOF {
		time.Sleep(time.Millisecond)
	}
	return n, err
}

// get reads a zip file.
func (s *codeStore) get(ctx context.Context, sum string) ([]byte, error) {
	code, err := s.blobs.GetBytes(ctx, blobName(sum))
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, fault.Wrap(fault.NotFound, err, "no code %s", sum)
	}
	return code, fault.Wrap(fault.Unavailable, err, "reading code")
}

// folder returns where the code is unpacked, and unpacks it if it is not.
func (s *codeStore) folder(ctx context.Context, sum string) (string, error) {
	return s.folderOf(ctx, sum, func() (*zip.Reader, error) {
		code, err := s.get(ctx, sum)
		if err != nil {
			return nil, err
		}
		return readZip(code)
	})
}

// folderOf returns the folder of a zip file, and makes it if it is not there:
// complete or not at all, and by one at a time.
func (s *codeStore) folderOf(ctx context.Context, sum string, open func() (*zip.Reader, error)) (string, error) {
	dir := s.path(sum)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	done, err := s.begin(ctx, sum)
	if err != nil {
		return "", err
	}
	defer done()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	z, err := open()
	if err != nil {
		return "", err
	}
	return dir, s.make(dir, z)
}

// path is where a zip file is unpacked.
func (s *codeStore) path(sum string) string {
	name := blobName(sum)
	if s.boot != "" {
		name += "." + s.boot
	}
	return filepath.Join(s.dir, name)
}

// begin waits until nobody else unpacks the same zip file.
func (s *codeStore) begin(ctx context.Context, sum string) (done func(), err error) {
	for {
		s.mu.Lock()
		other, busy := s.busy[sum]
		if !busy {
			own := make(chan struct{})
			s.busy[sum] = own
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				delete(s.busy, sum)
				close(own)
			}, nil
		}
		s.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// make unpacks a zip file into a folder that then gets its name.
func (s *codeStore) make(dir string, z *zip.Reader) error {
	// Not what it is in: a data folder that was moved away must be able to come back.
	if err := os.Mkdir(s.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return unwritten(err)
	}
	tmp, err := os.MkdirTemp(s.dir, unfinished)
	if err != nil {
		return unwritten(err)
	}
	defer os.RemoveAll(tmp)
	s.touch(tmp)
	defer s.untouch(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return unwritten(err)
	}
	switch err := unzip(z, tmp, s.boot == ""); {
	case err == nil:
		return unwritten(os.Rename(tmp, dir))
	case errors.Is(err, ErrUnzipped):
		return ErrUnzipped
	case ofZip(err):
		return fault.Wrap(fault.Invalid, err, "%s", ErrZip)
	default:
		return unwritten(err)
	}
}

func unwritten(err error) error { return fault.Wrap(fault.Unavailable, err, "unpacking code") }

// unfinished starts the names of folders that are being made or removed.
const unfinished = "unpacking-"

// drop removes a zip file. Its folder stays for whoever still runs in it.
func (s *codeStore) drop(ctx context.Context, sum string) error {
	dir := s.path(sum)
	now := time.Now()
	if os.Chtimes(dir, now, now) == nil { // else it is not there
		s.touch(dir)
	}
	err := s.blobs.Delete(ctx, blobName(sum))
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil
	}
	return fault.Wrap(fault.Unavailable, err, "removing code")
}

// sweepWait is how long a start waits to hear which zip files there are. On a
// cluster whose servers have just begun, nats.go may wait for the list for ever.
const sweepWait = 2 * time.Second

// sweepBlobs removes the zip files that no function uses: what a kill between
// storing code and storing its function leaves behind.
func (s *codeStore) sweepBlobs(ctx context.Context, used map[string]bool) error {
	ctx, cancel := context.WithTimeout(ctx, sweepWait)
	defer cancel()
	all, err := s.blobs.List(ctx)
	if errors.Is(err, jetstream.ErrNoObjectsFound) {
		return nil
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "listing code")
	}
	for _, o := range all {
		if !used[o.Name] {
			if err := s.blobs.Delete(ctx, o.Name); err != nil {
				return fault.Wrap(fault.Unavailable, err, "removing code")
			}
		}
	}
	return nil
}

// sweepUnfinished removes the folders that a kill left half made or half removed.
// Nobody makes any yet.
func (s *codeStore) sweepUnfinished() error {
	left, err := filepath.Glob(filepath.Join(s.dir, unfinished+"*"))
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return unwritten(err)
}

// sweepFolders removes unpacked folders that no function uses, once nobody can
// be running in them.
func (s *codeStore) sweepFolders(used map[string]bool) error {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		name, boot, _ := strings.Cut(e.Name(), ".")
		info, statErr := e.Info()
		dir := filepath.Join(s.dir, e.Name())
		if statErr != nil || used[name] && boot == s.boot || s.idle(dir, info) <= abandon {
			continue
		}
		s.untouch(dir)
		// Half of a folder must not have its name, should we be killed meanwhile.
		going := filepath.Join(s.dir, unfinished+e.Name())
		if strings.HasPrefix(e.Name(), unfinished) {
			going = dir
		}
		if e := os.Rename(dir, going); e != nil {
			err = errors.Join(err, e)
			continue
		}
		err = errors.Join(err, os.RemoveAll(going))
	}
	return err
}

// idle is for how long nobody had to do with a folder. A date in the future is
// of a clock that has been set back since.
func (s *codeStore) idle(dir string, info fs.FileInfo) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.touched[dir]; ok {
		return time.Since(at)
	}
	return time.Since(info.ModTime()).Abs()
}

func (s *codeStore) touch(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.touched == nil {
		s.touched = map[string]time.Time{}
	}
	s.touched[dir] = time.Now()
}

func (s *codeStore) untouch(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.touched, dir)
}

// blobName turns a CodeSha256 into a name for stores and folders.
func blobName(sum string) string {
	raw, err := base64.StdEncoding.DecodeString(sum)
	if err != nil {
		return "unknown"
	}
	return hex.EncodeToString(raw)
}
