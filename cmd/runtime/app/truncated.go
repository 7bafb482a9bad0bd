package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/atomicfile"
)

// truncatedLogs are the logs of queues, FIFO topics and buckets whose end was cut short, by stream.
// Nothing shows that anymore when the store is repaired, so a file keeps it until each
// of them has been read: a runtime that is killed before leaves it to the next.
type truncatedLogs struct {
	path    string
	streams map[string]bool
}

func readTruncated(path string) (truncatedLogs, error) {
	t := truncatedLogs{path, map[string]bool{}}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return t, fmt.Errorf("reading which logs were cut short: %w", err)
	}
	for name := range strings.FieldsSeq(string(text)) {
		t.streams[name] = true
	}
	return t, nil
}

func (t truncatedLogs) write() error {
	if len(t.streams) == 0 {
		return nil
	}
	var text bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(t.streams)) {
		fmt.Fprintln(&text, name)
	}
	if err := atomicfile.Write(t.path, text.Bytes()); err != nil {
		return fmt.Errorf("writing which logs were cut short: %w", err)
	}
	return nil
}

// forgetRead forgets them once they have been read, those of topics and buckets if othersRead: what was
// missing is told, and from then on checkpoints know. When one cannot be read, the next
// start tries.
func (t truncatedLogs) forgetRead(ctx context.Context, queues *jetqueue.Queues, othersRead bool) error {
	if len(t.streams) == 0 || !othersRead || queues.WaitReadyOf(ctx, t.streams) != nil {
		return nil
	}
	if err := os.Remove(t.path); !errors.Is(err, fs.ErrNotExist) { // a strict start writes none
		return err
	}
	return nil
}
