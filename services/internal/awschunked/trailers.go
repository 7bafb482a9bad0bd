package awschunked

import (
	"slices"
	"strings"
)

// readTrailers reads lines of "name:value\r\n", in the signed form a last one with
// their signature, and an empty line. There must be one for each announced name, and
// no other.
//
// minio-go ends trailers with "\n" alone and has "\r\n" follow the last of them, which
// S3 takes.
func (r *Reader) readTrailers() error {
	r.trailers = map[string]string{}
	var signed strings.Builder
	for bare := false; ; {
		line, err := r.line()
		if err != nil {
			return err
		}
		if bare && line == "\r\n" {
			bare = false
			continue
		}
		if line == "\r\n" || r.form.Signed && len(r.trailers) == len(r.options.Trailers) {
			return r.endTrailers(line, signed.String())
		}
		bare = !strings.HasSuffix(line, "\r\n")
		if err := r.trailer(strings.TrimRight(line, "\r\n"), &signed); err != nil {
			return err
		}
	}
}

// trailer takes one, and adds it to what is signed.
func (r *Reader) trailer(text string, signed *strings.Builder) error {
	if strings.ContainsRune(text, '\r') {
		return incomplete()
	}
	name, value, ok := parseTrailer(text)
	if _, twice := r.trailers[name]; twice || !ok || !slices.Contains(r.options.Trailers, name) {
		return badTrailer()
	}
	r.trailers[name] = value
	signed.WriteString(name + ":" + value + "\n")
	return nil
}

func parseTrailer(text string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(text, ":")
	return strings.ToLower(name), strings.Trim(value, " \t"), ok
}

// endTrailers takes the line behind the last trailer, and what has to follow.
func (r *Reader) endTrailers(line, signed string) error {
	if len(r.trailers) < len(r.options.Trailers) {
		return badTrailer()
	}
	if r.form.Signed {
		if err := r.trailerSignature(line, signed); err != nil {
			return err
		}
		var err error
		if line, err = r.line(); err != nil {
			return err
		}
	}
	if line != "\r\n" {
		return incomplete()
	}
	return nil
}

// trailerSignature verifies a line "x-amz-trailer-signature:SIGNATURE\r\n".
func (r *Reader) trailerSignature(line, signed string) error {
	text, ended := strings.CutSuffix(line, "\r\n")
	name, signature, _ := parseTrailer(text)
	switch {
	case name != trailerSignatureName && len(r.options.Trailers) == 0 && text != "":
		return badTrailer() // nothing was announced
	case name != trailerSignatureName || !ended:
		return incomplete()
	}
	if err := r.form.checkSignature(signature); err != nil {
		return err
	}
	return r.verifier.trailers(signature, signed)
}
