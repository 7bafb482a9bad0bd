// Package checksum computes what S3 says about the bytes of an object: its ETag and
// its checksums, in the ten algorithms that S3 takes.
//
// An [Algorithm] knows its names, its size and the types it may have. A [Value] is one
// checksum, of the whole object or composed of those of its parts. A [Hasher] computes
// the ETag and any set of checksums while a body passes:
//
//	h := checksum.NewHasher(checksum.CRC64NVME)
//	defer h.Close()
//	io.Copy(h, body)
//	etag, values := h.Sum()
//
// The values of parts become those of the object without reading it again:
// [Compose] hashes them once more, [Combine] calculates the checksum of the
// concatenated parts (CRCs alone can do so), and [MultipartETag] is their ETag.
//
// Everything here is pure but the Hasher, which may own a goroutine until Sum or Close.
package checksum
