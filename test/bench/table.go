package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A floor is what a mode must reach. Missing it fails nothing; it is said.
type floor struct {
	says string
	// measure tells how far a sample of a run got, and whether that is enough.
	measure func(s sample, run map[string]sample) (got string, met bool)
}

func p50Below(d time.Duration) floor {
	return floor{fmt.Sprintf("p50 < %v", d), func(s sample, _ map[string]sample) (string, bool) {
		return short(s.percentile(0.5)), s.percentile(0.5) < d
	}}
}

func p99Below(d time.Duration) floor {
	return floor{fmt.Sprintf("p99 < %v", d), func(s sample, _ map[string]sample) (string, bool) {
		return short(s.percentile(0.99)), s.percentile(0.99) < d
	}}
}

func opsOfEcho(want float64) floor {
	return floor{fmt.Sprintf("≥ %v × echo", want), func(s sample, _ map[string]sample) (string, bool) {
		got := s.opsPerSecond() / s.echo
		return fmt.Sprintf("%.2f", got), got >= want
	}}
}

func msgsOfEcho(want float64) floor {
	return floor{fmt.Sprintf("≥ %v × echo", want), func(s sample, _ map[string]sample) (string, bool) {
		got := s.msgsPerSecond() / s.echo
		return fmt.Sprintf("%.2f", got), got >= want
	}}
}

func msgsOf(other string, want float64) floor {
	return floor{fmt.Sprintf("≥ %v × %s", want, other), func(s sample, run map[string]sample) (string, bool) {
		o, ok := run[other]
		if !ok {
			return "not measured", false
		}
		got := s.msgsPerSecond() / o.msgsPerSecond()
		if s.echo > 0 && o.echo > 0 { // each beside what the machine gave at the time
			got *= o.echo / s.echo
		}
		return fmt.Sprintf("%.2f", got), got >= want
	}}
}

func msgsAbove(want float64) floor {
	return floor{fmt.Sprintf("≥ %.0f messages/s", want), func(s sample, _ map[string]sample) (string, bool) {
		return fmt.Sprintf("%.0f", s.msgsPerSecond()), s.msgsPerSecond() >= want
	}}
}

// processorEach bounds what the runtime's own process uses for each batch.
func processorEach(d time.Duration) floor {
	return floor{fmt.Sprintf("≤ %v of processor a batch", d), func(s sample, _ map[string]sample) (string, bool) {
		return short(s.each), s.each <= d
	}}
}

func memoryBelow(bytes int) floor {
	return floor{fmt.Sprintf("memory < %d MB", bytes>>20), func(s sample, _ map[string]sample) (string, bool) {
		return fmt.Sprintf("%d MB", s.memory>>20), s.memory < bytes
	}}
}

var processorIdle = floor{"processor < 0.25%", func(s sample, _ map[string]sample) (string, bool) {
	return fmt.Sprintf("%.2f%%", s.processor*100), s.processor < 0.0025
}}

// processorOfBroker is a second an hour.
var processorOfBroker = floor{"processor < 0.028%", func(s sample, _ map[string]sample) (string, bool) {
	return fmt.Sprintf("%.3f%%", s.processor*100), s.processor < 1./3600
}}

// p50Of compares with another mode of the same run.
func p50Of(mode string, most float64) floor {
	return floor{fmt.Sprintf("p50 < %.1f of %s", most, mode), func(s sample, run map[string]sample) (string, bool) {
		other := run[mode].percentile(0.5)
		if other == 0 {
			return "not compared", false
		}
		ratio := s.percentile(0.5).Seconds() / other.Seconds()
		return fmt.Sprintf("%.2f", ratio), ratio < most
	}}
}

// table tells the median run of each mode. Runs are ranked by what is compared:
// throughput against the echo server's, latency elsewhere.
func table(chosen []mode, runs []map[string]sample) string {
	var t strings.Builder
	t.WriteString("| mode | one operation | ops/s | messages/s | p50 | p99 | × echo | floor |\n|---|---|--:|--:|--:|--:|--:|---|\n")
	for _, m := range chosen {
		measured := slices.DeleteFunc(slices.Clone(runs), func(run map[string]sample) bool { _, ok := run[m.name]; return !ok })
		ranked := slices.SortedFunc(slices.Values(measured), func(a, b map[string]sample) int {
			return cmp.Compare(m.rank(a[m.name]), m.rank(b[m.name]))
		})
		run := ranked[len(ranked)/2]
		s := run[m.name]
		cells := []string{m.name, m.does, "", "", "", "", "", judge(m.floors, s, run)}
		if m.name == "backlog" {
			cells[3] = fmt.Sprintf("%.0f", s.msgsPerSecond())
		}
		if m.echoed || m.name == "echo" {
			cells[2], cells[3] = fmt.Sprintf("%.0f", s.opsPerSecond()), fmt.Sprintf("%.0f", s.msgsPerSecond())
		}
		if len(s.latencies) > 0 {
			cells[4], cells[5] = short(s.percentile(0.5)), short(s.percentile(0.99))
		}
		if m.echoed {
			cells[6] = fmt.Sprintf("%.2f", s.msgsPerSecond()/s.echo)
		}
		fmt.Fprintf(&t, "| %s |\n", strings.Join(cells, " | "))
	}
	return t.String()
}

func (m mode) rank(s sample) float64 {
	switch {
	case m.echoed:
		return s.msgsPerSecond() / s.echo
	case len(s.latencies) > 0:
		return s.percentile(0.5).Seconds()
	case s.each > 0:
		return s.each.Seconds()
	}
	return float64(s.memory)
}

func judge(floors []floor, s sample, run map[string]sample) string {
	var said []string
	for _, f := range floors {
		mark := "✗"
		got, met := f.measure(s, run)
		if met {
			mark = "✓"
		}
		said = append(said, fmt.Sprintf("%s %s: %s", mark, f.says, got))
	}
	return strings.Join(said, "; ")
}

// short rounds to three digits or so.
func short(d time.Duration) string {
	switch {
	case d >= 100*time.Millisecond:
		return d.Round(time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}
