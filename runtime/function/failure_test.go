package function

import (
	"strings"
	"testing"
)

func TestFailure(t *testing.T) {
	for _, c := range []struct{ payload, want string }{
		{`{"errorType":"errorString","errorMessage":"no stock"}`, "errorString: no stock"},
		{`{"errorMessage":"no stock"}`, "no stock"},
		{`{"errorType":"Runtime.ExitError"}`, "Runtime.ExitError"},
		{`{"status":"bad"}`, `{"status":"bad"}`},
		{`"oops"`, `"oops"`},
		{``, ``},
		{`{"errorMessage":"` + strings.Repeat("é", 600) + `"}`, strings.Repeat("é", 512) + "…"},
		{`{"errorMessage":"x` + strings.Repeat("é", 600) + `"}`, "x" + strings.Repeat("é", 511) + "…"},
	} {
		if got := Failure([]byte(c.payload)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.payload, got, c.want)
		}
	}
}
