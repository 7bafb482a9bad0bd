package wire

import "testing"

func TestPlainJSON(t *testing.T) {
	got, err := PlainJSON(map[string]string{"a": "<b> & \"c\"\n"})
	if want := `{"a":"<b> & \"c\"\n"}`; got != want || err != nil {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	if _, err := PlainJSON(func() {}); err == nil {
		t.Error("a function has no JSON")
	}
}
