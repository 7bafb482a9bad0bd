package secret

import (
	"slices"
	"time"
)

// Staging labels that have a meaning of their own.
const (
	Current  = "AWSCURRENT"
	Previous = "AWSPREVIOUS"
	Pending  = "AWSPENDING"
)

// Quotas of a secret: Secrets Manager User Guide, "AWS Secrets Manager quotas".
const (
	MaxStages   = 20  // staging labels over all versions
	MaxVersions = 100 // beyond it the oldest versions without labels are dropped
	keepVersion = 24 * time.Hour

	// maxYoung bounds the versions of one day, which are never dropped: all of them are in
	// one record. AWS's bound is not known.
	maxYoung = 1000
)

// A Version is one value that a secret has or had; the value itself is elsewhere.
type Version struct {
	ID       string // 32 to 64 characters: the ClientRequestToken of the request
	Value    string // key of the record of its value
	Created  time.Time
	Accessed time.Time `json:",omitzero"` // the last day that it was read on, its midnight in UTC
	Stages   []string  `json:",omitzero"` // in the order of their coming; none for a deprecated version
	KeyID    string    `json:",omitzero"` // the KMS key, as it was given; "" for aws/secretsmanager
}

// Versions are the versions of a secret, in the order of their making. A staging label
// is on one of them at most.
//
// Secrets Manager User Guide, "Secret versions"; PutSecretValue and
// UpdateSecretVersionStage of the API Reference.
type Versions []Version

// Get returns a version by its id; ok is false if there is none.
func (vs Versions) Get(id string) (v Version, ok bool) {
	if i := vs.index(id); i >= 0 {
		return vs[i], true
	}
	return Version{}, false
}

// Holder returns the version that has a label; ok is false if none has.
func (vs Versions) Holder(stage string) (v Version, ok bool) {
	if i := vs.holder(stage); i >= 0 {
		return vs[i], true
	}
	return Version{}, false
}

func (vs Versions) index(id string) int {
	return slices.IndexFunc(vs, func(v Version) bool { return v.ID == id })
}

func (vs Versions) holder(stage string) int {
	return slices.IndexFunc(vs, func(v Version) bool { return slices.Contains(v.Stages, stage) })
}

// Put adds a version with labels, which others lose; none stands for AWSCURRENT. v has
// no labels, and an id that is new. With AWSCURRENT, the version that had it becomes
// AWSPREVIOUS. TooManyStages, TooManyVersions.
func (vs Versions) Put(v Version, stages []string) (Versions, error) {
	if len(stages) == 0 {
		stages = []string{Current}
	}
	next := append(vs.clone(), v)
	at := len(next) - 1
	for _, stage := range stages {
		if stage != Current {
			next.attach(at, stage)
		}
	}
	if slices.Contains(stages, Current) {
		next.promote(at)
	}
	if next.countStages() > MaxStages {
		return nil, &Error{Reason: TooManyStages}
	}
	return next.drop(v.Created)
}

// Move takes a label from a version and puts it on another; "" for to or from means that
// the label is only taken, or only put. A label that some version has can only be put on
// another with from naming that version. NoVersion, HeldElsewhere, WrongHolder,
// CurrentStays, TooManyStages.
func (vs Versions) Move(stage, to, from string) (Versions, error) {
	next := vs.clone()
	target, held := next.index(to), next.holder(stage)
	for _, id := range []string{to, from} {
		if id != "" && next.index(id) < 0 {
			return nil, &Error{Reason: NoVersion, Version: id}
		}
	}
	switch {
	case from != "" && (held < 0 || next[held].ID != from):
		return nil, &Error{Reason: WrongHolder, Stage: stage}
	case to == "" && stage == Current:
		return nil, &Error{Reason: CurrentStays}
	case to == "":
		next.detach(stage)
		return next, nil
	case held == target:
		return next, nil
	case from == "" && held >= 0:
		return nil, &Error{Reason: HeldElsewhere, Stage: stage, Version: next[held].ID}
	case stage == Current:
		next.promote(target)
	default:
		next.attach(target, stage)
	}
	if next.countStages() > MaxStages {
		return nil, &Error{Reason: TooManyStages}
	}
	return next, nil
}

// promote makes a version the current one. The one before becomes the previous one, and
// is no longer pending.
func (vs Versions) promote(at int) {
	before := vs.holder(Current)
	vs.detach(Current)
	if before >= 0 && before != at {
		if vs.holder(Pending) == before {
			vs.detach(Pending)
		}
		vs.attach(before, Previous)
	}
	vs[at].Stages = slices.Insert(vs[at].Stages, 0, Current)
}

// attach puts a label on a version, and takes it from the one that has it.
func (vs Versions) attach(at int, stage string) {
	if slices.Contains(vs[at].Stages, stage) {
		return
	}
	vs.detach(stage)
	vs[at].Stages = append(vs[at].Stages, stage)
}

func (vs Versions) detach(stage string) {
	if i := vs.holder(stage); i >= 0 {
		vs[i].Stages = slices.DeleteFunc(vs[i].Stages, func(s string) bool { return s == stage })
	}
}

// drop leaves out the oldest versions without labels while there are too many, but none
// of the last day.
func (vs Versions) drop(now time.Time) (Versions, error) {
	surplus := len(vs) - MaxVersions
	vs = slices.DeleteFunc(vs, func(v Version) bool {
		old := surplus > 0 && len(v.Stages) == 0 && now.Sub(v.Created) >= keepVersion
		if old {
			surplus--
		}
		return old
	})
	if len(vs) > maxYoung {
		return nil, &Error{Reason: TooManyVersions}
	}
	return vs, nil
}

func (vs Versions) countStages() (n int) {
	for _, v := range vs {
		n += len(v.Stages)
	}
	return n
}

// clone copies what a change may touch.
func (vs Versions) clone() Versions {
	next := make(Versions, len(vs), len(vs)+1)
	for i, v := range vs {
		v.Stages = slices.Clone(v.Stages)
		next[i] = v
	}
	return next
}
