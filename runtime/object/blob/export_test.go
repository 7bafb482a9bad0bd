package blob

import "time"

// SetGrace replaces Grace. It is called before anything else is.
func (s *Chunks) SetGrace(grace time.Duration) { s.grace = grace }

// MaxChunk is the size of a chunk on a server with the usual max_payload.
const MaxChunk = maxChunk
