package sns

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"millrace/runtime/topic"
)

// setArchivePolicy reads {"MessageRetentionPeriod": "30"}, 1 to 365 days as a text or a
// number. {} switches the archive off.
func setArchivePolicy(_ topic.ID, _, text string) (string, error) {
	const unreadable = "ArchivePolicy: Unable to parse JSON"
	object, err := parseObject(topic.ArchivePolicy, text)
	if err != nil || text == "" {
		return "", badAttribute(unreadable)
	}
	if len(object) == 0 {
		return "", nil
	}
	raw, ok := object["MessageRetentionPeriod"]
	if !ok {
		return "", badAttribute("ArchivePolicy: JSON is missing required fields")
	}
	days, err := strconv.Atoi(string(bytes.Trim(raw, `"`)))
	if err != nil || days < 1 || days > 365 || len(object) > 1 {
		return "", badAttribute("ArchivePolicy: MessageRetentionPeriod value is invalid")
	}
	return text, nil
}

// beginningOfArchive is the oldest moment that can be replayed; ok is false while there
// is no archive.
func beginningOfArchive(t *topic.Topic, now time.Time) (begin time.Time, ok bool) {
	keep := t.Retention()
	if keep == 0 {
		return begin, false
	}
	begin = now.Add(-keep)
	if begin.Before(t.ArchivedSince) {
		begin = t.ArchivedSince
	}
	return begin, true
}

// parseReplayPolicy reads {"PointType": "Timestamp", "StartingPoint": …, "EndingPoint": …}.
// ok is false for {}, which stops a replay.
func parseReplayPolicy(text string) (r topic.Replay, ok bool, err error) {
	object, err := parseObject(topic.ReplayPolicy, text)
	if err != nil || text == "" {
		return r, false, badAttribute("ReplayPolicy: Unable to parse JSON")
	}
	if len(object) == 0 {
		return r, false, nil
	}
	var p struct{ PointType, StartingPoint, EndingPoint *string }
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if d.Decode(&p) != nil {
		return r, false, badAttribute("ReplayPolicy: Unable to parse JSON")
	}
	if p.PointType == nil || p.StartingPoint == nil {
		return r, false, badAttribute("ReplayPolicy: JSON is missing required fields")
	}
	if *p.PointType != "Timestamp" {
		return r, false, badAttribute("ReplayPolicy: Invalid PointType value")
	}
	if r.StartingPoint, err = time.Parse(time.RFC3339, *p.StartingPoint); err != nil {
		return r, false, badAttribute("ReplayPolicy: Invalid StartingPoint value")
	}
	if p.EndingPoint != nil {
		if r.EndingPoint, err = time.Parse(time.RFC3339, *p.EndingPoint); err != nil || !r.EndingPoint.After(r.StartingPoint) {
			return r, false, badAttribute("ReplayPolicy: Invalid EndingPoint value")
		}
	}
	return r, true, nil
}

// setReplayPolicy checks the ReplayPolicy of a subscription; what it returns is "" for
// one that stops a replay.
func setReplayPolicy(t *topic.Topic, text string, now time.Time) (string, error) {
	if !t.FIFO() {
		return "", unknownAttribute(topic.ReplayPolicy)
	}
	r, ok, err := parseReplayPolicy(text)
	if err != nil || !ok {
		return "", err
	}
	begin, ok := beginningOfArchive(t, now)
	switch {
	case !ok:
		return "", badAttribute("ReplayPolicy: Topic does not have an ArchivePolicy")
	case r.StartingPoint.Before(begin) || r.StartingPoint.After(now):
		return "", badAttribute("ReplayPolicy: Invalid StartingPoint value")
	}
	return text, nil
}
