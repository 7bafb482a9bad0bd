package s3

import (
	"net/http"
	"strings"

	"millrace/runtime/object/checksum"
	"millrace/services/internal/wire"
)

// parseAlgorithm reads the name of a checksum algorithm; None where none is given.
func parseAlgorithm(name *string) (checksum.Algorithm, error) {
	if name == nil {
		return checksum.None, nil
	}
	if a, ok := checksum.ParseAlgorithm(*name); ok {
		return a, nil
	}
	var all []string
	for _, a := range checksum.All() {
		all = append(all, a.String())
	}
	return checksum.None, invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [" + strings.Join(all, ", ") + "]")
}

// one returns the only checksum that a client sends in a header; the zero Value for none.
func (m checksumMembers) one() (checksum.Value, error) {
	all := m.given()
	switch len(all) {
	case 0:
		return checksum.Value{}, nil
	case 1:
		return all[0].read()
	}
	return checksum.Value{}, invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
}

// read reads a checksum of bytes.
func (g givenChecksum) read() (checksum.Value, error) {
	v, err := checksum.ParseValue(g.algorithm, g.text)
	if err != nil {
		return checksum.Value{}, g.invalid()
	}
	return v, nil
}

// readComposite reads a checksum that may be one of parts' checksums.
func (g givenChecksum) readComposite() (checksum.Value, error) {
	v, err := checksum.ParseComposite(g.algorithm, g.text)
	if err != nil {
		return checksum.Value{}, g.invalid()
	}
	return v, nil
}

func (g givenChecksum) invalid() *wire.Error {
	return invalidRequest("Value for " + g.algorithm.Header() + " header is invalid.")
}

// badChecksum says that a body has another checksum than its client says.
func badChecksum(algorithm string) *wire.Error {
	return refusal("BadDigest", http.StatusBadRequest, "The "+algorithm+" you specified did not match the calculated checksum.")
}

// shownType is the type of a checksum in answers; nil for none.
func shownType(v checksum.Value) *string {
	if v.IsZero() {
		return nil
	}
	return new(v.Type.String())
}

// shownAlgorithms are those of an object in lists; nil for none.
func shownAlgorithms(v checksum.Value) []string {
	if v.IsZero() {
		return nil
	}
	return []string{v.Algorithm.String()}
}
