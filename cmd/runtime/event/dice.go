package event

import (
	"encoding/base64"
	"encoding/hex"
	"io"
	"math/rand/v2"

	"github.com/google/uuid"
)

// dice draw the ids of an event from one seed, and cannot fail after that.
type dice struct{ src *rand.ChaCha8 }

func newDice(r io.Reader) (dice, error) {
	var seed [32]byte
	if _, err := io.ReadFull(r, seed[:]); err != nil {
		return dice{}, err
	}
	return dice{rand.NewChaCha8(seed)}, nil
}

func (d dice) bytes(n int) []byte {
	b := make([]byte, n)
	d.src.Read(b) // never fails, says its documentation
	return b
}

func (d dice) uuid() string         { return uuid.Must(uuid.NewRandomFromReader(d.src)).String() }
func (d dice) hex(bytes int) string { return hex.EncodeToString(d.bytes(bytes)) }
func (d dice) base64(n int) string  { return base64.StdEncoding.EncodeToString(d.bytes(n)) }
