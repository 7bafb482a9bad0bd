package jetobject

import (
	"encoding/json"
	"time"

	"millrace/runtime/object"
)

// A bucketRecord is what is stored of a bucket beside its log, under its name.
type bucketRecord struct {
	ID         object.ID
	Created    time.Time
	Generation uint64 // tells buckets of one name apart; in the names of stream, folder and snapshot
	Secret     []byte // 16 bytes, of the version ids
	Settings   object.Settings

	// Deleting says that a DeleteBucket is under way. Whether it has happened is in the
	// log: see closed.
	Deleting bool `json:",omitempty"`
}

// recordMetadata is the key in a stream's metadata under which the record of its bucket is
// kept, as it was when the stream was made: a stream without a record is identified by it.
const recordMetadata = "record"

func (r *bucketRecord) metadata() (map[string]string, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return map[string]string{"account": r.ID.Account, "region": r.ID.Region, "bucket": r.ID.Name, recordMetadata: string(b)}, nil
}

// An Info is what is known of a bucket without looking into it.
type Info struct {
	ID       object.ID
	Created  time.Time
	Settings object.Settings // shared: not to be changed
}

func (r *bucketRecord) info() Info { return Info{ID: r.ID, Created: r.Created, Settings: r.Settings} }
