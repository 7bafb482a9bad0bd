package rabbitmq

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"

	"millrace/runtime/broker"
	"millrace/runtime/fault"
)

const hashing = "rabbit_password_hashing_sha256"

// seed is what a broker keeps for its life. The salt is kept so that its first start can
// be said again in the same words.
type seed struct {
	Cookie string
	Salt   []byte
}

// Seed implements engine.Engine.
func (Engine) Seed(_ broker.Desired, random io.Reader) ([]byte, error) {
	b := make([]byte, 24+saltSize)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, err
	}
	return json.Marshal(seed{Cookie: hex.EncodeToString(b[saltSize:]), Salt: b[:saltSize]})
}

func parseSeed(b []byte) (seed, error) {
	var s seed
	err := json.Unmarshal(b, &s)
	if err != nil || s.Cookie == "" || len(s.Salt) != saltSize {
		return s, fault.New(fault.Internal, "What was kept of a RabbitMQ broker is damaged.")
	}
	return s, nil
}

const saltSize = 4

// hash is a password as RabbitMQ keeps it: the salt, and the SHA-256 of both.
// RabbitMQ documentation, "Credentials and Passwords".
func hash(salt []byte, password string) string {
	sum := sha256.Sum256(append(append([]byte{}, salt...), password...))
	return base64.StdEncoding.EncodeToString(append(append([]byte{}, salt...), sum[:]...))
}
