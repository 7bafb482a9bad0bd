package checksum_test

import (
	"crypto/md5"
	"encoding/hex"
	"testing"

	"millrace/runtime/object/checksum"
)

func etagOf(text string) checksum.ETag { return checksum.ETag{MD5: md5.Sum([]byte(text))} }

func TestETags(t *testing.T) {
	if got := etagOf("").String(); got != "d41d8cd98f00b204e9800998ecf8427e" {
		t.Errorf("of nothing: %s", got)
	}
	one, two := etagOf("one"), etagOf("two")
	whole := md5.Sum(append(one.MD5[:], two.MD5[:]...))
	got := checksum.MultipartETag([]checksum.ETag{one, two})
	if want := hex.EncodeToString(whole[:]) + "-2"; got.String() != want {
		t.Errorf("of two parts: %s, want %s", got, want)
	}
	for _, e := range []checksum.ETag{one, got, {Parts: checksum.MaxParts}} {
		b, _ := e.AppendBinary([]byte("x"))
		if again, rest, err := checksum.DecodeETag(append(b[1:], '!')); err != nil || again != e || string(rest) != "!" || len(b) > 19 {
			t.Errorf("%s is stored as %x and read as %s, %q, %v", e, b, again, rest, err)
		}
	}
}
