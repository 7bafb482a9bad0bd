package s3

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"millrace/runtime/fault"
	"millrace/runtime/object"
	"millrace/runtime/store/keys"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// A subject is what a request is about, as errors name it.
type subject struct{ bucket, key, upload string }

// translate tells an error of the domain in the words of S3. What nobody has words for is
// returned as it is: the gateway answers it as an internal error, and its cause stays in
// the log.
func (about subject) translate(err error) error {
	if _, ok := errors.AsType[*wire.Error](err); ok || err == nil {
		return err
	}
	switch {
	case errors.Is(err, object.ErrNoSuchKey):
		return noSuchKey(about.key)
	case errors.Is(err, object.ErrNoSuchUpload):
		return noSuchUpload(about.upload)
	case errors.Is(err, object.ErrPartOrder):
		return refusal("InvalidPartOrder", http.StatusBadRequest, "The list of parts was not in ascending order. Parts must be ordered by part number.", "UploadId", about.upload)
	case errors.Is(err, object.ErrNoParts):
		return invalidRequest("You must specify at least one part")
	case errors.Is(err, object.ErrPartNumbers):
		return refusal("InternalError", http.StatusInternalServerError, "We encountered an internal error. Please try again.") // as AWS has it
	case errors.Is(err, object.ErrClosed):
		return noSuchBucket(about.bucket)
	}
	if e := fromWrite(err); e != nil {
		return e
	}
	if e := fromKeys(err); e != nil {
		return e
	}
	if fault.Of(err) == fault.NotFound {
		return noSuchBucket(about.bucket)
	}
	return err
}

// fromWrite translates what a write was refused with; nil for other errors.
func fromWrite(err error) error {
	if e, ok := errors.AsType[*object.PreconditionError](err); ok {
		return preconditionFailed(e.Condition)
	}
	if e, ok := errors.AsType[*object.ConcurrentWriteError](err); ok {
		return refusal("ConditionalRequestConflict", http.StatusConflict, "The conditional request cannot succeed due to a conflicting operation against this resource.",
			"Condition", e.Condition, "Key", e.Key)
	}
	if e, ok := errors.AsType[*object.InvalidPartError](err); ok {
		return refusal("InvalidPart", http.StatusBadRequest,
			"One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
			"UploadId", e.Upload, "PartNumber", strconv.Itoa(e.Part), "ETag", e.ETag)
	}
	if e, ok := errors.AsType[*object.PartTooSmallError](err); ok {
		return refusal("EntityTooSmall", http.StatusBadRequest, "Your proposed upload is smaller than the minimum allowed size",
			"ProposedSize", strconv.FormatInt(e.Size, 10), "MinSizeAllowed", strconv.Itoa(object.MinPartSize), "PartNumber", strconv.Itoa(e.Part), "ETag", e.ETag)
	}
	if e, ok := errors.AsType[*object.MissingChecksumError](err); ok {
		return invalidRequest("The upload was created using a " + strings.ToLower(e.Algorithm.String()) +
			" checksum. The complete request must include the checksum for each part. It was missing for part " + strconv.Itoa(e.Part) + " in the request.")
	}
	if e, ok := errors.AsType[*object.ChecksumTypeError](err); ok {
		created := e.Created.String()
		if created == "" {
			created = "null"
		}
		return invalidRequest("The upload was created using the " + created + " checksum mode. The complete request must use the same checksum mode.")
	}
	if e, ok := errors.AsType[*object.ChecksumError](err); ok {
		return badChecksum(strings.ToLower(e.Computed.Algorithm.String()))
	}
	if e, ok := errors.AsType[*object.SizeError](err); ok {
		return invalidRequest("The provided 'x-amz-mp-object-size' header value " + strconv.FormatInt(e.Given, 10) +
			" does not match what was computed: " + strconv.FormatInt(e.Computed, 10))
	}
	return nil
}

// fromKeys tells that a KMS key does not work; nil for other errors.
func fromKeys(err error) error {
	for _, k := range []struct {
		is   error
		code string
		text string
	}{
		{keys.ErrNotFound, "KMS.NotFoundException", "The KMS key does not exist."},
		{keys.ErrDisabled, "KMS.DisabledException", "The KMS key is disabled."},
		{keys.ErrState, "KMS.KMSInvalidStateException", "The KMS key is not in a state that allows its use."},
		{keys.ErrUsage, "KMS.InvalidKeyUsageException", "The KMS key is not for encryption."},
		{keys.ErrAccess, "AccessDenied", "Access Denied"},
	} {
		if !errors.Is(err, k.is) {
			continue
		}
		if k.code == "AccessDenied" {
			e := accessDenied()
			if sentence, ok := kit.Denied(err); ok {
				e.Message = sentence
			}
			return e
		}
		if f, ok := errors.AsType[*fault.Error](err); ok && f.What != "" {
			k.text = f.What // KMS's own sentence, which names the key
		}
		return refusal(k.code, http.StatusBadRequest, k.text)
	}
	return nil
}

// noSuchVersion is the answer for a version that does not exist.
func noSuchVersion(key, id string) *wire.Error {
	return refusal("NoSuchVersion", http.StatusNotFound, "The specified version does not exist.", "Key", key, "VersionId", id)
}
