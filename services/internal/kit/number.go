package kit

import (
	"math/big"
	"strings"
)

// IsNumber reports whether a text is a number as message attributes of SQS and SNS have
// them: up to 38 digits, between 10^-128 and 10^126.
func IsNumber(s string) bool {
	if s == "" || strings.Trim(s, "0123456789+-.eE") != "" || len(s) > 256 {
		return false
	}
	f, _, err := big.ParseFloat(s, 10, 128, big.ToNearestEven)
	if err != nil {
		return false
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(s), "e")
	digits := strings.TrimLeft(strings.NewReplacer("+", "", "-", "", ".", "").Replace(mantissa), "0")
	if strings.Contains(mantissa, ".") {
		digits = strings.TrimRight(digits, "0")
	}
	if len(digits) > 38 {
		return false
	}
	if f.Sign() == 0 {
		return true
	}
	abs := new(big.Float).Abs(f)
	return abs.Cmp(smallest) >= 0 && abs.Cmp(largest) <= 0
}

var (
	smallest, _, _ = big.ParseFloat("1e-128", 10, 128, big.ToZero)
	largest, _, _  = big.ParseFloat("1e126", 10, 128, big.AwayFromZero)
)
