package batch

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Failures reads the reply of a function whose mapping has
// ReportBatchItemFailures, and tells for each record of the batch, by its id,
// whether it failed.
//
// An empty or null reply, and one with an empty, null or missing list, say that
// all went well. A reply that cannot be understood, or names a record that is
// not in the batch, fails all of them (Lambda guide, "Implementing partial batch
// responses").
func Failures(reply []byte, ids []string) []bool {
	failed := make([]bool, len(ids))
	reported, ok := report(reply)
	for _, id := range reported {
		found := false
		for i := range ids {
			if ids[i] == id {
				failed[i], found = true, true
			}
		}
		ok = ok && found
	}
	if !ok {
		return slices.Repeat([]bool{true}, len(ids))
	}
	return failed
}

// report lists the ids in a reply; ok is false when it is none.
func report(reply []byte) (ids []string, ok bool) {
	switch string(bytes.TrimSpace(reply)) {
	case "", "null", `""`:
		return nil, true
	}
	// Maps, because struct fields would match keys in any case.
	var top map[string]json.RawMessage
	if json.Unmarshal(reply, &top) != nil {
		return nil, false
	}
	list := top["batchItemFailures"]
	if list == nil {
		return nil, true
	}
	var items []map[string]json.RawMessage
	if json.Unmarshal(list, &items) != nil {
		return nil, false
	}
	for _, item := range items {
		var id string
		if json.Unmarshal(item["itemIdentifier"], &id) != nil || id == "" {
			return nil, false
		}
		ids = append(ids, id)
	}
	return ids, true
}
