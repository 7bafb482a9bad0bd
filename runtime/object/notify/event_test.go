package notify_test

import (
	"encoding/hex"
	"errors"
	"reflect"
	"testing"
	"time"

	"millrace/runtime/object/notify"
)

var sample = notify.Event{
	Type: notify.ObjectCreatedPut, Time: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
	Region: "eu-west-1", Bucket: "b", Account: "000000000000",
	Key: "a b/c@d~*é.txt", Size: 3, ETag: "900150983cd24fb0d6963f7d28e17f72", VersionID: "v1", Sequencer: 0x55AED6DCD90281E5,
	Caller: "AWS:000000000000", SourceIP: "127.0.0.1", RequestID: "C3D13FE58DE4C810", HostID: "host",
	Configuration: "cfg-1", Destination: queueARN,
	TraceHeader: "Root=1-5759e988-bd862e3fe1be46a994272793", TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}

func TestEventsReadAsTheyWereWritten(t *testing.T) {
	for name, e := range map[string]notify.Event{
		"all members": sample,
		"no members":  {Type: notify.ObjectTaggingDelete, Time: time.Time{}},
		"the largest": {Type: notify.ReducedRedundancyLostObject, Time: time.Unix(1<<40, 0).UTC(), Size: 1<<63 - 1, Sequencer: 1<<64 - 1},
	} {
		got, err := notify.ParseEvent(e.Append(nil))
		if err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", name, got, err, e)
		}
	}
	if got := string(sample.Append([]byte("before"))[:6]); got != "before" {
		t.Errorf("what was there before has become %q", got)
	}
}

// Logs hold these bytes. When the form changes, eventVersion does, and this test stays
// beside one for the new form.
func TestEventsOfVersion1(t *testing.T) {
	const stored = "0101dcbccccaef6606e5838ac8cddbb5d7550965752d776573742d3101620c3030303030303030303030300f6120622f6340647e2ac3a92e747874203930303135303938336364323466623064363936336637643238653137663732027631104157533a303030303030303030303030093132372e302e302e31104333443133464535384445344338313004686f7374056366672d312461726e3a6177733a7371733a65752d776573742d313a3030303030303030303030303a7128526f6f743d312d35373539653938382d6264383632653366653162653436613939343237323739333730302d34626639326633353737623334646136613363653932396430653065343733362d303066303637616130626139303262372d3031"
	if got := hex.EncodeToString(sample.Append(nil)); got != stored {
		t.Errorf("written: %s", got)
	}
	b, err := hex.DecodeString(stored)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := notify.ParseEvent(b); err != nil || !reflect.DeepEqual(got, sample) {
		t.Errorf("read: %+v, %v", got, err)
	}
}

func TestDamagedEvents(t *testing.T) {
	whole := sample.Append(nil)
	for n := range whole {
		if _, err := notify.ParseEvent(whole[:n]); !errors.Is(err, notify.ErrDamagedEvent) {
			t.Errorf("%d of %d bytes: got %v", n, len(whole), err)
		}
	}
	if _, err := notify.ParseEvent(append(whole[:len(whole):len(whole)], 0)); !errors.Is(err, notify.ErrDamagedEvent) {
		t.Errorf("a byte too many: got %v", err)
	}
	for i, c := range [][]byte{{2, 1}, {1, 0}, {1, 25}, {1, 255}} { // another version, and types that it may have
		if _, err := notify.ParseEvent(append(c, whole[2:]...)); !errors.Is(err, notify.ErrUnknownEvent) {
			t.Errorf("%d: got %v", i, err)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add(sample.Append(nil))
	f.Add((&notify.Event{Type: notify.ObjectRemovedDelete}).Append(nil))
	f.Add([]byte{1, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := notify.ParseEvent(b)
		if err != nil {
			if !reflect.DeepEqual(e, notify.Event{}) {
				t.Errorf("half an event with %v", err)
			}
			return
		}
		if again, err := notify.ParseEvent(e.Append(nil)); err != nil || !reflect.DeepEqual(again, e) {
			t.Errorf("read again: %+v, %v\nwant %+v", again, err, e)
		}
		e.Body()
	})
}

// The numbers of types are stored.
func TestTypes(t *testing.T) {
	for n, want := range []string{"",
		"ObjectCreated:Put", "ObjectCreated:Post", "ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload",
		"ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated", "ObjectTagging:Put", "ObjectTagging:Delete", "ObjectAcl:Put",
		"ObjectAnnotation:Put", "ObjectAnnotation:Delete", "ObjectRetention:Put", "ObjectRestore:Post", "ObjectRestore:Completed", "ObjectRestore:Delete",
		"LifecycleExpiration:Delete", "LifecycleExpiration:DeleteMarkerCreated", "LifecycleTransition", "IntelligentTiering",
		"Replication:OperationFailedReplication", "Replication:OperationNotTracked", "Replication:OperationMissedThreshold",
		"Replication:OperationReplicatedAfterThreshold", "ReducedRedundancyLostObject", "", "",
	} {
		if got := notify.Type(n).String(); got != want {
			t.Errorf("type %d is %q, want %q", n, got, want)
		}
	}
}
