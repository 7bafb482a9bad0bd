package gateway

import (
	"net/url"
	"strings"

	"millrace/services/internal/wire"
)

// nameEntries gives the entries of flat lists and maps the names that the model
// has for them, where AWS takes others too:
//
//   - an entry without a number is the first: AWS's own examples ask for
//     AttributeName=All and set Attribute.Name and Attribute.Value
//     (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html);
//     but nothing at all is no entry, since SDKs wrote an empty list so
//   - the member's name stands for the entries', as in the Tags.1.Key of the Java
//     SDKs (aws/aws-sdk-java-v2#2524)
//
// An entry that is there under the model's name stays as it came.
func nameEntries(op *wire.Operation, form url.Values) {
	for _, m := range op.Input.Members {
		if m.Query == "" || !m.Flattened && !m.Shape.Flattened {
			continue
		}
		for key, texts := range form {
			for _, name := range [...]string{m.Query, m.Name} {
				rest, ok := strings.CutPrefix(key, name)
				if ok && (rest == "" && form.Get(key) != "" || len(rest) > 1 && rest[0] == '.') {
					if rest == "" || rest[1] < '0' || rest[1] > '9' {
						rest = ".1" + rest
					}
					if !form.Has(m.Query + rest) {
						form[m.Query+rest] = texts
					}
				}
			}
		}
	}
}
