package notify_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"millrace/runtime/object/notify"
)

// "Event message structure" of the S3 User Guide has the members and their order. Which of
// the object's members come with which type was recorded from AWS.
func TestBodies(t *testing.T) {
	const before = `{"Records":[{"eventVersion":"2.6","eventSource":"aws:s3","awsRegion":"eu-west-1","eventTime":"2026-01-02T03:04:05.678Z","eventName":"`
	const between = `","userIdentity":{"principalId":"AWS:000000000000"},"requestParameters":{"sourceIPAddress":"127.0.0.1"},` +
		`"responseElements":{"x-amz-request-id":"C3D13FE58DE4C810","x-amz-id-2":"host"},"s3":{"s3SchemaVersion":"1.0","configurationId":"cfg-1",` +
		`"bucket":{"name":"b","ownerIdentity":{"principalId":"AK44WOOSIT5G56"},"arn":"arn:aws:s3:::b"},"object":{"key":"a+b/c%40d%7E*%C3%A9.txt",`
	const (
		whole    = `"size":3,"eTag":"900150983cd24fb0d6963f7d28e17f72","versionId":"v1","sequencer":"0055AED6DCD90281E5"}}}]}`
		deleted  = `"versionId":"v1","sequencer":"0055AED6DCD90281E5"}}}]}`
		marker   = `"eTag":"d41d8cd98f00b204e9800998ecf8427e","versionId":"v1","sequencer":"0055AED6DCD90281E5"}}}]}`
		tagged   = `"eTag":"900150983cd24fb0d6963f7d28e17f72","versionId":"v1"}}}]}`
		bare     = `"size":0,"eTag":"d41d8cd98f00b204e9800998ecf8427e","sequencer":"000000000000000000"}}}]}`
		bareGone = `"sequencer":"000000000000000001"}}}]}`
	)
	for _, c := range []struct {
		rule string
		name string
		e    notify.Event
		want string
	}{
		{"put", "ObjectCreated:Put", notify.Event{Type: notify.ObjectCreatedPut}, whole},
		{"form", "ObjectCreated:Post", notify.Event{Type: notify.ObjectCreatedPost}, whole},
		{"copy", "ObjectCreated:Copy", notify.Event{Type: notify.ObjectCreatedCopy}, whole},
		{"multipart", "ObjectCreated:CompleteMultipartUpload", notify.Event{Type: notify.ObjectCreatedCompleteMultipartUpload}, whole},
		{"delete of a version", "ObjectRemoved:Delete", notify.Event{Type: notify.ObjectRemovedDelete}, deleted},
		{"delete marker", "ObjectRemoved:DeleteMarkerCreated", notify.Event{Type: notify.ObjectRemovedDeleteMarkerCreated}, marker},
		{"tags", "ObjectTagging:Put", notify.Event{Type: notify.ObjectTaggingPut}, tagged},
		{"no tags", "ObjectTagging:Delete", notify.Event{Type: notify.ObjectTaggingDelete}, tagged},
		{"ACL", "ObjectAcl:Put", notify.Event{Type: notify.ObjectACLPut}, tagged},
	} {
		e := sample
		e.Type = c.e.Type
		if got, want := string(e.Body()), before+c.name+between+c.want; got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.rule, got, want)
		}
	}
	e := sample
	e.Size, e.ETag, e.VersionID, e.Sequencer = 0, "d41d8cd98f00b204e9800998ecf8427e", "", 0
	if got, want := string(e.Body()), before+"ObjectCreated:Put"+between+bare; got != want {
		t.Errorf("an empty object without version:\n got %s\nwant %s", got, want)
	}
	e.Type, e.Sequencer = notify.ObjectRemovedDelete, 1
	if got, want := string(e.Body()), before+"ObjectRemoved:Delete"+between+bareGone; got != want {
		t.Errorf("a delete without version:\n got %s\nwant %s", got, want)
	}
}

// Times are UTC, and signs that mean something in HTML stay as they are.
func TestBodiesOfAwkwardValues(t *testing.T) {
	e := sample
	e.Time, e.Configuration = e.Time.In(time.FixedZone("", 3600)), `<a&b>"`
	var got struct {
		Records []struct {
			EventTime string
			S3        struct{ ConfigurationID string }
		}
	}
	body := e.Body()
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if r := got.Records[0]; r.EventTime != "2026-01-02T03:04:05.678Z" || r.S3.ConfigurationID != e.Configuration {
		t.Errorf("got %+v", r)
	}
	if want := `"configurationId":"<a&b>\"",`; !strings.Contains(string(body), want) {
		t.Errorf("%s is not in %s", want, body)
	}
}

// Keys are form-encoded, but for slashes. As in S3's lists asterisks stay and tildes do
// not; whoever decodes forms gets the key back.
func TestKeys(t *testing.T) {
	for _, c := range []struct{ key, want string }{
		{"red flower.jpg", "red+flower.jpg"}, // the User Guide's example
		{"a@b/c d", "a%40b/c+d"},
		{"//../", "//../"},
		{"a+b=c&d%20", "a%2Bb%3Dc%26d%2520"},
		{"*-_.~", "*-_.%7E"},
		{"日本", "%E6%97%A5%E6%9C%AC"},
		{"\x01\n", "%01%0A"},
		{"", ""},
	} {
		e := notify.Event{Type: notify.ObjectRemovedDelete, Key: c.key}
		var got struct {
			Records []struct {
				S3 struct{ Object struct{ Key string } }
			}
		}
		if err := json.Unmarshal(e.Body(), &got); err != nil {
			t.Fatal(err)
		}
		key := got.Records[0].S3.Object.Key
		if key != c.want {
			t.Errorf("%q: got %q, want %q", c.key, key, c.want)
		}
		if back, err := url.QueryUnescape(key); err != nil || back != c.key {
			t.Errorf("%q comes back as %q, %v", c.key, back, err)
		}
	}
}

// Whether the shorter of two sequencers is padded on the left or on the right, they order:
// all have one length.
func TestSequencersOrder(t *testing.T) {
	last := ""
	for _, n := range []uint64{0, 1, 15, 16, 255, 1 << 32, 1<<63 - 1, 1 << 63, 1<<64 - 1} {
		e := notify.Event{Type: notify.ObjectRemovedDelete, Sequencer: n}
		var got struct {
			Records []struct {
				S3 struct{ Object struct{ Sequencer string } }
			}
		}
		if err := json.Unmarshal(e.Body(), &got); err != nil {
			t.Fatal(err)
		}
		s := got.Records[0].S3.Object.Sequencer
		if s <= last || last != "" && len(s) != len(last) {
			t.Errorf("%q comes after %q", s, last)
		}
		last = s
	}
}

func TestTestEvent(t *testing.T) {
	at := time.Date(2014, 10, 13, 15, 57, 2, 89e6, time.UTC)
	want := `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z","Bucket":"b","RequestId":"5582815E1AEA5ADF","HostId":"8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR"}`
	if got := string(notify.TestEvent("b", at, "5582815E1AEA5ADF", "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR")); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}
