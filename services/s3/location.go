package s3

import (
	"net/http"
	"slices"
)

// firstRegion is the region of S3 whose buckets have no location constraint, and where
// requests without a region go.
const firstRegion = "us-east-1"

// regions are those that a location constraint may name
// (https://docs.aws.amazon.com/general/latest/gr/s3.html).
var regions = []string{
	"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2",
	"ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
	"ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1",
	"eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1",
	"us-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1", "us-west-1", "us-west-2",
}

// The location constraint of old for the region eu-west-1, which still reads back so.
const (
	europe       = "EU"
	europeRegion = "eu-west-1"
)

// locate returns the region in which a bucket is to be, by the region that the client asks
// in and the location constraint that it gives; nil gives none.
func locate(endpoint string, constraint *string) (region string, err error) {
	if constraint == nil || *constraint == "" {
		if endpoint == firstRegion {
			return endpoint, nil
		}
		return "", wrongConstraint("unspecified")
	}
	region = *constraint
	if region == europe {
		region = europeRegion
	}
	switch {
	case endpoint != firstRegion && endpoint != region:
		return "", wrongConstraint(*constraint)
	case endpoint == firstRegion && (region == firstRegion || !slices.Contains(regions, region)):
		return "", refusal("InvalidLocationConstraint", http.StatusBadRequest, "The specified location-constraint is not valid",
			"LocationConstraint", *constraint)
	}
	return region, nil
}

func wrongConstraint(name string) error {
	return refusal("IllegalLocationConstraintException", http.StatusBadRequest, "The "+name+
		" location constraint is incompatible for the region specific endpoint this request was sent to.")
}
