// Package cluster says which runtimes share a NATS cluster, and which of them
// a thing belongs to.
//
// Each node tells the others four times a second that it is there, over plain
// NATS: no election of JetStream's can hold that up. [Members] turns what was
// heard, and when, into the set of live nodes; one that misses two beats is asked,
// and is gone when nobody listens there, which the server knows at once when a
// process has died; only a node's own clock judges, so it
// does not matter what the others' clocks say. A [View] of the live nodes gives
// every key an owner by rendezvous hashing: equal views give equal owners,
// nothing is stored for a key, and a node that comes or goes moves no keys but
// its own.
//
// Views may differ for a moment. So membership only says who ought to own a
// thing; whoever writes has to be fenced by what it writes to.
package cluster
