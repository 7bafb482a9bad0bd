package jetobject

import (
	"fmt"
	"strings"
)

// ranges are ranges of sequences, from the lowest to the highest.
type ranges [][2]uint64

// add adds those from one to another, which are behind all others.
func (r *ranges) add(from, to uint64) {
	if n := len(*r); n > 0 && (*r)[n-1][1]+1 == from {
		(*r)[n-1][1] = to
		return
	}
	*r = append(*r, [2]uint64{from, to})
}

func (r ranges) count() (n uint64) {
	for _, one := range r {
		n += one[1] - one[0] + 1
	}
	return n
}

// String is in the form of loss.Loss.Entries: 3,7-9.
func (r ranges) String() string {
	var text []string
	for _, one := range r {
		if one[0] == one[1] {
			text = append(text, fmt.Sprint(one[0]))
		} else {
			text = append(text, fmt.Sprintf("%d-%d", one[0], one[1]))
		}
	}
	return strings.Join(text, ",")
}
