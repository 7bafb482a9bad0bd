package esm

import (
	"errors"

	"millrace/esm/source"
	"millrace/runtime/fault"
)

// A Problem is why no records of an enabled mapping move at the moment; "" when
// nothing is wrong.
type Problem string

// The problems.
const (
	ProblemNoFunction   Problem = "the function does not exist"
	ProblemNoSource     Problem = "the event source does not exist"
	ProblemNoPermission Problem = "the function may not receive from the event source"
	ProblemSource       Problem = "the event source is not available"
	ProblemConfig       Problem = "the mapping names what the event source does not have"
	ProblemLogin        Problem = "the event source knows no such user and password"
)

// A trouble is a Problem with what its source says of it.
type trouble struct {
	Problem
	text    string
	changed <-chan struct{} // closed when another try may fare better; nil when nothing tells
}

// troubleOf says what an error of a receive means for a mapping.
func troubleOf(err error) trouble {
	if e, ok := errors.AsType[*source.Error](err); ok {
		return trouble{ofSource[e.Problem], e.What, e.Changed}
	}
	switch {
	case errors.Is(err, ErrNoFunction):
		return trouble{Problem: ProblemNoFunction}
	case errors.Is(err, fault.NotFound):
		return trouble{Problem: ProblemNoSource}
	case errors.Is(err, fault.Denied):
		return trouble{Problem: ProblemNoPermission}
	}
	return trouble{Problem: ProblemSource}
}

var ofSource = map[source.Problem]Problem{
	source.Unreachable:   ProblemSource,
	source.Misconfigured: ProblemConfig,
	source.BadLogin:      ProblemLogin,
	source.NoPermission:  ProblemNoPermission,
}
