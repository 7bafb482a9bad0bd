package broker

import (
	"testing"
	"time"
)

func TestNextWindow(t *testing.T) {
	const form = "2006-01-02 15:04"
	for _, c := range []struct{ window, after, want string }{
		{"MONDAY 02:00 UTC", "2026-03-02 01:59", "2026-03-02 02:00"},
		{"MONDAY 02:00 UTC", "2026-03-02 02:00", "2026-03-09 02:00"},
		{"SUNDAY 23:59 UTC", "2026-03-02 10:00", "2026-03-08 23:59"},
		{"MONDAY 01:00 +02:00", "2026-03-02 10:00", "2026-03-08 23:00"},
		{"MONDAY 22:00 UTC-5", "2026-03-02 10:00", "2026-03-03 03:00"},
		{"MONDAY 09:00 Asia/Tokyo", "2026-03-02 00:30", "2026-03-09 00:00"},
		{"SUNDAY 02:30 Europe/Berlin", "2026-03-28 12:00", "2026-03-29 01:30"}, // the hour that the clock leaves out
		{"SUNDAY 03:00 Europe/Berlin", "2026-03-29 12:00", "2026-04-05 01:00"},
		{"MONDAY 02:00 CET", "2026-03-02 10:00", "2026-03-09 01:00"},
		{"TUESDAY 12:00 America/Argentina/Buenos_Aires", "2026-03-02 10:00", "2026-03-03 15:00"},
	} {
		w := parseWindow(c.window)
		if err := w.Check(); err != nil {
			t.Errorf("%s: %v", c.window, err)
			continue
		}
		after, _ := time.Parse(form, c.after)
		if got := w.Next(after).Format(form); got != c.want {
			t.Errorf("%s after %s: %s, want %s", c.window, c.after, got, c.want)
		}
	}
}

func parseWindow(s string) Window {
	var w Window
	parts := [...]*string{&w.Day, &w.Time, &w.Zone}
	for i, j := 0, 0; i < len(s); i++ {
		if s[i] == ' ' && j < 2 {
			j++
			continue
		}
		*parts[j] += s[i : i+1]
	}
	return w
}

func TestWrongWindows(t *testing.T) {
	for _, s := range []string{
		"MON 02:00 UTC", "monday 02:00 UTC", "MONDAY 2:00 UTC", "MONDAY 24:00 UTC", "MONDAY 02:60 UTC", "MONDAY 02:00:00 UTC",
		"MONDAY 02:00 Mars/Base", "MONDAY 02:00 ../../etc/passwd", "MONDAY 02:00 /etc/localtime", "MONDAY 02:00 +15:00", "MONDAY 02:00 Local", "MONDAY 02:00 a/../b",
	} {
		if err := parseWindow(s).Check(); err == nil {
			t.Errorf("%s is taken", s)
		}
	}
}

// A window that opened while nobody looked still counts for two hours.
func TestDueWindow(t *testing.T) {
	w := parseWindow("MONDAY 02:00 UTC")
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 3, day, hour, minute, 0, 0, time.UTC) }
	for _, c := range []struct{ since, now, want time.Time }{
		{at(1, 10, 0), at(1, 12, 0), at(2, 2, 0)}, // ahead
		{at(1, 10, 0), at(2, 3, 0), at(2, 2, 0)},  // open
		{at(1, 10, 0), at(2, 4, 1), at(9, 2, 0)},  // over
		{at(2, 2, 30), at(2, 3, 0), at(9, 2, 0)},  // it has opened before
	} {
		if got := w.due(c.since, c.now); !got.Equal(c.want) {
			t.Errorf("since %v, now %v: %v, want %v", c.since, c.now, got, c.want)
		}
	}
}

func TestDefaultWindowsAreRight(t *testing.T) {
	for _, id := range []string{"b-1", "b-2", "b-9f1c"} {
		if w := defaultWindow(id); w.Check() != nil || w != defaultWindow(id) {
			t.Errorf("%+v", w)
		}
	}
}
