package event

import (
	"net/url"
	"strings"
)

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
type s3Event struct {
	Records []s3Record `json:"Records"`
}

type s3Record struct {
	EventVersion      string              `json:"eventVersion"`
	EventSource       string              `json:"eventSource"`
	AWSRegion         string              `json:"awsRegion"`
	EventTime         string              `json:"eventTime"`
	EventName         string              `json:"eventName"`
	UserIdentity      s3Principal         `json:"userIdentity"`
	RequestParameters s3RequestParameters `json:"requestParameters"`
	ResponseElements  s3ResponseElements  `json:"responseElements"`
	S3                s3Entity            `json:"s3"`
}

type s3Principal struct {
	PrincipalID string `json:"principalId"`
}

type s3RequestParameters struct {
	SourceIPAddress string `json:"sourceIPAddress"`
}

type s3ResponseElements struct {
	RequestID string `json:"x-amz-request-id"`
	HostID    string `json:"x-amz-id-2"`
}

type s3Entity struct {
	SchemaVersion   string   `json:"s3SchemaVersion"`
	ConfigurationID string   `json:"configurationId"`
	Bucket          s3Bucket `json:"bucket"`
	Object          s3Object `json:"object"`
}

type s3Bucket struct {
	Name          string      `json:"name"`
	OwnerIdentity s3Principal `json:"ownerIdentity"`
	ARN           string      `json:"arn"`
}

type s3Object struct {
	Key       string `json:"key"` // form-URL-encoded, slashes kept
	Size      int    `json:"size"`
	ETag      string `json:"eTag"`
	Sequencer string `json:"sequencer"`
}

// s3 is a PutObject into a bucket without versions.
func (m *maker) s3() s3Event {
	content := m.Body[0]
	return s3Event{[]s3Record{{
		EventVersion:      "2.1",
		EventSource:       "aws:s3",
		AWSRegion:         m.Region,
		EventTime:         m.timestamp(),
		EventName:         "ObjectCreated:Put",
		UserIdentity:      s3Principal{"AWS:" + m.Account},
		RequestParameters: s3RequestParameters{"127.0.0.1"},
		ResponseElements:  s3ResponseElements{strings.ToUpper(m.draw.hex(8)), m.draw.base64(57)},
		S3: s3Entity{
			SchemaVersion:   "1.0",
			ConfigurationID: "sample",
			Bucket:          s3Bucket{m.Bucket, s3Principal{m.Account}, "arn:aws:s3:::" + m.Bucket},
			Object: s3Object{
				Key:       strings.ReplaceAll(url.QueryEscape(m.Key), "%2F", "/"),
				Size:      len(content),
				ETag:      md5Hex(content),
				Sequencer: "00" + strings.ToUpper(m.draw.hex(8)),
			},
		},
	}}}
}
