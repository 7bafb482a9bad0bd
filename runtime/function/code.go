package function

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
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

// folderGrace is how long an unpacked folder is kept after the last function stopped
// using it: longer than any invocation that may still run in it.
const folderGrace = 20 * time.Minute

// A codeStore stores zip files under the SHA-256 of their bytes, and unpacks each once
// into a cache folder of that name.
//
// A folder is renamed to its final name when it is complete, so a killed process leaves
// no incomplete folder under that name. A power cut may: it can lose file contents that
// were written before the rename. Syncing ten thousand files would be slow. Instead the
// name holds the machine's boot ID, and after a reboot the zip file is unpacked again.
// On systems without a boot ID, each file is synced.
type codeStore struct {
	blobs jetstream.ObjectStore
	dir   string
	boot  string // boot ID, the suffix of folders that are complete; "" on systems without

	mu        sync.Mutex               // guards the rest
	unpacking map[string]chan struct{} // by SHA-256; closed at the end
	touched   map[string]time.Time     // when this process created or last used folders; file times follow the wall clock, which may jump
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
	s := &codeStore{blobs: blobs, dir: dir, boot: bootName(), unpacking: map[string]chan struct{}{}}
	return s, s.sweepUnfinished()
}

// unpack checks a zip file and unpacks it. A large one may take long, and blocks no
// other.
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
		if _, err := s.blobs.Put(ctx, meta, eofDelayReader{bytes.NewReader(code)}); err != nil {
			return fault.Wrap(fault.Unavailable, err, "storing code")
		}
	} else if err != nil {
		return fault.Wrap(fault.Unavailable, err, "finding code")
	}
	return nil
}

// An eofDelayReader delays io.EOF for a moment. ObjectStore.Put starts a goroutine with
// the first chunk; if that has not run yet when Put ends, it waits forever (nats.go
// 1.55, resetPendingAcksOnReconnect after cleanupReplySub).
type eofDelayReader struct{ io.Reader }

func (r eofDelayReader) Read(p []byte) (int, error) {
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
		return nil, fault.Wrap(fault.NotFound, err, "code %s not found", sum)
	}
	return code, fault.Wrap(fault.Unavailable, err, "reading code")
}

// folder returns the folder of the unpacked code, and unpacks it if needed.
func (s *codeStore) folder(ctx context.Context, sum string) (string, error) {
	return s.folderOf(ctx, sum, func() (*zip.Reader, error) {
		code, err := s.get(ctx, sum)
		if err != nil {
			return nil, err
		}
		return readZip(code)
	})
}

// folderOf returns the folder of a zip file, and creates it if it does not exist:
// complete or not at all, and only one caller at a time.
func (s *codeStore) folderOf(ctx context.Context, sum string, open func() (*zip.Reader, error)) (string, error) {
	dir := s.path(sum)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	unlock, err := s.lock(ctx, sum)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	z, err := open()
	if err != nil {
		return "", err
	}
	return dir, s.create(dir, z)
}

// path is the folder that a zip file is unpacked into.
func (s *codeStore) path(sum string) string {
	name := blobName(sum)
	if s.boot != "" {
		name += "." + s.boot
	}
	return filepath.Join(s.dir, name)
}

// lock waits until nobody else unpacks the same zip file; unlock lets the next one.
func (s *codeStore) lock(ctx context.Context, sum string) (unlock func(), err error) {
	for {
		s.mu.Lock()
		other, busy := s.unpacking[sum]
		if !busy {
			own := make(chan struct{})
			s.unpacking[sum] = own
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				delete(s.unpacking, sum)
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

// create unpacks a zip file into a temporary folder, and renames that to dir.
func (s *codeStore) create(dir string, z *zip.Reader) error {
	// Not its parents: a data folder that was moved away must be able to come back.
	if err := os.Mkdir(s.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return unpackError(err)
	}
	tmp, err := os.MkdirTemp(s.dir, unfinished)
	if err != nil {
		return unpackError(err)
	}
	defer os.RemoveAll(tmp)
	s.touch(tmp)
	defer s.untouch(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return unpackError(err)
	}
	switch err := unzip(z, tmp, s.boot == ""); {
	case err == nil:
		return unpackError(os.Rename(tmp, dir))
	case errors.Is(err, ErrUnzippedTooLarge):
		return ErrUnzippedTooLarge
	case causedByZip(err):
		return fmt.Errorf("%w: %w", ErrInvalidZip, err)
	default:
		return unpackError(err)
	}
}

func unpackError(err error) error { return fault.Wrap(fault.Unavailable, err, "unpacking code") }

// unfinished is the prefix of folders that are being created or removed.
const unfinished = "unpacking-"

// drop removes a zip file. Its folder stays for the events that still run in it.
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

// listTimeout is how long a start waits for the list of zip files. On a cluster whose
// servers have just started, nats.go may wait forever.
const listTimeout = 2 * time.Second

// sweepBlobs removes the zip files that no function uses: a process that is killed
// between storing code and storing its function leaves one.
func (s *codeStore) sweepBlobs(ctx context.Context, used map[string]bool) error {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
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

// sweepUnfinished removes the folders that a killed process left incomplete. It must
// run before any folder is created.
func (s *codeStore) sweepUnfinished() error {
	left, err := filepath.Glob(filepath.Join(s.dir, unfinished+"*"))
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return unpackError(err)
}

// sweepFolders removes the unpacked folders that no function uses, after folderGrace.
func (s *codeStore) sweepFolders(used map[string]bool) error {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		name, boot, _ := strings.Cut(e.Name(), ".")
		info, statErr := e.Info()
		dir := filepath.Join(s.dir, e.Name())
		if statErr != nil || used[name] && boot == s.boot || s.idle(dir, info) <= folderGrace {
			continue
		}
		s.untouch(dir)
		// Renamed first: a process that is killed must not leave an incomplete folder.
		removed := filepath.Join(s.dir, unfinished+e.Name())
		if strings.HasPrefix(e.Name(), unfinished) {
			removed = dir
		}
		if e := os.Rename(dir, removed); e != nil {
			err = errors.Join(err, e)
			continue
		}
		err = errors.Join(err, os.RemoveAll(removed))
	}
	return err
}

// idle is how long a folder has not been used. A time in the future means that the
// clock has been set back since.
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
