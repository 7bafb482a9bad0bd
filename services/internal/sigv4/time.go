package sigv4

import (
	"net/http"
	"time"

	"millrace/services/internal/wire"
)

// aheadOfTime is how far in the future a presigned request may begin.
const aheadOfTime = 15 * time.Minute

// checkTime checks that a presigned request is valid now, and that another one was
// signed now, give or take a skew.
func (s *Signature) checkTime(now time.Time, skew time.Duration) error {
	switch {
	case s.Presigned && now.After(s.Expires):
		fields := map[string]any{"Expires": s.Expires.Format(time.RFC3339), "ServerTime": now.Format(time.RFC3339)}
		if s.Algorithm != V2 {
			fields["X-Amz-Expires"] = s.Lifetime
		}
		return denied("Request has expired", fields)
	case s.Presigned && s.Time.After(now.Add(aheadOfTime)): // the answer is in minio/minio#2638
		return denied("Request is not yet valid", map[string]any{"X-Amz-Date": s.Time.UnixMilli(),
			"Expires": s.Expires.Format(time.RFC3339), "ServerTime": now.Format(time.RFC3339)})
	case s.Presigned || skew == 0 || s.Time.IsZero():
		return nil
	case now.Sub(s.Time).Abs() > skew:
		return &wire.Error{Code: "RequestTimeTooSkewed", Status: http.StatusForbidden,
			Message: "The difference between the request time and the current time is too large.",
			Fields: map[string]any{"RequestTime": s.Time.Format(timeLayout), "ServerTime": now.Format(time.RFC3339),
				"MaxAllowedSkewMilliseconds": skew.Milliseconds()}}
	}
	return nil
}
