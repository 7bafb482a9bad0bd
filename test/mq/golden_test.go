package mq

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"millrace/test/patience"
)

// golden holds what the management API shows of a new broker against a file: the row
// "Broker defaults", and "Plugins", of what others get wrong.
func (b *broker) golden(name string) {
	b.Helper()
	dump := map[string]any{}
	for path, members := range map[string][]string{
		"vhosts":            {"name", "default_queue_type", "description"},
		"users":             {"tags"},
		"permissions":       {"vhost", "configure", "write", "read"},
		"policies":          nil,
		"operator-policies": nil,
		"vhost-limits":      nil,
		"nodes":             {"enabled_plugins", "disk_free_limit"},
		"queues":            {"name"},
	} {
		var all []map[string]any
		patience.Until(b, path+" to be whole", func() bool { // statistics come later
			all = nil
			b.get("/api/"+path, &all)
			return path != "nodes" || !slices.ContainsFunc(all, func(node map[string]any) bool { return node["enabled_plugins"] == nil })
		}, nil)
		for _, entry := range all {
			for member := range entry {
				if members != nil && !slices.Contains(members, member) {
					delete(entry, member)
				}
			}
		}
		slices.SortFunc(all, func(a, b map[string]any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		dump[path] = all
	}
	var overview struct {
		Listeners []struct{ Protocol string }
	}
	b.get("/api/overview", &overview)
	dump["listeners"] = overview.Listeners
	got, err := json.MarshalIndent(dump, "", "  ")
	if err != nil {
		b.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		b.Errorf("it has\n%s\nwant, by %s (-update writes it anew),\n%s", got, path, want)
	}
}
