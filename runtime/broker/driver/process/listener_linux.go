package process

import (
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// killListener ends the process that listens at an address, when it carries the mark of
// one of the folders, and reports whether it has ended one.
func killListener(at netAddr, folders []string) bool {
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return false
	}
	inode := listenerOf(at, string(table))
	if inode == "" {
		return false
	}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		h := openHandle(pid)
		if holds(pid, "socket:["+inode+"]") && hasAnyMark(pid, folders) {
			h.signal(syscall.SIGKILL)
			ended := h.wait(nil, time.Second)
			(&proc{ident: ident{PID: pid}}).reap()
			h.close()
			return ended
		}
		h.close()
	}
	return false
}

// listenerOf finds the inode of the socket that listens at an IPv4 address, or at all of
// them, in /proc/net/tcp (proc_net_tcp(5)); "" when there is none.
func listenerOf(at netAddr, table string) string {
	const listen = "0A"
	for line := range strings.SplitSeq(table, "\n") {
		fields := strings.Fields(line) // number, local, remote, state, …, inode
		if len(fields) < 10 || fields[3] != listen {
			continue
		}
		addr, port, _ := strings.Cut(fields[1], ":")
		number, err := strconv.ParseUint(port, 16, 16)
		if err != nil || uint16(number) != at.Port() {
			continue
		}
		word, err := strconv.ParseUint(addr, 16, 32)
		if err != nil {
			continue
		}
		var local [4]byte
		binary.NativeEndian.PutUint32(local[:], uint32(word)) // printed as the machine holds it
		if a := netip.AddrFrom4(local); a == at.Addr() || a.IsUnspecified() {
			return fields[9]
		}
	}
	return ""
}

// holds reports whether a process has a file open, as the link to it says.
func holds(pid int, link string) bool {
	files, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/fd/*")
	for _, f := range files {
		if to, err := os.Readlink(f); err == nil && to == link {
			return true
		}
	}
	return false
}

func hasAnyMark(pid int, folders []string) bool {
	environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false
	}
	for _, f := range folders {
		if hasEntry(environ, []byte(markVariable+"="+f)) {
			return true
		}
	}
	return false
}
