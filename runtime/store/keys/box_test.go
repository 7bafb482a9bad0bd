package keys_test

import (
	"errors"
	"testing"

	"millrace/runtime/store/keys"
)

func TestBox(t *testing.T) {
	r, _ := start(t)
	key := mustDataKey(t, r, "")
	box := keys.Box(key.AEAD, []byte("text"), "owner")
	if text, err := keys.Unbox(key.AEAD, box, "owner"); err != nil || string(text) != "text" {
		t.Errorf("opened %q, %v", text, err)
	}
	for name, bad := range map[string]struct {
		box   []byte
		owner string
	}{
		"another owner": {box, "other"},
		"one bit":       {append([]byte{box[0] ^ 1}, box[1:]...), "owner"},
		"cut":           {box[:len(box)-1], "owner"},
		"no nonce":      {box[:11], "owner"},
		"nothing":       {nil, "owner"},
	} {
		if _, err := keys.Unbox(key.AEAD, bad.box, bad.owner); !errors.Is(err, keys.ErrCiphertext) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
