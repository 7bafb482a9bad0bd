package sigv4

import (
	"slices"
	"strings"
	"time"

	"millrace/services/internal/wire"
)

const terminal = "aws4_request"

// A credential is an access key and its scope.
type credential struct{ accessKey, date, region, service string }

// parseCredential reads AKID/YYYYMMDD/REGION/SERVICE/aws4_request; that of SigV4A has no
// region. refuse makes the error of where the credential stands.
func parseCredential(text string, asymmetric bool, refuse func(format string, args ...any) *wire.Error) (credential, error) {
	parts := strings.Split(text, "/")
	if asymmetric && len(parts) == 4 {
		parts = slices.Insert(parts, 2, "*")
	}
	if len(parts) != 5 || slices.Contains(parts, "") {
		return credential{}, refuse(`the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`)
	}
	c := credential{accessKey: parts[0], date: parts[1], region: parts[2], service: parts[3]}
	if asymmetric {
		c.region = ""
	}
	if c.service != "s3" && c.service != "s3express" {
		return credential{}, refuse(`incorrect service "%s". This endpoint belongs to "s3".`, c.service)
	}
	if parts[4] != terminal {
		return credential{}, refuse(`incorrect terminal "%s". This endpoint uses "aws4_request".`, parts[4])
	}
	if _, err := time.Parse(dateLayout, c.date); err != nil {
		return credential{}, refuse(`incorrect date format "%s". This date in the credential must be in the format "yyyyMMdd".`, c.date)
	}
	return c, nil
}

// parseSignedHeaders reads "host;x-amz-date". ok is false if one is not a name in lower
// case.
func parseSignedHeaders(text string) (names []string, ok bool) {
	names = strings.Split(text, ";")
	for _, name := range names {
		if name == "" || strings.ToLower(name) != name || strings.ContainsAny(name, " \t:\r\n") {
			return nil, false
		}
	}
	return names, true
}
