package sns

import (
	"context"
	"maps"
	"slices"
	"strconv"

	api "millrace/services/internal/api/sns"
	"millrace/services/internal/identity"
)

// The attributes of an account's SMS that have rules
// (https://docs.aws.amazon.com/sns/latest/api/API_SetSMSAttributes.html).
const (
	spendLimit   = "MonthlySpendLimit"
	smsType      = "DefaultSMSType"
	samplingRate = "DeliveryStatusSuccessSamplingRate"
)

var smsAttributes = []string{spendLimit, "DeliveryStatusIAMRole", samplingRate, "DefaultSenderID", smsType, "UsageReportS3Bucket"}

// SetSMSAttributes   awsQuery
//
//   - sets all the attributes given or, if one of them is wrong, none
//
// Not supported: attributes are stored and returned, and have no effect.
func (s *Service) SetSMSAttributes(ctx context.Context, in *api.SetSMSAttributesInput) (*api.SetSMSAttributesOutput, error) {
	if err := s.signed(ctx); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
		if err := checkSMSAttribute(name, in.Attributes[name]); err != nil {
			return nil, err
		}
	}
	c := identity.From(ctx)
	return &api.SetSMSAttributesOutput{}, s.topics.SetSMS(ctx, c.Account, c.Region, in.Attributes)
}

// GetSMSAttributes   awsQuery
//
//   - answers the attributes asked for by name, or all; a MonthlySpendLimit of 1 is
//     there until another is set
func (s *Service) GetSMSAttributes(ctx context.Context, in *api.GetSMSAttributesInput) (*api.GetSMSAttributesOutput, error) {
	if err := s.signed(ctx); err != nil {
		return nil, err
	}
	for _, name := range in.Attributes {
		if !slices.Contains(smsAttributes, name) {
			return nil, badSMSAttribute(name)
		}
	}
	c := identity.From(ctx)
	all := map[string]string{spendLimit: "1"}
	maps.Copy(all, s.topics.SMS(c.Account, c.Region))
	if len(in.Attributes) > 0 {
		maps.DeleteFunc(all, func(name, _ string) bool { return !slices.Contains(in.Attributes, name) })
	}
	return &api.GetSMSAttributesOutput{Attributes: all}, nil
}

func checkSMSAttribute(name, value string) error {
	invalid := len(value) > 2048
	switch name {
	case smsType:
		invalid = value != "Promotional" && value != "Transactional"
	case samplingRate:
		n, err := strconv.Atoi(value)
		invalid = invalid || value != "" && (err != nil || n < 0 || n > 100)
	case spendLimit:
		n, err := strconv.Atoi(value)
		invalid = err != nil || n < 0
	default:
		if !slices.Contains(smsAttributes, name) {
			return badSMSAttribute(name)
		}
	}
	if invalid {
		return api.ErrInvalidParameterException(name + " is invalid")
	}
	return nil
}

func badSMSAttribute(name string) error {
	return api.ErrInvalidParameterException(name + " is not a valid attribute")
}
