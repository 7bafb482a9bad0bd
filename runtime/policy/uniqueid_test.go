package policy_test

import (
	"testing"

	"millrace/runtime/policy"
)

// Ids that were given out must not change: roles and messages have them.
func TestUniqueID(t *testing.T) {
	if got, want := policy.UniqueID("AROA", "arn:aws:iam::000000000000:role/worker"), "AROA4KN7ZRM2VFEIZ45GZ"; got != want {
		t.Errorf("the id is %s, want %s", got, want)
	}
}
