package function

import (
	"time"
)

// A Function is a deployed function's $LATEST: its configuration and where its
// code is. Texts and numbers are as Lambda's API shows them.
type Function struct {
	Account, Region, Name string

	Runtime       string
	Role          string
	Handler       string
	Description   string
	Timeout       int // seconds
	MemorySize    int // MB
	Env           map[string]string
	Architectures []string
	EphemeralMB   int
	TracingMode   string
	Layers        []string
	LogFormat     string
	LogGroup      string
	Tags          map[string]string

	CodeSha256 string // base64, as the API shows it; also the code's name in the object store
	CodeSize   int64

	RevisionID   string
	Modified     time.Time
	State        string // "Pending", "Active"
	UpdateStatus string // LastUpdateStatus: "", "Successful"
}
