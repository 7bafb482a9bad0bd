package bridge

import (
	"encoding/hex"
	"hash/fnv"
	"strings"

	"crypto/sha256"
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

// QueueOf reads what Subject has written.
func QueueOf(subject string) (q Queue, ok bool) {
	tokens := strings.Split(subject, ".")
	if len(tokens) != 4 || tokens[0] != subjectPrefix {
		return Queue{}, false
	}
	for i, to := range []*string{&q.Broker, &q.VirtualHost, &q.Name} {
		if *to, ok = unescape(tokens[i+1]); !ok {
			return Queue{}, false
		}
	}
	return q, true
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

const digits = "0123456789ABCDEF"

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '~'
}

func escape(s string) string {
	if s == "" {
		return "%"
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; plain(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

// unescape reads what escape has written, and nothing else: no two tokens are the same
// string.
func unescape(token string) (s string, ok bool) {
	if token == "%" {
		return "", true
	}
	var b strings.Builder
	for i := 0; i < len(token); i++ {
		c := token[i]
		if c == '%' && i+2 < len(token) {
			high, low := strings.IndexByte(digits, token[i+1]), strings.IndexByte(digits, token[i+2])
			if high < 0 || low < 0 || plain(byte(high<<4|low)) {
				return "", false
			}
			c, i = byte(high<<4|low), i+2
		} else if !plain(c) {
			return "", false
		}
		b.WriteByte(c)
	}
	return b.String(), token != ""
}
