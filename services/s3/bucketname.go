package s3

import (
	"net/http"
	"net/netip"
	"regexp"
	"strings"

	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
)

// The values of x-amz-bucket-namespace.
const (
	globalNamespace  = "global"
	accountNamespace = "account-regional"
)

// Prefixes and suffixes that S3 keeps for itself
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
var (
	reservedPrefixes = []string{"xn--", "sthree-", "amzn-s3-demo-"}
	reservedSuffixes = []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}
)

// accountName is the name of a bucket in an account's regional namespace: a prefix, the
// account, the region and "an".
var accountName = regexp.MustCompile(`^.+-(\d{12})-([a-z]{2}(?:-[a-z]+)+-\d+)-an$`)

// checkName returns nil if the caller may give a bucket the name, in a region and a
// namespace; "" is the global one.
func checkName(c *identity.Caller, name, region, namespace string) error {
	if !isBucketName(name) {
		return invalidBucketName(name)
	}
	if namespace != "" && namespace != globalNamespace && namespace != accountNamespace {
		return invalidArgument("Invalid x-amz-bucket-namespace header: "+namespace, "x-amz-bucket-namespace", namespace)
	}
	parts := accountName.FindStringSubmatch(name)
	if parts == nil {
		if namespace == accountNamespace || strings.HasSuffix(name, "-an") {
			return invalidBucketName(name)
		}
		return nil
	}
	const of = "The requested bucket is an account-regional namespace bucket, but the requested "
	switch account := parts[1]; {
	case namespace != accountNamespace:
		return refusal("MissingNamespaceHeader", http.StatusBadRequest,
			"The requested bucket is an account-regional namespace bucket, but the x-amz-bucket-namespace header is missing from the request.", "BucketName", name)
	case parts[2] != region:
		return refusal("InvalidBucketNamespace", http.StatusBadRequest, of+"region '"+parts[2]+"' does not match the current region '"+
			region+"'. Specify the targeted region in the bucket name.", "BucketName", name)
	case account != c.Account:
		return refusal("InvalidBucketNamespace", http.StatusBadRequest, of+"AWS Account ID '"+account+"' does not match the caller's AWS Account ID '"+
			c.Account+"'. Specify the caller's AWS Account ID in the bucket name.", "BucketName", name)
	}
	return nil
}

// isBucketName reports whether a bucket may have a name, in one namespace or the other.
func isBucketName(name string) bool {
	if len(name) < 3 || len(name) > 63 || strings.Contains(name, "..") || strings.Trim(name[:1]+name[len(name)-1:], ".-") != name[:1]+name[len(name)-1:] {
		return false
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-' {
			return false
		}
	}
	if a, err := netip.ParseAddr(name); err == nil && a.Is4() {
		return false
	}
	for _, p := range reservedPrefixes {
		if strings.HasPrefix(name, p) {
			return false
		}
	}
	for _, s := range reservedSuffixes {
		if strings.HasSuffix(name, s) {
			return false
		}
	}
	return true
}

func invalidBucketName(name string) *wire.Error {
	return refusal("InvalidBucketName", http.StatusBadRequest, "The specified bucket is not valid.", "BucketName", name)
}
