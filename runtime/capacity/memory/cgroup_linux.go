package memory

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A hierarchy is how one version of cgroups tells about memory.
type hierarchy struct {
	limit string   // file of a cgroup's own limit
	used  []string // lines of memory.stat, for a cgroup and those below it, of what cannot be given back
	freed []string // and what of it can
}

var (
	v1 = hierarchy{limit: "memory.limit_in_bytes", used: []string{"total_rss", "total_shmem"}}
	v2 = hierarchy{limit: "memory.max", used: []string{"anon", "shmem", "kernel", "sock"}, freed: []string{"slab_reclaimable"}}
)

// cgroupMeter returns what reads how much the cgroup uses that has this limit:
// this process's, or one above it. It is nil when there is none to see.
func cgroupMeter(limit uint64) func() uint64 {
	dir, top, h, ok := ownCgroup()
	if !ok {
		return nil
	}
	for d := dir; len(d) >= len(top); d = filepath.Dir(d) {
		text, err := os.ReadFile(filepath.Join(d, h.limit))
		if n, e := strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 64); err == nil && e == nil && n == limit {
			dir = d
			break
		}
	}
	return func() uint64 { return h.usage(dir) }
}

// ownCgroup finds the folder of this process's cgroup, and the folder of the
// highest one that is seen from here.
func ownCgroup() (dir, top string, h hierarchy, ok bool) {
	paths := map[string]string{} // by controller; "" is v2
	for fields := range lines("/proc/self/cgroup", ":") {
		if len(fields) < 3 {
			continue
		}
		path := strings.Join(fields[2:], ":")
		for c := range strings.SplitSeq(fields[1], ",") {
			paths[c] = path
		}
	}
	path, isV1 := paths["memory"]
	kind := "cgroup"
	h = v1
	if !isV1 {
		path, kind, h = paths[""], "cgroup2", v2
	}
	for fields := range lines("/proc/self/mountinfo", " ") {
		i := slices.Index(fields, "-") // proc(5): what follows is type, source, options
		if len(fields) < 6 || i < 0 || len(fields) < i+4 || fields[i+1] != kind {
			continue
		}
		if isV1 && !slices.Contains(strings.Split(fields[i+3], ","), "memory") {
			continue
		}
		root, at := fields[3], fields[4]
		// In a container the mount may begin at its cgroup.
		rest, below := strings.CutPrefix(path, strings.TrimSuffix(root, "/"))
		dir := at
		if below {
			dir = filepath.Join(at, rest)
		}
		if _, err := os.Stat(filepath.Join(dir, "memory.stat")); err == nil {
			return dir, at, h, true
		}
	}
	return "", "", h, false
}

// lines yields the lines of a file, in fields.
func lines(file, between string) func(func([]string) bool) {
	return func(yield func([]string) bool) {
		text, err := os.ReadFile(file)
		if err != nil {
			return
		}
		for line := range strings.Lines(string(text)) {
			if !yield(strings.Split(strings.TrimSuffix(line, "\n"), between)) {
				return
			}
		}
	}
}

// usage reads how many bytes a cgroup uses that the kernel cannot take back: not
// the cache of files, but those of a tmpfs. 0 when it cannot be read.
func (h hierarchy) usage(dir string) (n uint64) {
	f, err := os.Open(filepath.Join(dir, "memory.stat"))
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), " ")
		used, freed := slices.Contains(h.used, name), slices.Contains(h.freed, name)
		if !used && !freed {
			continue
		}
		v, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			continue
		}
		if used {
			n += v
		} else {
			n -= min(v, n)
		}
	}
	return n
}
