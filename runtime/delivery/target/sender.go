package target

import (
	"strings"

	"millrace/runtime/delivery"
	"millrace/runtime/policy"
)

// senderID is the SenderId of a message that is delivered on somebody's behalf: a unique id
// of IAM, as AWS's services have one. The same sender always has the same, as far as the
// name of its session, for a function its own, behind it.
func senderID(s delivery.Source) string {
	name := s.Name()
	if s.Principal.Service != "" {
		return policy.UniqueID("AIDA", name)
	}
	session := strings.LastIndexByte(name, '/')
	if session < 0 {
		return policy.UniqueID("AROA", name)
	}
	return policy.UniqueID("AROA", name[:session]) + ":" + name[session+1:]
}
