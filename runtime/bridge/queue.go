package bridge

import (
	"crypto/sha256"
	"encoding/hex"
	"hash/fnv"
)

// A Queue is one of RabbitMQ.
type Queue struct {
	Broker      string // "b-<uuid>"
	VirtualHost string
	Name        string
}

// subjectPrefix is the first token of the subjects of queues.
const subjectPrefix = "mq"

// Subject is where the deliveries of a queue can be followed in NATS:
// mq.<broker>.<virtual host>.<queue>. Each of the three is one token: letters, digits,
// "-", "_" and "~" stand for themselves, all other bytes as "%" and two upper-case
// hexadecimal digits, such as "%2F"; nothing at all is "%".
func (q Queue) Subject() string {
	return subjectPrefix + "." + escape(q.Broker) + "." + escape(q.VirtualHost) + "." + escape(q.Name)
}

// stream names the stream of a queue, whose subject may be longer than a name can be.
func (q Queue) stream() string {
	sum := sha256.Sum256([]byte(q.Subject()))
	return streamPrefix + hex.EncodeToString(sum[:16])
}

const streamPrefix = "mq-"

// key is what the owner of a queue is found by.
func (q Queue) key() uint64 {
	h := fnv.New64a()
	h.Write([]byte(q.Subject()))
	return h.Sum64()
}

// nothing is the token of an empty name: NATS has no empty tokens.
const nothing = "%"

func inToken(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '~'
}

func escape(s string) string {
	if s == "" {
		return nothing
	}
	return escapeBut(s, inToken)
}
