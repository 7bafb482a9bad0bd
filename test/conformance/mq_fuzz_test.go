package conformance

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"millrace/test/testenv"
)

// FuzzCreateBroker sends bodies of CreateBroker: the answer is a broker, or one of AWS's
// errors and then there is none.
func FuzzCreateBroker(f *testing.F) {
	const good = `{"brokerName":"b","engineType":"RABBITMQ","hostInstanceType":"mq.m7g.large","deploymentMode":"SINGLE_INSTANCE","publiclyAccessible":true,"users":[{"username":"miller","password":"grind-the-grain"}]`
	for _, body := range []string{
		``, `{`, `null`, `[]`, `{}`, `{"brokerName":5}`, good + `}`, good + `,"unknown":1}`, good + `,"users":null}`,
		good + `,"users":[null]}`, good + `,"users":[{}]}`, good + `,"tags":{"a":null,"aws:b":""}}`, good + `,"storageSize":1e99}`, good + `,"storageSize":-5}`,
		good + `,"configuration":{}}`, good + `,"configuration":{"id":"c-../../x","revision":-1}}`, good + `,"encryptionOptions":{"useAwsOwnedKey":false,"kmsKeyId":"x"}}`,
		good + `,"maintenanceWindowStartTime":{"dayOfWeek":"monday","timeOfDay":"02:00","timeZone":"../x"}}`, good + `,"logs":{"audit":false}}`,
		good + `,"creatorRequestId":"token"}`, good + `,"engineType":"activemq","hostInstanceType":"mq.m5.large","subnetIds":["subnet-1",null],"securityGroups":[""]}`,
		good + `,"engineType":"ActiveMQ","authenticationStrategy":"ldap","ldapServerMetadata":{"hosts":["a.b"]}}`, good + `,"engineVersion":"4.3","brokerName":"\u0000"}`,
		good + `,"dataReplicationMode":"CRDR","dataReplicationPrimaryBrokerArn":"arn"}`, good + `,"deploymentMode":"cluster_multi_az","hostInstanceType":"mq.t3.micro"}`,
	} {
		f.Add([]byte(body))
	}
	env := testenv.Start(f, withMetadata)
	call := func(t *testing.T, method, path, body string) (int, http.Header, []byte) {
		req, err := http.NewRequestWithContext(t.Context(), method, env.Endpoint+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", strings.Replace(signature("000000000000"), "/sqs/", "/mq/", 1))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header, b
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		status, header, answer := call(t, "POST", "/v1/brokers", string(body))
		var made struct{ BrokerID string }
		if err := json.Unmarshal(answer, &made); err != nil {
			t.Fatalf("%d %q: %v", status, answer, err)
		}
		switch {
		case status == 200 && made.BrokerID != "":
			if status, _, answer := call(t, "DELETE", "/v1/brokers/"+made.BrokerID, ""); status != 200 {
				t.Errorf("deleting the broker: %d %s", status, answer)
			}
			for status := 200; status != 404; {
				status, _, _ = call(t, "GET", "/v1/brokers/"+made.BrokerID, "")
			}
		case status < 400 || status >= 500 || header.Get("X-Amzn-Errortype") == "":
			t.Errorf("%d %v %s", status, header, answer)
		default:
			if _, _, list := call(t, "GET", "/v1/brokers", ""); string(list) != `{"brokerSummaries":[]}` {
				t.Errorf("refused with %s, and made %s", answer, list)
			}
		}
	})
}
