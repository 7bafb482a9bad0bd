package docker

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

// An image is what is known of one.
type image struct {
	id      string
	user    string   // that its entrypoint starts as; "" for root
	env     []string // NAME=value
	version string   // of the software; "" until it was asked for
	owner   *owner   // of the files that the software uses; nil until it was asked for
}

// Find implements driver.Driver. The image is looked for in the engine, and pulled
// when it is not there.
func (d *Driver) Find(ctx context.Context, name, version string, progress func(string)) (driver.Software, error) {
	e, ref, err := d.imageName(name, version)
	if err != nil {
		return driver.Software{}, err
	}
	img, err := d.inspect(ctx, ref)
	if errdefs.IsNotFound(err) {
		if err := d.pull(ctx, ref, progress); err != nil {
			return driver.Software{}, err
		}
		img, err = d.inspect(ctx, ref)
	}
	if err != nil {
		return driver.Software{}, err
	}
	if img.version == "" {
		if img.version, err = d.softwareVersion(ctx, e, img); err != nil {
			return driver.Software{}, err
		}
		d.know(img)
	}
	return driver.Software{Engine: name, Version: img.version, Source: ref}, nil
}

// inspect looks at an image. What is known of it already comes with it.
func (d *Driver) inspect(ctx context.Context, ref string) (image, error) {
	got, err := call(ctx, d, "looking at image "+ref, func(ctx context.Context) (client.ImageInspectResult, error) {
		return d.client.ImageInspect(ctx, ref)
	})
	if err != nil {
		return image{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if img, ok := d.images[got.ID]; ok {
		return img, nil
	}
	img := image{id: got.ID}
	if got.Config != nil {
		img.user, img.env = got.Config.User, got.Config.Env
	}
	return img, nil
}

func (d *Driver) know(img image) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.images[img.id] = img
}

var softwareVersion = regexp.MustCompile(`\b[0-9]+\.[0-9]+\.[0-9]+[-.+0-9A-Za-z]*`)

// softwareVersion is the version that the image says, or else its software.
func (d *Driver) softwareVersion(ctx context.Context, e engine, img image) (string, error) {
	for _, entry := range img.env {
		if name, value, _ := strings.Cut(entry, "="); name == e.version {
			if v := softwareVersion.FindString(value); v != "" {
				return v, nil
			}
		}
	}
	out, err := d.ask(ctx, img.id, e.ask)
	if err != nil {
		return "", err
	}
	if v := softwareVersion.FindString(out); v != "" {
		return v, nil
	}
	return "", fault.New(fault.NotFound, "the image says no version when asked with %q: name another image", strings.Join(e.ask, " "))
}

// ask runs a command in a container of its own, which is gone afterwards, and
// returns what it prints.
func (d *Driver) ask(ctx context.Context, imageID string, command []string) (string, error) {
	d.probing.Lock()
	defer d.probing.Unlock()
	// One that an earlier runtime did not come to remove has the same name.
	name := "millrace-" + d.data + "-version"
	remove := func(ctx context.Context) error {
		return d.eachContainer(ctx, client.Filters{}.Add("label", labelData+"="+d.data, labelProbe), d.removeContainer)
	}
	if err := remove(ctx); err != nil {
		return "", err
	}
	made, err := call(ctx, d, "creating container "+name, func(ctx context.Context) (client.ContainerCreateResult, error) {
		return d.client.ContainerCreate(ctx, client.ContainerCreateOptions{
			Name: name,
			Config: &container.Config{
				Image: imageID, Entrypoint: command[:1], Cmd: command[1:],
				Labels: map[string]string{labelData: d.data, labelProbe: "version"},
			},
			HostConfig: &container.HostConfig{NetworkMode: "none", LogConfig: logs},
		})
	})
	if err != nil {
		return "", err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.timeout)
		defer cancel()
		if err := remove(ctx); err != nil {
			d.log.Warn("a container is left over", "container", name, "err", err)
		}
	}()
	if _, err := call(ctx, d, "asking the image for its version", func(ctx context.Context) (client.ContainerStartResult, error) {
		return d.client.ContainerStart(ctx, made.ID, client.ContainerStartOptions{})
	}); err != nil {
		return "", err
	}
	_, err = call(ctx, d, "asking the image for its version", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, d.waitOnce(ctx, made.ID)
	})
	if err != nil {
		return "", err
	}
	return string(d.lastLog(ctx, made.ID)), nil
}

const (
	pullStall    = 2 * time.Minute // a pull in which nothing moves for so long is given up
	progressEach = 500 * time.Millisecond
)

// pull fetches an image. Every failure is a fault.NotFound: the image is not here.
func (d *Driver) pull(ctx context.Context, ref string, progress func(string)) error {
	if progress == nil {
		progress = func(string) {}
	}
	failed := func(err error) error {
		if ctx.Err() != nil {
			return fault.Wrap(fault.Of(ctx.Err()), err, "pulling image %s", ref)
		}
		return fault.New(fault.NotFound, "image %s is not here and could not be pulled: %s; bring it with docker pull or docker load, or name another image", ref, oneLine(err))
	}
	stalled := fmt.Errorf("nothing came for %v", pullStall)
	pulling, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(pullStall, func() { cancel(stalled) })
	defer stall.Stop()
	cause := func(err error) error {
		if pulling.Err() != nil && ctx.Err() == nil {
			return context.Cause(pulling)
		}
		return err
	}

	progress("pulling image " + ref)
	stream, err := d.client.ImagePull(pulling, ref, client.ImagePullOptions{})
	if err != nil {
		return failed(cause(err))
	}
	defer stream.Close()
	layers, told := map[string][2]int64{}, time.Now()
	for m, err := range stream.JSONMessages(pulling) {
		if err == nil && m.Error != nil {
			err = m.Error
		}
		if err != nil {
			return failed(cause(err))
		}
		stall.Reset(pullStall)
		if m.Status != "Downloading" || m.Progress == nil {
			continue
		}
		layers[m.ID] = [2]int64{m.Progress.Current, m.Progress.Total}
		if now := time.Now(); now.Sub(told) >= progressEach {
			told = now
			var have, all int64
			for _, l := range layers {
				have, all = have+l[0], all+l[1]
			}
			progress(fmt.Sprintf("pulling image %s: %.1f of %.1f MB", ref, float64(have)/1e6, float64(all)/1e6))
		}
	}
	progress("pulled image " + ref)
	return nil
}

// lastLog is the end of what a container has printed, as far as the engine tells.
func (d *Driver) lastLog(ctx context.Context, id string) []byte {
	out, err := call(ctx, d, "reading the log", func(ctx context.Context) ([]byte, error) {
		r, err := d.client.ContainerLogs(ctx, id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "40"})
		if err != nil {
			return nil, err
		}
		defer r.Close()
		var all bytes.Buffer
		err = demultiplex(&all, &all, r)
		return all.Bytes(), err
	})
	if err != nil && len(out) == 0 {
		return []byte("(its log cannot be read: " + oneLine(err) + ")")
	}
	return out
}
