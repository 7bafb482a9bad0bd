package sqs

import "time"

// Options are where the operator may have it otherwise. The zero Options answer
// as AWS does, but for the waits of sixty seconds, which are off.
type Options struct {
	URLs URLForm // of the queue URLs that are handed out; every form is understood

	PurgeWait bool // refuse a second purge of a queue within sixty seconds
	NameWait  bool // keep the name of a deleted queue taken for sixty seconds

	// AnyNumber lifts the limit of ten messages a receive: MaxNumberOfMessages may
	// be any number, and -1 takes every message that can be had.
	AnyNumber bool

	FIFOThroughput bool // hold FIFO queues to AWS's 300 calls a second
	PoliciesOff    bool // let everybody call everything: policies are kept and not asked

	// For CloudWatch, which reads them from here.
	MetricsOff   bool
	MetricsEvery time.Duration // 0 means a minute
}
