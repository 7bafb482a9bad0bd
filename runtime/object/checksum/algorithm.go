package checksum

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"hash/crc32"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/minio/crc64nvme"
	"github.com/zeebo/xxh3"
)

// An Algorithm is one of S3's checksum algorithms; the zero Algorithm is none. The
// numbers are stored with objects: they stay.
type Algorithm uint8

// The algorithms of S3 (enumeration ChecksumAlgorithm; the last five since 2026-04).
const (
	None      Algorithm = 0
	CRC32     Algorithm = 1
	CRC32C    Algorithm = 2
	CRC64NVME Algorithm = 3
	SHA1      Algorithm = 4
	SHA256    Algorithm = 5
	SHA512    Algorithm = 6
	MD5       Algorithm = 7
	XXHASH64  Algorithm = 8
	XXHASH3   Algorithm = 9
	XXHASH128 Algorithm = 10
)

// MaxSize is the size of the longest checksum, in bytes.
const MaxSize = sha512.Size

// A Type says of what a checksum is: FULL_OBJECT or COMPOSITE.
type Type uint8

// The types of S3 (enumeration ChecksumType). The zero Type stands for none given.
const (
	NoType     Type = 0
	FullObject Type = 1 // of the object's bytes
	Composite  Type = 2 // of the checksums of its parts
)

type algorithm struct {
	name, header          string
	size                  int
	fullObject, composite bool // what it may be of a multipart upload
	new                   func() hash.Hash
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Amazon S3 User Guide, "Checking object integrity": which type an algorithm may have
// in a multipart upload.
var algorithms = [...]algorithm{
	CRC32:     {name: "CRC32", size: 4, fullObject: true, composite: true, new: func() hash.Hash { return crc32.NewIEEE() }},
	CRC32C:    {name: "CRC32C", size: 4, fullObject: true, composite: true, new: func() hash.Hash { return crc32.New(castagnoli) }},
	CRC64NVME: {name: "CRC64NVME", size: 8, fullObject: true, new: func() hash.Hash { return crc64nvme.New() }},
	SHA1:      {name: "SHA1", size: sha1.Size, composite: true, new: sha1.New},
	SHA256:    {name: "SHA256", size: sha256.Size, composite: true, new: sha256.New},
	SHA512:    {name: "SHA512", size: sha512.Size, composite: true, new: sha512.New},
	MD5:       {name: "MD5", size: md5.Size, composite: true, new: md5.New},
	XXHASH64:  {name: "XXHASH64", size: 8, composite: true, new: func() hash.Hash { return xxhash.New() }},
	XXHASH3:   {name: "XXHASH3", size: 8, composite: true, new: func() hash.Hash { return xxh3.New() }},
	XXHASH128: {name: "XXHASH128", size: 16, composite: true, new: func() hash.Hash { return xxh3.New128() }},
}

const headerPrefix = "x-amz-checksum-"

var byName = map[string]Algorithm{}

func init() {
	for a := CRC32; a.Valid(); a++ {
		algorithms[a].header = headerPrefix + strings.ToLower(algorithms[a].name)
		byName[algorithms[a].name] = a
	}
}

// All returns every algorithm, in the order of their numbers.
func All() []Algorithm {
	all := make([]Algorithm, 0, len(algorithms)-1)
	for a := CRC32; a.Valid(); a++ {
		all = append(all, a)
	}
	return all
}

// ParseAlgorithm returns the algorithm of a name, in upper or lower case ("CRC32C",
// "crc32c"). ok is false for any other text, the empty one too.
func ParseAlgorithm(name string) (a Algorithm, ok bool) {
	a, ok = byName[strings.ToUpper(name)]
	return a, ok
}

// OfHeader returns the algorithm whose checksum the named header carries, in any case
// of letters. ok is false for any other header, x-amz-checksum-type for one.
func OfHeader(name string) (a Algorithm, ok bool) {
	if len(name) <= len(headerPrefix) || !strings.EqualFold(name[:len(headerPrefix)], headerPrefix) {
		return None, false
	}
	return ParseAlgorithm(name[len(headerPrefix):])
}

// Valid reports whether a is an algorithm; None is not.
func (a Algorithm) Valid() bool { return a != None && int(a) < len(algorithms) }

// String is AWS's name of the algorithm, in upper case; "" for None.
func (a Algorithm) String() string { return a.spec().name }

// Header is the name of the header with a value of the algorithm, in lower case
// ("x-amz-checksum-crc32c"); "" for None.
func (a Algorithm) Header() string { return a.spec().header }

// Size is how long a checksum is, in bytes: 4 to MaxSize; 0 for None.
func (a Algorithm) Size() int { return a.spec().size }

// Allows reports whether the checksum of a multipart upload may be of type t. What is
// put in one piece always has a FullObject checksum, in every algorithm.
func (a Algorithm) Allows(t Type) bool {
	return t == FullObject && a.spec().fullObject || t == Composite && a.spec().composite
}

// DefaultType is the type of a multipart upload that names the algorithm and no type:
// FullObject for CRC64NVME, else Composite; NoType for None.
func (a Algorithm) DefaultType() Type {
	switch {
	case a.Allows(Composite):
		return Composite
	case a.Allows(FullObject):
		return FullObject
	}
	return NoType
}

// New returns a hash of the algorithm whose Sum has the order of bytes in which AWS
// prints it: big-endian. It panics if a is not Valid.
func New(a Algorithm) hash.Hash { return algorithms[a].new() }

func (a Algorithm) spec() *algorithm {
	if int(a) < len(algorithms) {
		return &algorithms[a]
	}
	return &algorithms[None]
}

// ParseType returns the type of AWS's name, "FULL_OBJECT" or "COMPOSITE".
func ParseType(name string) (t Type, ok bool) {
	switch name {
	case "FULL_OBJECT":
		return FullObject, true
	case "COMPOSITE":
		return Composite, true
	}
	return NoType, false
}

// String is AWS's name of the type; "" for NoType.
func (t Type) String() string {
	switch t {
	case FullObject:
		return "FULL_OBJECT"
	case Composite:
		return "COMPOSITE"
	}
	return ""
}
