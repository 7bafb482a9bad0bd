// Package cluster says which runtimes share a NATS cluster, and which of them
// a thing belongs to.
//
// Each node sends a heartbeat four times a second over plain NATS, which no JetStream
// election delays. [Members] turns the heartbeats and their times into the set of live
// nodes. A node that misses two heartbeats is probed, and removed when it has no
// subscriber: the server knows that at once when a process has died. Every node uses
// its own clock only, so clocks may differ. A [View] of the live nodes gives every key
// an owner by rendezvous hashing: equal views give equal owners, nothing is stored for a
// key, and a node that joins or leaves moves no keys but its own.
//
// Views may differ for a moment. So membership only says who ought to own a
// thing; whoever writes has to be fenced by what it writes to.
package cluster
