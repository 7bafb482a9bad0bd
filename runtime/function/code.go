package function

import (
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
type codeStore struct {
	blobs jetstream.ObjectStore
	dir   string

	unpacking sync.Mutex // held while a folder is made or removed
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
	return &codeStore{blobs: blobs, dir: dir}, nil
}

// put stores a zip file durably and unpacks it.
func (s *codeStore) put(ctx context.Context, code []byte) (sum string, err error) {
	digest := sha256.Sum256(code)
	sum = base64.StdEncoding.EncodeToString(digest[:])
	if _, err := s.blobs.GetInfo(ctx, blobName(sum)); errors.Is(err, jetstream.ErrObjectNotFound) {
		meta := jetstream.ObjectMeta{Name: blobName(sum)}
		if _, err := s.blobs.Put(ctx, meta, patientReader{bytes.NewReader(code)}); err != nil {
			return "", fault.Wrap(fault.Unavailable, err, "storing code")
		}
	} else if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "looking for code")
	}
	return sum, s.unpack(sum, code)
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
	dir := filepath.Join(s.dir, blobName(sum))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	code, err := s.get(ctx, sum)
	if err != nil {
		return "", err
	}
	return dir, s.unpack(sum, code)
}

// unpack makes the folder of a zip file. It appears complete or not at all.
func (s *codeStore) unpack(sum string, code []byte) error {
	z, err := readZip(code)
	if err != nil {
		return err
	}
	s.unpacking.Lock()
	defer s.unpacking.Unlock()
	dir := filepath.Join(s.dir, blobName(sum))
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	// Not what it is in: a data folder that was moved away must be able to come back.
	if err := os.Mkdir(s.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	tmp, err := os.MkdirTemp(s.dir, partial)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := unzip(z, tmp); err != nil {
		return fault.Wrap(fault.Invalid, err, "%s", ErrZip)
	}
	return os.Rename(tmp, dir)
}

// partial starts the names of folders that are being made.
const partial = "unpacking-"

// drop removes a zip file. Its folder stays for whoever still runs in it.
func (s *codeStore) drop(ctx context.Context, sum string) error {
	dir := filepath.Join(s.dir, blobName(sum))
	now := time.Now()
	// A folder that is not there needs no date of abandonment.
	_ = os.Chtimes(dir, now, now)
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

// sweepFolders removes unpacked folders that no function uses, once nobody can
// be running in them, and those that a kill left unfinished.
func (s *codeStore) sweepFolders(used map[string]bool) error {
	s.unpacking.Lock()
	defer s.unpacking.Unlock()
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		info, statErr := e.Info()
		if statErr != nil || used[e.Name()] {
			continue
		}
		if strings.HasPrefix(e.Name(), partial) || time.Since(info.ModTime()) > abandon {
			err = errors.Join(err, os.RemoveAll(filepath.Join(s.dir, e.Name())))
		}
	}
	return err
}

// blobName turns a CodeSha256 into a name for stores and folders.
func blobName(sum string) string {
	raw, err := base64.StdEncoding.DecodeString(sum)
	if err != nil {
		return "unknown"
	}
	return hex.EncodeToString(raw)
}
