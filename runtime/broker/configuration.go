package broker

import (
	"time"

	"millrace/runtime/arn"
	"millrace/runtime/broker/catalog"
)

// A Configuration is the record of a configuration. Its texts are revisions, records of
// their own.
type Configuration struct {
	ID, Name        string // "c-<uuid>"
	Account, Region string
	Created         time.Time

	Engine   catalog.Engine
	Version  string // of the catalogue: "3.13"
	Strategy catalog.Strategy
	Latest   Revision // without its Data
	Tags     map[string]string
}

// A Revision is a text of a configuration. It never changes.
type Revision struct {
	Number      int // from 1
	Created     time.Time
	Description string
	Data        []byte // as it is stored: what the engine's rules leave of it
}

// ARN returns the configuration's.
func (c *Configuration) ARN() arn.ARN {
	return arn.New("mq", c.Region, c.Account, "configuration:"+c.ID)
}

func (c *Configuration) key() string { return c.Account + "/" + c.Region + "/" + c.ID }
