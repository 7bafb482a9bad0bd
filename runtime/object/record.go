package object

import "encoding/binary"

// A kind says what a record records.
type kind byte

// The kinds of records. Their numbers are stored: never change one, only add.
const (
	kindVersion    kind = 1 // a version of an object in its present state; a null one replaces the null one before
	kindRemoved    kind = 2 // a version is gone for good
	kindUpload     kind = 3 // an upload in its present state
	kindAborted    kind = 4 // an upload was aborted
	kindPart       kind = 5 // a part; it replaces the part of that number
	kindCompleted  kind = 6 // a version was made of the parts of an upload, which ends
	kindEvent      kind = 7 // somebody is to be told
	kindHandedOver kind = 8 // the events up to a number have been handed over
	kindClosed     kind = 9 // the bucket was deleted
)

// A record is one change of the state. Numbers and times in it are resolved: to apply it
// needs no clock, and no other record.
type record struct {
	kind    kind
	key     string // of the object; of a part: its upload's partKey
	number  uint64 // of the version, upload, part or event
	flags   uint64
	content Content // its Entry is 0 in the record's own entry
	rest    string  // what describes an item; an event

	upload uint64 // kindCompleted: the number of the upload
	parts  []int  // kindCompleted: the numbers of its parts, ascending
}

// append encodes r. Of a content in its own entry only the length is encoded.
func (r *record) append(b []byte) []byte {
	b = append(b, byte(r.kind))
	b = appendText(b, r.key)
	b = binary.AppendUvarint(b, r.number)
	b = binary.AppendUvarint(b, r.flags)
	if r.flags&flagInline != 0 && r.flags&flagReference == 0 {
		b = binary.AppendUvarint(b, uint64(r.content.Length))
	} else {
		b = appendContent(b, r.flags, r.content)
	}
	b = appendText(b, r.rest)
	if r.kind == kindCompleted {
		b = binary.AppendUvarint(b, r.upload)
		b = appendRanges(b, r.parts)
	}
	return b
}

// readRecord is the inverse of append. Contents of the entry begin at *offset, which goes
// on behind them.
func readRecord(d *reader, offset *uint64) (r record) {
	r.kind = kind(d.byte())
	r.key, r.number, r.flags = d.text(), d.uvarint(), d.uvarint()
	if r.kind == 0 || r.kind > kindClosed || r.flags&^flagsKnown != 0 {
		d.fail(ErrUnknownVersion)
	}
	if r.flags&flagInline != 0 && r.flags&flagReference == 0 {
		length := d.uvarint()
		if length > maxContent || *offset+length > maxContent {
			d.fail(ErrDamagedEntry)
		}
		r.content.Offset, r.content.Length = uint32(*offset), uint32(length)
		*offset += length
	} else {
		r.content = readContent(d, r.flags)
	}
	r.rest = d.text()
	if r.kind == kindCompleted {
		r.upload = d.uvarint()
		r.parts = readRanges(d)
	}
	return r
}

// maxContent is more than an entry can have, in bytes.
const maxContent = 1 << 30

// appendRanges encodes ascending numbers as gaps and lengths of runs: those of most
// uploads are one run.
func appendRanges(b []byte, numbers []int) []byte {
	var runs []int // start, length
	for _, n := range numbers {
		if k := len(runs); k > 0 && runs[k-2]+runs[k-1] == n {
			runs[k-1]++
		} else {
			runs = append(runs, n, 1)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(runs)/2))
	end := 0
	for i := 0; i < len(runs); i += 2 {
		b = binary.AppendUvarint(b, uint64(runs[i]-end))
		b = binary.AppendUvarint(b, uint64(runs[i+1]))
		end = runs[i] + runs[i+1]
	}
	return b
}

func readRanges(d *reader) (numbers []int) {
	end := uint64(0)
	for range d.count() {
		start, length := d.uvarint(), d.uvarint()
		if start > MaxParts || length > MaxParts || end+start+length > MaxParts+1 {
			d.fail(ErrDamagedEntry)
			return nil
		}
		end += start
		for range length {
			numbers = append(numbers, int(end))
			end++
		}
	}
	return numbers
}
