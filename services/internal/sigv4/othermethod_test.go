package sigv4_test

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"millrace/services/internal/sigv4"
)

// URLs that boto3 has presigned, with the secret "test", are good for their method only,
// though nobody has told the runtime the secret.
func TestMethodOfPresignedURLs(t *testing.T) {
	b, err := os.ReadFile("testdata/boto3-methods.json")
	if err != nil {
		t.Fatal(err)
	}
	var urls map[string]string
	if err := json.Unmarshal(b, &urls); err != nil {
		t.Fatal(err)
	}
	for name, target := range urls {
		signed := strings.Fields(name)[1]
		for _, method := range []string{"GET", "PUT", "DELETE", "HEAD", "POST"} {
			r := httptest.NewRequest(method, target, nil)
			if method == "PUT" {
				r.Header.Set("Content-Type", "text/plain") // which boto3 did not sign
			}
			s, err := sigv4.Verifier{}.Check(r)
			if method != signed {
				refused(t, name+" sent as "+method, err, "SignatureDoesNotMatch", 403)
			} else if err != nil || s.Verified {
				t.Errorf("%s: %v", name, err)
			}
		}
		// The key is signed with the rest in Version 4.
		other := httptest.NewRequest("PUT", strings.Replace(target, "=test", "=another", 1), nil)
		if _, err := (sigv4.Verifier{}).Check(other); err != nil && !strings.HasPrefix(name, "s3 ") {
			t.Errorf("%s, of a secret that nobody can guess: %v", name, err)
		}
	}
	if len(urls) != 8 {
		t.Errorf("%d URLs", len(urls))
	}
}
