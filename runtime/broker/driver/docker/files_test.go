package docker

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

func TestOwnersAreFoundAsTheImageHasThem(t *testing.T) {
	passwd := []byte("root:x:0:0:root:/root:/bin/sh\nrabbitmq:x:999:998::/var/lib/rabbitmq:/bin/sh\nbroken\nother:x:77:78::/:/bin/sh\n")
	for user, want := range map[string]owner{
		"":                {999, 998}, // the entrypoint changes to it
		"root":            {999, 998},
		"0:0":             {999, 998},
		"rabbitmq":        {999, 998},
		"other":           {77, 78},
		"999":             {999, 998},
		"1234":            {1234, 0},
		"1234:55":         {1234, 55},
		"other:55":        {77, 55},
		"nobody-knows-it": {0, 0},
	} {
		if got := ownerOf(user, "rabbitmq", passwd); got != want {
			t.Errorf("%q: %v, want %v", user, got, want)
		}
	}
	if got := ownerOf("", "rabbitmq", nil); got != (owner{}) {
		t.Errorf("without a passwd: %v", got)
	}
}

func TestArchivesHaveFoldersBeforeFiles(t *testing.T) {
	p := driver.Place{Config: "/etc/millrace", Home: "/var/lib/rabbitmq", Data: "/var/lib/rabbitmq/data", Logs: "/var/lib/rabbitmq/log"}
	b, err := archive(p, []driver.File{
		{Path: "/etc/millrace/a/b/c", Contents: []byte("c"), Mode: 0o400},
		{Path: "/etc/millrace/a/d", Contents: []byte("d"), Mode: 0o600},
	}, owner{999, 998})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 999 || h.Gid != 998 {
			t.Errorf("%s belongs to %d:%d", h.Name, h.Uid, h.Gid)
		}
		if mode := map[string]int64{"etc/millrace/a/b/c": 0o400, "etc/millrace/a/d": 0o600}[h.Name]; mode != 0 && h.Mode != mode {
			t.Errorf("%s has mode %o", h.Name, h.Mode)
		}
		names = append(names, h.Name)
	}
	want := []string{
		"etc/millrace/", "var/lib/rabbitmq/", "var/lib/rabbitmq/data/", "var/lib/rabbitmq/log/",
		"etc/millrace/a/", "etc/millrace/a/b/", "etc/millrace/a/b/c", "etc/millrace/a/d",
	}
	if !slices.Equal(names, want) {
		t.Errorf("got %q", names)
	}
}

func TestImagesAreNamedByVersion(t *testing.T) {
	d, err := New(Config{Data: t.TempDir(), Host: "unix:///nobody"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, ref, err := d.imageName("rabbitmq", "4.2"); ref != "rabbitmq:4.2-management" || err != nil {
		t.Errorf("%s, %v", ref, err)
	}
	d.cfg.Images = map[string]string{"rabbitmq": "my/{version}/x:{version}"}
	if _, ref, err := d.imageName("rabbitmq", "4.2"); ref != "my/4.2/x:4.2" || err != nil {
		t.Errorf("%s, %v", ref, err)
	}
	for _, version := range []string{"", "latest", "4.2/../x", "4.2\n", "4.2@sha256:x", strings.Repeat("4", 5)} {
		if _, _, err := d.imageName("rabbitmq", version); fault.Of(err) != fault.Invalid {
			t.Errorf("version %q: %v", version, err)
		}
	}
	if _, _, err := d.imageName("hare", "4.2"); fault.Of(err) != fault.NotFound {
		t.Errorf("an unknown engine: %v", err)
	}
}
