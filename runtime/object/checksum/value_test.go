package checksum_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"millrace/runtime/fault"
	"millrace/runtime/object/checksum"
)

func of(a checksum.Algorithm, text string) checksum.Value {
	h := checksum.New(a)
	h.Write([]byte(text))
	return checksum.Of(a, h.Sum(nil))
}

func TestValuesReadBack(t *testing.T) {
	for _, a := range checksum.All() {
		v := of(a, "hello")
		if got, err := checksum.ParseValue(a, v.String()); err != nil || got != v {
			t.Errorf("%s: %s is read as %v, %v", a, v, got, err)
		}
		b, err := v.AppendBinary([]byte("x"))
		if err != nil || len(b) != 1+1+a.Size() {
			t.Errorf("%s is stored in %d bytes, %v", a, len(b)-1, err)
		}
		if got, rest, err := checksum.DecodeValue(append(b[1:], "rest"...)); err != nil || got != v || string(rest) != "rest" {
			t.Errorf("%s is stored as %x and read as %v, %q, %v", a, b, got, rest, err)
		}
	}
	var none checksum.Value
	b, _ := none.AppendBinary(nil)
	if got, rest, err := checksum.DecodeValue(b); len(b) != 1 || err != nil || !got.IsZero() || len(rest) != 0 {
		t.Errorf("no value is stored as %x and read as %v, %v", b, got, err)
	}
}

func TestCompositeValuesReadBack(t *testing.T) {
	for _, parts := range []int{1, 127, 128, checksum.MaxParts} {
		v := of(checksum.SHA256, "hello")
		v.Type, v.Parts = checksum.Composite, parts
		if got, err := checksum.ParseComposite(checksum.SHA256, v.String()); err != nil || got != v {
			t.Errorf("%s is read as %v, %v", v, got, err)
		}
		b, _ := v.AppendBinary(nil)
		if len(b) > 3+checksum.SHA256.Size() {
			t.Errorf("%s is stored in %d bytes", v, len(b))
		}
		if got, rest, err := checksum.DecodeValue(b); err != nil || got != v || len(rest) != 0 {
			t.Errorf("%s is stored as %x and read as %v, %v", v, b, got, err)
		}
	}
	if got, err := checksum.ParseComposite(checksum.CRC32, "NhCmhg=="); err != nil || got.Parts != 0 || got.Type != checksum.Composite {
		t.Errorf("without a number of parts it is %v, %v", got, err)
	}
}

func TestMalformedValuesAreRefused(t *testing.T) {
	for _, c := range []struct {
		why, text string
	}{
		{"empty", ""},
		{"too short", "NhCm"},
		{"too long", "NhCmhgAA"},
		{"no base64", "NhCm!g=="},
		{"not padded", "NhCmhg"},
		{"base64 of URLs", "-_Cmhg=="},
		{"hexadecimal", "3610a686"},
		{"a line break", "NhCmhg\n="},
		{"parts", "NhCmhg==-2"},
		{"a space", " NhCmhg="},
	} {
		if v, err := checksum.ParseValue(checksum.CRC32, c.text); !errors.Is(err, fault.Invalid) || !v.IsZero() {
			t.Errorf("%s: %q is read as %v, %v", c.why, c.text, v, err)
		}
	}
	for _, text := range []string{"NhCmhg==-", "NhCmhg==-0", "NhCmhg==-01", "NhCmhg==-10001", "NhCmhg==--1", "NhCmhg==-1-1", "-1"} {
		if v, err := checksum.ParseComposite(checksum.CRC32, text); !errors.Is(err, fault.Invalid) || !v.IsZero() {
			t.Errorf("%q is read as %v, %v", text, v, err)
		}
	}
	if _, err := checksum.ParseComposite(checksum.CRC64NVME, "rosUhgp5mIg=-1"); !errors.Is(err, fault.Invalid) {
		t.Errorf("CRC64NVME may be composite: %v", err)
	}
	if _, err := checksum.ParseValue(checksum.None, ""); !errors.Is(err, fault.Invalid) {
		t.Errorf("of no algorithm: %v", err)
	}
}

func FuzzParseValue(f *testing.F) {
	for _, a := range checksum.All() {
		f.Add(uint8(a), of(a, "seed").String())
	}
	f.Add(uint8(1), "NhCmhg==-2")
	f.Fuzz(func(t *testing.T, number uint8, text string) {
		a := checksum.Algorithm(number)
		if v, err := checksum.ParseValue(a, text); err == nil {
			if again, err := checksum.ParseValue(a, v.String()); err != nil || again != v || len(v.Sum()) != a.Size() || len(v.String()) != len(text) {
				t.Errorf("%q is read as %s, and that as %s: %v", text, v, again, err)
			}
		}
		if v, err := checksum.ParseComposite(a, text); err == nil {
			if again, err := checksum.ParseComposite(a, v.String()); err != nil || again != v {
				t.Errorf("%q is read as %s, and that as %s: %v", text, v, again, err)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, a := range checksum.All() {
		b, _ := of(a, "seed").AppendBinary(nil)
		f.Add(append(b, strings.Repeat("0", 20)...))
	}
	f.Add([]byte{0x81, 0x90, 0x4e, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, rest, err := checksum.DecodeValue(b); err == nil {
			if again, _ := v.AppendBinary(nil); !bytes.Equal(append(again, rest...), b) {
				t.Errorf("%x is read as %v, which is stored as %x", b, v, again)
			}
		}
		if e, rest, err := checksum.DecodeETag(b); err == nil {
			if again, _ := e.AppendBinary(nil); !bytes.Equal(append(again, rest...), b) {
				t.Errorf("%x is read as %v, which is stored as %x", b, e, again)
			}
		}
	})
}
