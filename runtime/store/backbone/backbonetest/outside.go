package backbonetest

import (
	"sync"

	"github.com/nats-io/nats-server/v2/server/ats"
)

// Outside does what Main does for a package that has a TestMain of another kind,
// or none: call it before testing/synctest begins a bubble. The clock then runs
// until the process ends.
var Outside = sync.OnceFunc(ats.Register)
