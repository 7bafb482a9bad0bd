package checksum_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"millrace/runtime/object/checksum"
)

// Vectors: the checks of the CRC catalogue (reveng.sourceforge.io), FIPS 180, RFC 1321,
// and of xxHash the tests of aws-checksums, which the AWS SDKs compute theirs with.
func TestAlgorithmsAreThoseOfAWS(t *testing.T) {
	for _, c := range []struct {
		algorithm checksum.Algorithm
		number    uint8 // stored with objects
		name      string
		text, sum string
	}{
		{checksum.CRC32, 1, "CRC32", "123456789", "cbf43926"},
		{checksum.CRC32C, 2, "CRC32C", "123456789", "e3069283"},
		{checksum.CRC64NVME, 3, "CRC64NVME", "123456789", "ae8b14860a799888"},
		{checksum.SHA1, 4, "SHA1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{checksum.SHA256, 5, "SHA256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{checksum.SHA512, 6, "SHA512", "abc", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
		{checksum.MD5, 7, "MD5", "abc", "900150983cd24fb0d6963f7d28e17f72"},
		{checksum.XXHASH64, 8, "XXHASH64", "Hello world", "c500b0c912b376d8"},
		{checksum.XXHASH3, 9, "XXHASH3", "Hello world", "b6acb9d84a38ff74"},
		{checksum.XXHASH128, 10, "XXHASH128", "Hello world", "7351f89812f97382b91d05b31e04dd7f"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := c.algorithm
			if uint8(a) != c.number || a.String() != c.name || a.Header() != "x-amz-checksum-"+strings.ToLower(c.name) {
				t.Errorf("is %d, %s, %s", a, a, a.Header())
			}
			h := checksum.New(a)
			h.Write([]byte(c.text))
			if got := hex.EncodeToString(h.Sum(nil)); got != c.sum || a.Size() != len(c.sum)/2 || h.Size() != a.Size() {
				t.Errorf("of %q is %s of %d bytes, want %s", c.text, got, a.Size(), c.sum)
			}
			for _, name := range []string{c.name, strings.ToLower(c.name)} {
				if got, ok := checksum.ParseAlgorithm(name); !ok || got != a {
					t.Errorf("%q is read as %v, %v", name, got, ok)
				}
				if got, ok := checksum.OfHeader("X-Amz-Checksum-" + name); !ok || got != a {
					t.Errorf("the header of %q is read as %v, %v", name, got, ok)
				}
			}
		})
	}
	if n := len(checksum.All()); n != 10 {
		t.Errorf("there are %d algorithms", n)
	}
}

// Amazon S3 User Guide, "Checking object integrity in Amazon S3".
func TestTypesOfMultipartUploads(t *testing.T) {
	for _, a := range checksum.All() {
		full, composite, byDefault := false, true, checksum.Composite
		switch a {
		case checksum.CRC32, checksum.CRC32C:
			full = true
		case checksum.CRC64NVME:
			full, composite, byDefault = true, false, checksum.FullObject
		}
		if a.Allows(checksum.FullObject) != full || a.Allows(checksum.Composite) != composite || a.DefaultType() != byDefault {
			t.Errorf("%s: FULL_OBJECT %v, COMPOSITE %v, by default %s", a, a.Allows(checksum.FullObject), a.Allows(checksum.Composite), a.DefaultType())
		}
		if a.Allows(checksum.NoType) {
			t.Errorf("%s may have no type", a)
		}
	}
	for _, name := range []string{"FULL_OBJECT", "COMPOSITE"} {
		if got, ok := checksum.ParseType(name); !ok || got.String() != name {
			t.Errorf("%s is read as %q, %v", name, got, ok)
		}
	}
	if _, ok := checksum.ParseType("full_object"); ok {
		t.Error("types are upper case")
	}
}

func TestWhatIsNoAlgorithm(t *testing.T) {
	for _, name := range []string{"", "CRC", "CRC-32", "none", "SHA-1", "sha2"} {
		if a, ok := checksum.ParseAlgorithm(name); ok {
			t.Errorf("%q is read as %s", name, a)
		}
	}
	for _, name := range []string{"", "x-amz-checksum-", "x-amz-checksum-type", "x-amz-checksum-mode", "x-amz-sdk-checksum-algorithm", "content-md5"} {
		if a, ok := checksum.OfHeader(name); ok {
			t.Errorf("the header %q is read as %s", name, a)
		}
	}
	for _, a := range []checksum.Algorithm{checksum.None, 11, 255} {
		if a.Valid() || a.String() != "" || a.Header() != "" || a.Size() != 0 || a.DefaultType() != checksum.NoType || a.Allows(checksum.NoType) {
			t.Errorf("%d is %q", uint8(a), a)
		}
	}
}
