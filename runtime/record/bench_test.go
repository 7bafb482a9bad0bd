package record_test

import (
	"fmt"
	"testing"
	"time"

	"millrace/runtime/backbone/backbonetest"
	"millrace/runtime/record"
)

// A mapping is a row as there are many: texts, numbers, a time, and what is
// shared when it is only assigned.
type mapping struct {
	UUID, Account, Region, EventSource, FunctionARN string
	BatchSize, Window                               int
	ResponseTypes, Filters                          []string
	Enabled                                         bool
	State, Reason                                   string
	Modified                                        time.Time
	Tags                                            map[string]string
}

func mappingNamed(key string) mapping {
	return mapping{
		UUID: key, Account: "000000000000", Region: "us-east-1",
		EventSource: "arn:aws:sqs:us-east-1:000000000000:orders", FunctionARN: "arn:aws:lambda:us-east-1:000000000000:function:orders",
		BatchSize: 10, ResponseTypes: []string{"ReportBatchItemFailures"}, Enabled: true,
		State: "Enabled", Reason: "USER_INITIATED", Modified: time.Unix(1_800_000_000, 0).UTC(),
	}
}

func filled(b *testing.B, n int) *record.Table[mapping] {
	s, err := record.Open(b.Context(), backbonetest.Start(b, b.TempDir()).JetStream())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	table := record.NewTable[mapping](s, "mapping")
	for i := range n {
		key := fmt.Sprintf("%08d", i)
		if err := table.Create(b.Context(), key, mappingNamed(key)); err != nil {
			b.Fatal(err)
		}
	}
	return table
}

func BenchmarkGet(b *testing.B) {
	table := filled(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := table.Get("00000500"); !ok {
			b.Fatal("it is gone")
		}
	}
}

func BenchmarkList(b *testing.B) {
	table := filled(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if len(table.List("")) != 1000 {
			b.Fatal("some are gone")
		}
	}
}
