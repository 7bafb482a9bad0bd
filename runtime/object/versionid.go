package object

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"

	"millrace/runtime/fault"
)

// NullVersion is the id of versions that were written while versioning was not enabled.
const NullVersion = "null"

// An id is a number and what it is of, encrypted under the bucket's secret: nothing has to
// be stored for it, none can be made up, and one of another bucket means nothing. The
// second block authenticates the first, and makes the id as long as those of S3.
const (
	versionMagic = 0x4d52_7665_7273_696f
	uploadMagic  = 0x4d52_7570_6c6f_6164

	idBytes  = aes.BlockSize + 8
	idLength = idBytes * 8 / 6
)

// idEncoding has no character that a URL or a shell gives a meaning.
var idEncoding = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._").WithPadding(base64.NoPadding).Strict()

// IDs makes and reads the ids of a bucket.
type IDs struct{ block cipher.Block }

// NewIDs makes the IDs of the bucket with a secret.
func NewIDs(secret [16]byte) IDs {
	b, err := aes.NewCipher(secret[:])
	if err != nil {
		panic(err) // 16 bytes are a key
	}
	return IDs{b}
}

func (ids IDs) id(number, magic uint64) string {
	var b [2 * aes.BlockSize]byte
	binary.BigEndian.PutUint64(b[:], number)
	binary.BigEndian.PutUint64(b[8:], magic)
	ids.block.Encrypt(b[:], b[:])
	ids.block.Encrypt(b[aes.BlockSize:], b[:])
	return idEncoding.EncodeToString(b[:idBytes])
}

func (ids IDs) parse(id string, magic uint64) (number uint64, ok bool) {
	var b [idBytes]byte
	if len(id) != idLength {
		return 0, false
	}
	if _, err := idEncoding.Decode(b[:], []byte(id)); err != nil {
		return 0, false
	}
	ids.block.Decrypt(b[:aes.BlockSize], b[:aes.BlockSize])
	number = binary.BigEndian.Uint64(b[:])
	return number, ids.id(number, magic) == id
}

// VersionID is the id of a version: 32 letters, digits, dots and underscores, or
// NullVersion.
func (ids IDs) VersionID(o Object) string {
	if o.Null {
		return NullVersion
	}
	return ids.id(o.Number, versionMagic)
}

// ParseVersionID returns the version that an id stands for, which may not exist (any
// more). It is fault.Invalid for what is not an id of this bucket.
func (ids IDs) ParseVersionID(id string) (Version, error) {
	if id == NullVersion {
		return Version{Null: true}, nil
	}
	number, ok := ids.parse(id, versionMagic)
	if !ok {
		return Version{}, fault.New(fault.Invalid, "not a version id of the bucket")
	}
	return Version{Number: number}, nil
}

// UploadID is the id of an upload by its number.
func (ids IDs) UploadID(number uint64) string { return ids.id(number, uploadMagic) }

func (ids IDs) parseUploadID(id string) (number uint64, ok bool) {
	return ids.parse(id, uploadMagic)
}
