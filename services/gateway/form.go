package gateway

import (
	"net/url"
	"strings"

	"millrace/services/internal/wire"
)

// numberEntries gives the entry of a flat list or map that came without a
// number the number 1, as AWS does: its own examples ask for AttributeName=All
// and set Attribute.Name and Attribute.Value, and so do clients made after them
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html).
// An entry that is numbered 1 stays as it came, and nothing at all is no entry:
// SDKs of that time wrote an empty list so.
func numberEntries(op *wire.Operation, form url.Values) {
	for _, m := range op.Input.Members {
		if m.Query == "" || !m.Flattened && !m.Shape.Flattened {
			continue
		}
		for key, texts := range form {
			rest, ok := strings.CutPrefix(key, m.Query)
			if !ok || rest == "" && form.Get(key) == "" || rest != "" && (len(rest) == 1 || rest[0] != '.' || '0' <= rest[1] && rest[1] <= '9') {
				continue
			}
			if first := m.Query + ".1" + rest; !form.Has(first) {
				form[first] = texts
			}
		}
	}
}
