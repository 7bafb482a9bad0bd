package conformance

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"millrace/test/testenv"
)

// What a sender gave is nowhere in the data folder, unless the queue's owner
// turned encryption off.
func TestBodiesAreEncryptedInTheStore(t *testing.T) {
	for _, c := range []struct {
		encryption string
		clear      bool
	}{{"true", false}, {"false", true}} {
		dir := t.TempDir()
		env := testenv.Start(t, testenv.WithData(dir))
		client := sqs.NewFromConfig(env.AWS)
		q, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{
			QueueName: new("secrets"), Attributes: map[string]string{"SqsManagedSseEnabled": c.encryption},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: q.QueueUrl, MessageBody: new("a body in plain sight"), MessageGroupId: new("a-tenant-in-plain-sight"),
			MessageAttributes: map[string]types.MessageAttributeValue{
				"attribute-in-plain-sight": {DataType: new("String"), StringValue: new("a value in plain sight")},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if where := filesWith(t, dir, "in plain sight"); (len(where) > 0) != c.clear {
			t.Errorf("with SqsManagedSseEnabled=%s the text is in %v", c.encryption, where)
		}
		if where := filesWith(t, dir, "in-plain-sight"); (len(where) > 0) != c.clear {
			t.Errorf("with SqsManagedSseEnabled=%s the names are in %v", c.encryption, where)
		}
		got, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: q.QueueUrl})
		if err != nil || len(got.Messages) != 1 || *got.Messages[0].Body != "a body in plain sight" {
			t.Errorf("received %+v, %v", got, err)
		}
	}
}

// filesWith returns the files of a folder that have a text.
func filesWith(t *testing.T, dir, text string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(text)) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
