package awschunked

import "millrace/services/internal/wire"

// minChunk is how long every chunk but the last has to be, in bytes.
const minChunk = 8192

// incomplete is S3's error of any body that is not in the coding, or ends early.
func incomplete() *wire.Error {
	return &wire.Error{Code: "IncompleteBody", Status: 400, Message: "The request body terminated unexpectedly"}
}

// wrongLength is its error of a body that has not the announced decoded length.
func wrongLength() *wire.Error {
	return &wire.Error{Code: "IncompleteBody", Status: 400,
		Message: "You did not provide the number of bytes specified by the Content-Length HTTP header"}
}

// shortChunk is its error when the chunk of a number, counted from 1, follows one that
// is too short (a recorded answer is in versity/versitygw#1683).
func shortChunk(number int, size int64) *wire.Error {
	return &wire.Error{Code: "InvalidChunkSizeError", Status: 400,
		Message: "Only the last chunk is allowed to have a size less than 8192 bytes",
		Fields:  map[string]any{"Chunk": number, "BadChunkSize": size}}
}

// badTrailer is its error of trailers that are malformed, not announced or not there.
func badTrailer() *wire.Error {
	return &wire.Error{Code: "MalformedTrailerError", Status: 400,
		Message: "The request contained trailing data that was not well-formed or did not conform to our published schema."}
}
