package wire

import (
	"math"
	"strconv"
	"time"
)

// The formats of timestamps in the models.
const (
	iso8601 = "iso8601"
	rfc822  = "rfc822"
	epoch   = "unixTimestamp"
	millis  = "iso8601Millis" // iso8601 that always has milliseconds
)

// appendTime writes a time, to the millisecond, as one of the formats has it.
func appendTime(b []byte, t time.Time, format string) []byte {
	t = t.UTC()
	switch format {
	case rfc822:
		return t.AppendFormat(b, "Mon, 02 Jan 2006 15:04:05 GMT")
	case epoch:
		if ms := t.UnixMilli(); ms%1000 != 0 {
			return strconv.AppendFloat(b, float64(ms)/1e3, 'f', -1, 64)
		}
		return strconv.AppendInt(b, t.Unix(), 10)
	}
	if format == millis || t.Nanosecond()/1e6 != 0 {
		return t.AppendFormat(b, "2006-01-02T15:04:05.000Z")
	}
	return t.AppendFormat(b, "2006-01-02T15:04:05Z")
}

// parseTime reads any of the forms that AWS's clients write, whatever the model
// asks for.
func parseTime(s string) (time.Time, bool) {
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return epochTime(f)
	}
	for _, layout := range []string{time.RFC3339Nano, "Mon, 02 Jan 2006 15:04:05 GMT", time.RFC1123, time.RFC850, time.ANSIC} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// epochTime is a number of seconds as a time, to the millisecond; the years that
// RFC 3339 can write.
func epochTime(f float64) (time.Time, bool) {
	if !(f >= -62135596800 && f < 253402300800) {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Round(f * 1e3))).UTC(), true
}
