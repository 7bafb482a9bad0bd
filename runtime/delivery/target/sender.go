package target

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"sync"

	"millrace/runtime/delivery"
)

// senders are the ids that senderID has made, by the names of senders: those of services,
// and of the functions that deliver.
var senders sync.Map

// senderID is the SenderId of a message that is delivered on somebody's behalf: a unique id
// of IAM, as AWS's services have one. The same sender always has the same, as far as the
// name of its session, for a function its own, behind it.
func senderID(s delivery.Source) string {
	name := s.Name()
	if id, ok := senders.Load(name); ok {
		return id.(string)
	}
	who, session, isSession := name, "", false
	kind := "AIDA"
	if s.Principal.Service == "" {
		kind = "AROA"
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			who, session, isSession = name[:i], name[i+1:], true
		}
	}
	sum := sha256.Sum256([]byte(who))
	id := kind + base32.StdEncoding.EncodeToString(sum[:])[:17]
	if isSession {
		id += ":" + session
	}
	senders.Store(name, id)
	return id
}
