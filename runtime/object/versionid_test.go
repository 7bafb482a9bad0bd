package object

import (
	"math"
	"regexp"
	"testing"

	"millrace/runtime/fault"
)

func TestVersionIDs(t *testing.T) {
	m, other := New([16]byte{1}), New([16]byte{2})
	shape := regexp.MustCompile(`^[A-Za-z0-9._]{32}$`)
	for _, number := range []uint64{0, 1, 1_772_366_400_000_000, math.MaxUint64} {
		id := m.VersionID(Object{Number: number})
		if !shape.MatchString(id) {
			t.Errorf("%q", id)
		}
		if v, err := m.ParseVersionID(id); err != nil || v != (Version{Number: number}) {
			t.Errorf("%d came back as %+v, %v", number, v, err)
		}
		changed := []byte(id)
		for i := range changed {
			changed[i] ^= 1
			if _, err := m.ParseVersionID(string(changed)); fault.Of(err) != fault.Invalid {
				t.Errorf("%s is an id, as %s is", changed, id)
			}
			changed[i] ^= 1
		}
		if _, err := other.ParseVersionID(id); fault.Of(err) != fault.Invalid {
			t.Error("another bucket knows the id")
		}
		if _, ok := m.parseUploadID(id); ok {
			t.Error("the id of a version is that of an upload")
		}
	}
	if v, err := m.ParseVersionID("null"); err != nil || v != (Version{Null: true}) {
		t.Errorf("null is %+v, %v", v, err)
	}
	if id := m.VersionID(Object{Number: 5, Null: true}); id != "null" {
		t.Errorf("the id of a null version is %s", id)
	}
}
