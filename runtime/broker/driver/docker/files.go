package docker

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"io"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"millrace/runtime/broker/driver"
)

// An owner is the user in an image that its software runs as.
type owner struct{ uid, gid int }

func (o owner) String() string { return strconv.Itoa(o.uid) + ":" + strconv.Itoa(o.gid) }

// owner finds out who the software of a container's image runs as. The image's
// entrypoint may start as root and change to a user of the engine's.
func (d *Driver) owner(ctx context.Context, id string, img image, e engine) (owner, error) {
	if img.owner != nil {
		return *img.owner, nil
	}
	passwd, err := d.readFile(ctx, id, "/etc/passwd", maxPasswd)
	if err != nil && !errdefs.IsNotFound(err) {
		return owner{}, err
	}
	o := ownerOf(img.user, e.user, passwd)
	img.owner = &o
	d.know(img)
	return o, nil
}

// ownerOf reads who is meant by an image's user ("", "name", "1000", "1000:1000")
// and the user of the engine's that root changes to.
func ownerOf(user, changesTo string, passwd []byte) owner {
	name, group, hasGroup := strings.Cut(user, ":")
	if name == "" || name == "root" || name == "0" {
		name, hasGroup = changesTo, false
	}
	var o owner
	if n, err := strconv.Atoi(name); err == nil {
		o.uid = n
	}
	for lines := bufio.NewScanner(bytes.NewReader(passwd)); lines.Scan(); {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) < 4 || (fields[0] != name && fields[2] != name) {
			continue
		}
		uid, err := strconv.Atoi(fields[2])
		gid, err2 := strconv.Atoi(fields[3])
		if err == nil && err2 == nil {
			o = owner{uid, gid}
			break
		}
	}
	if n, err := strconv.Atoi(group); hasGroup && err == nil {
		o.gid = n
	}
	return o
}

const maxPasswd = 1 << 20

// readFile reads a file of a container, up to a number of bytes.
func (d *Driver) readFile(ctx context.Context, id, name string, limit int64) ([]byte, error) {
	return call(ctx, d, "reading "+name+" of the container", func(ctx context.Context) ([]byte, error) {
		got, err := d.client.CopyFromContainer(ctx, id, client.CopyFromContainerOptions{SourcePath: name})
		if err != nil {
			return nil, err
		}
		defer got.Content.Close()
		archive := tar.NewReader(got.Content)
		if _, err := archive.Next(); err != nil {
			return nil, err
		}
		return io.ReadAll(io.LimitReader(archive, limit))
	})
}

// writeFiles puts files into a container that does not run, and makes the folders
// of its place. All belong to the user that the software runs as.
func (d *Driver) writeFiles(ctx context.Context, id string, p driver.Place, files []driver.File, o owner) error {
	content, err := archive(p, files, o)
	if err != nil {
		return err
	}
	_, err = call(ctx, d, "writing the configuration into the container", func(ctx context.Context) (client.CopyToContainerResult, error) {
		return d.client.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: "/", Content: bytes.NewReader(content)})
	})
	return err
}

// archive is a tar of the files of a place and their folders, from the root on.
func archive(p driver.Place, files []driver.File, o owner) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	made := map[string]bool{"/": true}
	folder := func(name string) error {
		made[name] = true
		return w.WriteHeader(&tar.Header{
			Typeflag: tar.TypeDir, Name: strings.TrimPrefix(name, "/") + "/", Mode: 0o750,
			Uid: o.uid, Gid: o.gid, ModTime: time.Unix(0, 0), Format: tar.FormatPAX,
		})
	}
	for _, name := range []string{p.Config, p.Home, p.Data, p.Logs} {
		if !made[name] {
			if err := folder(name); err != nil {
				return nil, err
			}
		}
	}
	for _, f := range files {
		var missing []string
		for dir := path.Dir(f.Path); !made[dir]; dir = path.Dir(dir) {
			missing = append(missing, dir)
		}
		for i := len(missing) - 1; i >= 0; i-- {
			if err := folder(missing[i]); err != nil {
				return nil, err
			}
		}
		err := w.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg, Name: strings.TrimPrefix(f.Path, "/"), Mode: int64(f.Mode.Perm()), Size: int64(len(f.Contents)),
			Uid: o.uid, Gid: o.gid, ModTime: time.Unix(0, 0), Format: tar.FormatPAX,
		})
		if err == nil {
			_, err = w.Write(f.Contents)
		}
		if err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
