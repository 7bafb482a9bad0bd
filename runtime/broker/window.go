package broker

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a container may have no zones of its own, and clients name them
)

// A Window is when a broker is maintained: weekly, from a time on, for two hours
// (Amazon MQ Developer Guide, "Scheduling the broker maintenance window").
type Window struct {
	Day  string // "MONDAY"
	Time string // of 24 hours: "02:00"
	Zone string // "UTC", an offset from it ("+02:00", "UTC-5"), or a zone's name: "Europe/Paris", "CET"
}

const windowLength = 2 * time.Hour

var days = []string{"SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"}

// Check reports what is wrong with a window, in words for a client.
func (w Window) Check() error {
	if _, ok := w.weekday(); !ok {
		return fmt.Errorf("dayOfWeek [%s] is none of %s", w.Day, strings.Join(days, ", "))
	}
	if _, _, ok := w.clock(); !ok {
		return fmt.Errorf("timeOfDay [%s] is not of the form HH:MM with 24 hours", w.Time)
	}
	if _, ok := w.location(); !ok {
		return fmt.Errorf("timeZone [%s] is neither the name of a time zone, such as Country/City, nor an offset from UTC", w.Zone)
	}
	return nil
}

// Next returns when the window opens after a time. The window has been checked.
func (w Window) Next(after time.Time) time.Time {
	day, _ := w.weekday()
	hour, minute, _ := w.clock()
	zone, ok := w.location()
	if !ok {
		zone = time.UTC
	}
	local := after.In(zone)
	ahead := (int(day) - int(local.Weekday()) + 7) % 7
	for {
		// In the hour that a change of the clock leaves out, Date takes the one beside it.
		open := time.Date(local.Year(), local.Month(), local.Day()+ahead, hour, minute, 0, 0, zone)
		if open.After(after) {
			return open.UTC()
		}
		ahead += 7
	}
}

func (w Window) weekday() (time.Weekday, bool) {
	for i, d := range days {
		if d == w.Day {
			return time.Weekday(i), true
		}
	}
	return 0, false
}

var clockForm = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])$`)

func (w Window) clock() (hour, minute int, ok bool) {
	m := clockForm.FindStringSubmatch(w.Time)
	if m == nil {
		return 0, 0, false
	}
	hour, _ = strconv.Atoi(m[1])
	minute, _ = strconv.Atoi(m[2])
	return hour, minute, true
}

var (
	offsetForm = regexp.MustCompile(`^(?:UTC|GMT)?([+-])(0?[0-9]|1[0-4])(?::?([0-5][0-9]))?$`)
	zoneForm   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$`)
)

func (w Window) location() (*time.Location, bool) {
	switch w.Zone {
	case "", "UTC", "GMT", "Z":
		return time.UTC, true
	}
	if m := offsetForm.FindStringSubmatch(w.Zone); m != nil {
		hours, _ := strconv.Atoi(m[2])
		minutes, _ := strconv.Atoi("0" + m[3])
		seconds := (hours*60 + minutes) * 60
		if m[1] == "-" {
			seconds = -seconds
		}
		return time.FixedZone(w.Zone, seconds), true
	}
	if !zoneForm.MatchString(w.Zone) || w.Zone == "Local" { // this machine's zone is no promise
		return nil, false
	}
	zone, err := time.LoadLocation(w.Zone)
	return zone, err == nil
}

// due returns when a broker that has waited since a time for its window is to be
// maintained: in the window that is open now, if it waited before that opened, or in
// the next one.
func (w Window) due(since, now time.Time) time.Time {
	from := now.Add(-windowLength)
	if since.After(from) {
		from = since
	}
	return w.Next(from)
}

// defaultWindow is the window of a broker for which none was named: AWS picks one at
// random, and so does the id.
func defaultWindow(id string) Window {
	n := 0
	for _, c := range id {
		n = (n*31 + int(c)) % (7 * 24)
	}
	return Window{Day: days[n%7], Time: fmt.Sprintf("%02d:00", n/7), Zone: "UTC"}
}
