//go:build linux || darwin

package process

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// maxSocket is the shortest limit of a socket's path among systems, less its zero.
const maxSocket = 103

// A notifySocket is where a process says READY=1 (sd_notify(3)). What else it says is
// read too, since a sender waits when nobody does.
type notifySocket struct {
	path      string
	temporary string // folder of its own, when the node's is too long a path
	conn      *net.UnixConn
	once      sync.Once
}

func listenNotify(folder string) (*notifySocket, error) {
	s := &notifySocket{path: filepath.Join(folder, "notify")}
	if len(s.path) > maxSocket {
		dir, err := os.MkdirTemp("", "millrace-")
		if err != nil {
			return nil, err
		}
		s.temporary, s.path = dir, filepath.Join(dir, "notify")
	}
	err := os.Remove(s.path)
	if err == nil || os.IsNotExist(err) {
		s.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.path, Net: "unixgram"})
	}
	if err != nil {
		os.RemoveAll(s.temporary)
		return nil, err
	}
	return s, nil
}

// listen returns once the socket is closed.
func (s *notifySocket) listen(ready func()) {
	buf := make([]byte, 4096)
	for {
		n, err := s.conn.Read(buf)
		if err != nil {
			return
		}
		for line := range bytes.SplitSeq(buf[:n], []byte("\n")) {
			if string(line) == "READY=1" {
				ready()
			}
		}
	}
}

// close ends the listening. The file stays: the process may live on without us.
func (s *notifySocket) close() { s.once.Do(func() { s.conn.Close() }) }
