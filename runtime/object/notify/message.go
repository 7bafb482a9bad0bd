package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"millrace/runtime/object/owner"
)

// Subject is that of a notification to a topic.
const Subject = "Amazon S3 Notification"

// messageVersion is eventVersion of "Event message structure" in the S3 User Guide, one
// for all types of events since 2.4. Consumers are told to compare the major number for
// equality and the minor one with at least.
const messageVersion = "2.6"

// timeFormat is RFC 3339 with milliseconds, in UTC.
const timeFormat = "2006-01-02T15:04:05.000Z"

// markerETag is the ETag of delete markers: the MD5 of nothing.
const markerETag = "d41d8cd98f00b204e9800998ecf8427e"

// The members of a message, in AWS's order.
type message struct {
	Records [1]record
}

type record struct {
	EventVersion      string            `json:"eventVersion"`
	EventSource       string            `json:"eventSource"`
	Region            string            `json:"awsRegion"`
	EventTime         string            `json:"eventTime"`
	EventName         string            `json:"eventName"`
	UserIdentity      identity          `json:"userIdentity"`
	RequestParameters requestParameters `json:"requestParameters"`
	ResponseElements  responseElements  `json:"responseElements"`
	S3                s3                `json:"s3"`
}

type identity struct {
	PrincipalID string `json:"principalId"`
}

type requestParameters struct {
	SourceIP string `json:"sourceIPAddress"`
}

type responseElements struct {
	RequestID string `json:"x-amz-request-id"`
	HostID    string `json:"x-amz-id-2"`
}

type s3 struct {
	SchemaVersion   string `json:"s3SchemaVersion"`
	ConfigurationID string `json:"configurationId"`
	Bucket          bucket `json:"bucket"`
	Object          object `json:"object"`
}

type bucket struct {
	Name  string   `json:"name"`
	Owner identity `json:"ownerIdentity"`
	ARN   string   `json:"arn"`
}

// An object has the members that events of its type have.
type object struct {
	Key       string `json:"key"`
	Size      *int64 `json:"size,omitempty"`
	ETag      string `json:"eTag,omitempty"`
	VersionID string `json:"versionId,omitempty"`
	Sequencer string `json:"sequencer,omitempty"`
}

// Body is the message that announces the event: the body for a queue, the message for a
// topic, the payload for a function. Members that were empty when the event was stored,
// see Append, have to be set.
func (e *Event) Body() []byte {
	return encode(message{[1]record{{
		EventVersion:      messageVersion,
		EventSource:       "aws:s3",
		Region:            e.Region,
		EventTime:         e.Time.UTC().Format(timeFormat),
		EventName:         e.Type.String(),
		UserIdentity:      identity{e.Caller},
		RequestParameters: requestParameters{e.SourceIP},
		ResponseElements:  responseElements{e.RequestID, e.HostID},
		S3: s3{
			SchemaVersion:   "1.0",
			ConfigurationID: e.Configuration,
			Bucket:          bucket{e.Bucket, identity{owner.PrincipalID(e.Account)}, BucketARN(e.Bucket)},
			Object:          e.object(),
		},
	}}})
}

// object is the object as its message shows it. Which type has which members was recorded
// from AWS for created, removed and tagged objects and ACLs; the runtime causes no others.
func (e *Event) object() object {
	o := object{Key: encodeKey(e.Key), VersionID: e.VersionID}
	switch e.Type {
	case ObjectCreatedPut, ObjectCreatedPost, ObjectCreatedCopy, ObjectCreatedCompleteMultipartUpload:
		o.Size, o.ETag, o.Sequencer = &e.Size, e.ETag, sequencer(e.Sequencer)
	case ObjectRemovedDelete:
		o.Sequencer = sequencer(e.Sequencer)
	case ObjectRemovedDeleteMarkerCreated:
		o.ETag, o.Sequencer = markerETag, sequencer(e.Sequencer)
	default:
		o.ETag = e.ETag
	}
	return o
}

// BucketARN is the ARN of a bucket: aws:SourceArn of its notifications.
func BucketARN(bucket string) string { return "arn:aws:s3:::" + bucket }

// sequencer is the text of a sequencer. All have one length, that of AWS's examples, so it
// does not matter on which side a consumer pads the shorter of two: the documentation has
// said both.
func sequencer(n uint64) string { return fmt.Sprintf("%018X", n) }

// encodeKey encodes a key as HTML forms do, but for slashes: "a b/c@d" is "a+b/c%40d". As
// in S3's lists with encoding-type url, asterisks stay and tildes do not.
func encodeKey(key string) string { return keySigns.Replace(url.QueryEscape(key)) }

var keySigns = strings.NewReplacer("%2F", "/", "%2A", "*", "~", "%7E")

// TestEvent is the message that queues and topics get when a configuration has named them:
// that of "s3:TestEvent" in the S3 User Guide. The IDs are those of the answer to the
// request that did so.
func TestEvent(bucket string, at time.Time, requestID, hostID string) []byte {
	return encode(testMessage{"Amazon S3", "s3:TestEvent", at.UTC().Format(timeFormat), bucket, requestID, hostID})
}

type testMessage struct {
	Service   string
	Event     string
	Time      string
	Bucket    string
	RequestID string `json:"RequestId"`
	HostID    string `json:"HostId"`
}

// encode writes JSON without the escapes that make it safe inside HTML.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // only texts and numbers: it cannot fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
