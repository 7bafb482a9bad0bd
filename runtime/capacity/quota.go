package capacity

import (
	"fmt"
	"log/slog"

	"millrace/runtime/fault"
)

// Quota limits what used reports to a number of bytes. Once full, it admits again
// when a sixteenth of the limit is free.
func Quota(limit int64, used func() int64, log *slog.Logger) Limit {
	return &Gauge{
		Log: log, Recovered: "there is room below --max-store again: sends and uploads are accepted",
		Measure: func(full bool) (int64, error) {
			holds := used()
			threshold := limit
			if full {
				threshold -= limit / 16
			}
			if holds >= threshold {
				return 0, fault.State(nil, "The store is full: it holds %s, and --max-store allows %s. "+
					"Delete messages, queues or objects, or raise --max-store; until then sends and uploads are refused.", Size(holds), Size(limit))
			}
			return limit - holds, nil
		},
	}
}

// Size formats a number of bytes for people, in decimal units: 1,500,000,000 is "1.5 GB".
func Size(bytes int64) string {
	const units = "kMGTPE"
	if bytes < 1000 {
		return fmt.Sprintf("%d bytes", bytes)
	}
	n, i := float64(bytes)/1000, 0
	for n >= 999.95 && i < len(units)-1 {
		n /= 1000
		i++
	}
	return fmt.Sprintf("%.1f %cB", n, units[i])
}
