package config

import (
	"strings"

	"millrace/runtime/arn"
)

// Within returns why a broker of an account and region cannot use the ARNs of its
// settings, a [Refusal]; nil when it can. Amazon MQ Developer Guide, "ARN support in
// RabbitMQ configuration": the role is of the broker's account, and all else that
// says where it is, is in the broker's region.
func (s Settings) Within(account, region string) error {
	for _, s := range s {
		if !strings.HasPrefix(s.Key, "aws.arns.") {
			continue
		}
		a, err := arn.Parse(s.Value)
		switch {
		case err != nil:
			return refuse(s.Key, "Configuration key [%s] must be an ARN.", s.Key)
		case s.Key == keyRole && a.Account != account:
			return refuse(s.Key, "Configuration key [%s] must be a role of account %s.", s.Key, account)
		case a.Region != "" && a.Region != region:
			return refuse(s.Key, "Configuration key [%s] must be in region %s.", s.Key, region)
		}
	}
	return nil
}
