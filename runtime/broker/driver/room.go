package driver

import (
	"millrace/runtime/capacity"
	"millrace/runtime/capacity/disk"
	"millrace/runtime/fault"
)

// StartRoom is how many bytes have to be free on the disk of a node's data when it starts.
// RabbitMQ writes its metadata anew then, and a dump when it fails; what it cannot write it
// may lose. Both are far below this.
const StartRoom = 32 << 20

// CheckRoom returns, as a fault.State, that the disk of a folder has no room for a node to
// start. A disk that does not tell has room.
func CheckRoom(folder string) error {
	if free, err := disk.Free(folder); err != nil || free >= StartRoom {
		return nil
	}
	return fault.State(nil, "The disk of %s is full: a broker needs %s to start. Make room on it; the broker starts by itself then.",
		folder, capacity.Size(StartRoom))
}
