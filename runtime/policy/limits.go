package policy

import (
	"fmt"

	"millrace/runtime/fault"
)

// Limits are what a service takes of a document; 0 is no limit. SQS's are 8192
// bytes, 20 statements, 50 principals, 10 conditions, and 7 actions a statement:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
type Limits struct {
	Bytes      int // of the text
	Statements int
	Principals int // of all statements together
	Conditions int // of all statements together; each key of an operator is one
	Actions    int // of one statement
}

// A LimitError says of what a document has too much. It is fault.TooLarge.
type LimitError struct {
	What      string // "bytes", "statements", "principals", "conditions", "actions"
	Have, Max int
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%d %s are more than %d", e.Have, e.What, e.Max)
}

// Unwrap makes errors.Is find the code.
func (e *LimitError) Unwrap() error { return fault.TooLarge }

// Check returns a [LimitError] for the first limit that the document exceeds.
func (d *Document) Check(l Limits) error {
	principals, conditions, actions := 0, 0, 0
	for i := range d.statements {
		s := &d.statements[i]
		principals += s.principals.count
		conditions += len(s.conditions)
		actions = max(actions, len(s.actions))
	}
	for _, c := range []LimitError{
		{"bytes", d.size, l.Bytes},
		{"statements", len(d.statements), l.Statements},
		{"principals", principals, l.Principals},
		{"conditions", conditions, l.Conditions},
		{"actions", actions, l.Actions},
	} {
		if c.Max > 0 && c.Have > c.Max {
			return &c
		}
	}
	return nil
}
