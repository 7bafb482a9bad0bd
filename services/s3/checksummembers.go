package s3

import (
	api "millrace/services/internal/api/s3"

	"millrace/runtime/object/checksum"
)

// checksumMembers are the members of a request or an answer for the values of each
// algorithm.
type checksumMembers [checksum.XXHASH128 + 1]**string

// members takes them in the order of the algorithms' numbers.
func members(crc32, crc32c, crc64nvme, sha1, sha256, sha512, md5, xxhash64, xxhash3, xxhash128 **string) checksumMembers {
	return checksumMembers{nil, crc32, crc32c, crc64nvme, sha1, sha256, sha512, md5, xxhash64, xxhash3, xxhash128}
}

// set writes a value to the member of its algorithm. The zero Value is written nowhere.
func (m checksumMembers) set(v checksum.Value) {
	if !v.IsZero() {
		*m[v.Algorithm] = new(v.String())
	}
}

// given returns the values that a client has sent. It is nil for none.
func (m checksumMembers) given() (all []givenChecksum) {
	for _, a := range checksum.All() {
		if text := *m[a]; text != nil {
			all = append(all, givenChecksum{a, *text})
		}
	}
	return all
}

// A givenChecksum is what a client says that a checksum is.
type givenChecksum struct {
	algorithm checksum.Algorithm
	text      string
}

func ofPutObject(i *api.PutObjectInput) checksumMembers {
	return members(&i.ChecksumCRC32, &i.ChecksumCRC32C, &i.ChecksumCRC64NVME, &i.ChecksumSHA1, &i.ChecksumSHA256, &i.ChecksumSHA512, &i.ChecksumMD5, &i.ChecksumXXHASH64, &i.ChecksumXXHASH3, &i.ChecksumXXHASH128)
}

func ofPutObjectOutput(o *api.PutObjectOutput) checksumMembers {
	return members(&o.ChecksumCRC32, &o.ChecksumCRC32C, &o.ChecksumCRC64NVME, &o.ChecksumSHA1, &o.ChecksumSHA256, &o.ChecksumSHA512, &o.ChecksumMD5, &o.ChecksumXXHASH64, &o.ChecksumXXHASH3, &o.ChecksumXXHASH128)
}

func ofUploadPart(i *api.UploadPartInput) checksumMembers {
	return members(&i.ChecksumCRC32, &i.ChecksumCRC32C, &i.ChecksumCRC64NVME, &i.ChecksumSHA1, &i.ChecksumSHA256, &i.ChecksumSHA512, &i.ChecksumMD5, &i.ChecksumXXHASH64, &i.ChecksumXXHASH3, &i.ChecksumXXHASH128)
}

func ofUploadPartOutput(o *api.UploadPartOutput) checksumMembers {
	return members(&o.ChecksumCRC32, &o.ChecksumCRC32C, &o.ChecksumCRC64NVME, &o.ChecksumSHA1, &o.ChecksumSHA256, &o.ChecksumSHA512, &o.ChecksumMD5, &o.ChecksumXXHASH64, &o.ChecksumXXHASH3, &o.ChecksumXXHASH128)
}

func ofCopyPartResult(o *api.CopyPartResult) checksumMembers {
	return members(&o.ChecksumCRC32, &o.ChecksumCRC32C, &o.ChecksumCRC64NVME, &o.ChecksumSHA1, &o.ChecksumSHA256, &o.ChecksumSHA512, &o.ChecksumMD5, &o.ChecksumXXHASH64, &o.ChecksumXXHASH3, &o.ChecksumXXHASH128)
}

func ofCopyObjectResult(o *api.CopyObjectResult) checksumMembers {
	return members(&o.ChecksumCRC32, &o.ChecksumCRC32C, &o.ChecksumCRC64NVME, &o.ChecksumSHA1, &o.ChecksumSHA256, &o.ChecksumSHA512, &o.ChecksumMD5, &o.ChecksumXXHASH64, &o.ChecksumXXHASH3, &o.ChecksumXXHASH128)
}

func ofComplete(i *api.CompleteMultipartUploadInput) checksumMembers {
	return members(&i.ChecksumCRC32, &i.ChecksumCRC32C, &i.ChecksumCRC64NVME, &i.ChecksumSHA1, &i.ChecksumSHA256, &i.ChecksumSHA512, &i.ChecksumMD5, &i.ChecksumXXHASH64, &i.ChecksumXXHASH3, &i.ChecksumXXHASH128)
}

func ofCompletedPart(i *api.CompletedPart) checksumMembers {
	return members(&i.ChecksumCRC32, &i.ChecksumCRC32C, &i.ChecksumCRC64NVME, &i.ChecksumSHA1, &i.ChecksumSHA256, &i.ChecksumSHA512, &i.ChecksumMD5, &i.ChecksumXXHASH64, &i.ChecksumXXHASH3, &i.ChecksumXXHASH128)
}

func ofCompleteOutput(o *api.CompleteMultipartUploadOutput) checksumMembers {
	return members(&o.ChecksumCRC32, &o.ChecksumCRC32C, &o.ChecksumCRC64NVME, &o.ChecksumSHA1, &o.ChecksumSHA256, &o.ChecksumSHA512, &o.ChecksumMD5, &o.ChecksumXXHASH64, &o.ChecksumXXHASH3, &o.ChecksumXXHASH128)
}

func ofGetObjectOutput(o *api.GetObjectOutput) checksumMembers {
	return members(&o.ChecksumCRC32, &o.ChecksumCRC32C, &o.ChecksumCRC64NVME, &o.ChecksumSHA1, &o.ChecksumSHA256, &o.ChecksumSHA512, &o.ChecksumMD5, &o.ChecksumXXHASH64, &o.ChecksumXXHASH3, &o.ChecksumXXHASH128)
}

func ofChecksum(o *api.Checksum) checksumMembers {
	return members(&o.ChecksumCRC32, &o.ChecksumCRC32C, &o.ChecksumCRC64NVME, &o.ChecksumSHA1, &o.ChecksumSHA256, &o.ChecksumSHA512, &o.ChecksumMD5, &o.ChecksumXXHASH64, &o.ChecksumXXHASH3, &o.ChecksumXXHASH128)
}

func ofPart(o *api.Part) checksumMembers {
	return members(&o.ChecksumCRC32, &o.ChecksumCRC32C, &o.ChecksumCRC64NVME, &o.ChecksumSHA1, &o.ChecksumSHA256, &o.ChecksumSHA512, &o.ChecksumMD5, &o.ChecksumXXHASH64, &o.ChecksumXXHASH3, &o.ChecksumXXHASH128)
}

func ofObjectPart(o *api.ObjectPart) checksumMembers {
	return members(&o.ChecksumCRC32, &o.ChecksumCRC32C, &o.ChecksumCRC64NVME, &o.ChecksumSHA1, &o.ChecksumSHA256, &o.ChecksumSHA512, &o.ChecksumMD5, &o.ChecksumXXHASH64, &o.ChecksumXXHASH3, &o.ChecksumXXHASH128)
}
