package object

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"
)

// An entry of the log has the records of one batch of commands:
//
//	version  1 byte
//	checksum 4 bytes, CRC-32C of what follows up to the contents
//	time     varint, Unix microseconds
//	counters uvarints: last number, last event, last event handed over, first live entry
//	records  text, one after another
//	contents until the end: the sealed bytes that the records name, in their order
//
// Contents authenticate themselves. The counters are those after the entry. So the newest
// entry knows them, whatever was purged before it.
const (
	entryVersion     = 1
	entryHeaderBytes = 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// An Entry is an entry of the log that was read.
type Entry struct {
	Time time.Time // when its batch was decided

	// FirstLive is the first entry that was needed when this one was written. Entries
	// before it may have been purged.
	FirstLive uint64

	lastNumber, lastEvent, handedOver uint64
	records                           []record
}

func appendEntry(b []byte, e *Entry, records []byte, contents [][]byte) []byte {
	start := len(b)
	b = append(b, entryVersion, 0, 0, 0, 0)
	b = binary.AppendVarint(b, e.Time.UnixMicro())
	b = binary.AppendUvarint(b, e.lastNumber)
	b = binary.AppendUvarint(b, e.lastEvent)
	b = binary.AppendUvarint(b, e.handedOver)
	b = binary.AppendUvarint(b, e.FirstLive)
	b = binary.AppendUvarint(b, uint64(len(records)))
	b = append(b, records...)
	binary.BigEndian.PutUint32(b[start+1:], crc32.Checksum(b[start+entryHeaderBytes:], castagnoli))
	for _, c := range contents {
		b = append(b, c...)
	}
	return b
}

// ReadEntry checks and reads an entry. Errors are ErrDamagedEntry and ErrUnknownVersion.
func ReadEntry(b []byte) (e Entry, err error) {
	if len(b) < entryHeaderBytes {
		return Entry{}, fmt.Errorf("%w: truncated", ErrDamagedEntry)
	}
	const numbers = 6 * binary.MaxVarintLen64
	head := b[entryHeaderBytes:min(len(b), entryHeaderBytes+numbers)]
	r := reader{remaining: string(head)}
	micros := r.varint()
	e.lastNumber, e.lastEvent, e.handedOver, e.FirstLive = r.uvarint(), r.uvarint(), r.uvarint(), r.uvarint()
	length := r.uvarint()
	start := uint64(entryHeaderBytes + len(head) - len(r.remaining))
	switch {
	case r.err != nil || length > uint64(len(b))-start:
		return Entry{}, fmt.Errorf("%w: truncated", ErrDamagedEntry)
	case crc32.Checksum(b[entryHeaderBytes:start+length], castagnoli) != binary.BigEndian.Uint32(b[1:]):
		return Entry{}, fmt.Errorf("%w: checksum differs", ErrDamagedEntry)
	case b[0] != entryVersion: // the checksum is right
		return Entry{}, fmt.Errorf("version %d: %w", b[0], ErrUnknownVersion)
	}
	e.Time = time.UnixMicro(micros).UTC()
	offset := start + length
	records := reader{remaining: string(b[start:offset])}
	for records.remaining != "" {
		e.records = append(e.records, readRecord(&records, &offset))
	}
	if records.err != nil {
		return Entry{}, records.err
	}
	if offset != uint64(len(b)) {
		return Entry{}, fmt.Errorf("%w: its contents are truncated", ErrDamagedEntry)
	}
	return e, nil
}
