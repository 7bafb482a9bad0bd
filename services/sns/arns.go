package sns

import (
	"strings"

	"millrace/runtime/policy"
	"millrace/runtime/topic"
	"millrace/services/internal/identity"
)

// parts splits the ARN that a parameter must have.
func parts(param, text string) ([]string, error) {
	if text == "" {
		return nil, invalid("%s Reason: no value for required parameter", param)
	}
	p := strings.Split(text, ":")
	if len(p) < 6 {
		return nil, invalid("%s Reason: An ARN must have at least 6 elements, not %d", param, len(p))
	}
	return p, nil
}

// topicID reads the ARN of a topic from a parameter. A caller finds only topics of the
// region that the request was sent to. Requests that are not signed were sent to none:
// the links in messages are such, and find the topics of every region.
func topicID(c *identity.Caller, param, text string) (topic.ID, error) {
	p, err := parts(param, text)
	if err != nil {
		return topic.ID{}, err
	}
	id, ok := topic.ParseARN(text)
	if !ok || !isHere(c, p, id) {
		return topic.ID{}, invalid("%s", param)
	}
	return id, nil
}

// isHere reports whether the parts of an ARN, and the topic in it, can be of something that
// the caller finds.
func isHere(c *identity.Caller, parts []string, id topic.ID) bool {
	return strings.HasPrefix(parts[1], "aws") && policy.IsAccount(id.Account) && isName(id.Name) && (c.Anonymous || id.Region == c.Region)
}

// subscriptionID is topicID for subscriptions.
func subscriptionID(c *identity.Caller, text string) (topic.SubscriptionID, error) {
	const param = "SubscriptionArn"
	p, err := parts(param, text)
	switch {
	case err != nil:
		return topic.SubscriptionID{}, err
	case len(p) == 6: // a topic's
		return topic.SubscriptionID{}, invalid("SubscriptionId")
	}
	id, ok := topic.ParseSubscriptionARN(text)
	switch {
	case !ok || !isHere(c, p, id.Topic):
		return id, invalid(param)
	case !isUUID(id.UUID):
		return id, invalid("SubscriptionId")
	}
	return id, nil
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
				return false
			}
		}
	}
	return true
}

// isName reports whether a text is the name of a topic: 1 to 256 of A-Z, a-z, 0-9, "-"
// and "_", and ".fifo" at the end of a FIFO topic's, which counts.
func isName(s string) bool {
	return len(s) <= 256 && isIdentifier(strings.TrimSuffix(s, ".fifo"))
}
