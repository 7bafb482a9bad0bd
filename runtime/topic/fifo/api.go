package fifo

import (
	"context"
	"time"
)

// DuplicateWindow is how long a log remembers an [Entry.DedupKey], from the publish on
// that stored it (Amazon SNS Developer Guide, "Message deduplication for FIFO topics").
const DuplicateWindow = 5 * time.Minute

// An Entry is what is published.
type Entry struct {
	DedupKey string // any text: of two entries with one key within the DuplicateWindow only the first is stored
	Content  []byte // kept in memory for readers: the caller must not change it afterwards
}

// Stored is what came of an [Entry].
type Stored struct {
	// Seq is the number of the entry, or of the original of a duplicate. Numbers rise by
	// at least one from entry to entry; they stay below 2^53.
	Seq       uint64
	Duplicate bool
	// Content is the original's, of a duplicate.
	Content []byte
	// Err is why the entry is not stored: fault.TooLarge; or why that is not known:
	// fault.Unavailable, or the error of the context. A publish with the same key finds
	// out. Seq is 0 then.
	Err error
}

// An Item is an entry of a log.
type Item struct {
	Seq     uint64    // see [Stored]
	Time    time.Time // when it was stored; that of an entry which is handed over at once may be a little later
	Content []byte    // shared by all readers: it must not be changed
}

// A Reader hands the entries of a log on.
type Reader struct {
	Log string
	ID  string // names its cursor, within the log

	// From is the time of the first entry that a new reader gets; zero for those that are
	// published from now on. A reader that has a cursor goes on from there.
	From time.Time
	// Until ends the reader behind the last entry that was stored before it; zero for
	// never.
	Until time.Time

	// Deliver hands entries over, in their order, and returns how many of the first ones
	// are done with. The others come again: at once after a nil error and progress, else
	// after a pause, which is 50 ms and doubles up to 5 s until an entry is done with, or
	// until [Logs.Wake]. Of one reader one Deliver runs at a time. ctx is over when the
	// reader is forgotten, or a Stop cannot wait.
	Deliver func(ctx context.Context, items []Item) (done int, err error)

	// Ended is called once the reader has got all before Until, and again after a
	// restart, until the reader is forgotten. nil for none. It must not block.
	Ended func()
}

// Bounds are the first and the last entry that a log has. All are zero when it has
// none.
type Bounds struct {
	First, Last         uint64
	FirstTime, LastTime time.Time
	Entries             uint64
	Bytes               uint64 // with JetStream's headers
}
