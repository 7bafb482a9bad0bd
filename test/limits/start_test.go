//go:build unix

package limits

import "testing"

func TestHealthOfAnEmptyRuntime(t *testing.T) {
	long(t)
	s := start(t, "", disk(t, 256<<20))
	if status, message := s.health(); status != 200 || message != "" {
		t.Errorf("health is %d %q", status, message)
	}
}
