package kms

import (
	"context"
	"strings"

	"millrace/runtime/policy"
	"millrace/runtime/store/keys"
	api "millrace/services/internal/api/kms"
	"millrace/services/internal/kit"
)

// policyName is the one policy that a key has.
const policyName = "default"

// GetKeyPolicy   awsJson1_1
//
//   - the policy as it was put, or the default one, which lets the account do all
func (s *Service) GetKeyPolicy(ctx context.Context, in *api.GetKeyPolicyInput) (*api.GetKeyPolicyOutput, error) {
	k, err := s.key(ctx, in.KeyId, "GetKeyPolicy")
	if err != nil {
		return nil, err
	}
	if kit.ValueOr(in.PolicyName, policyName) != policyName {
		return nil, api.ErrNotFoundException("No such policy exists")
	}
	text := k.Policy
	if text == "" {
		text = defaultPolicy(k)
	}
	return &api.GetKeyPolicyOutput{Policy: &text, PolicyName: new(policyName)}, nil
}

// PutKeyPolicy   awsJson1_1
//
//   - decides from then on what other accounts may do with the key
//   - must let the caller put another, unless BypassPolicyLockoutSafetyCheck says
//     otherwise
//
// Not supported: a policy that takes rights from the key's own account.
func (s *Service) PutKeyPolicy(ctx context.Context, in *api.PutKeyPolicyInput) (*api.PutKeyPolicyOutput, error) {
	k, err := s.key(ctx, in.KeyId, "PutKeyPolicy")
	if err != nil {
		return nil, err
	}
	if kit.ValueOr(in.PolicyName, policyName) != policyName {
		return nil, validation("The only valid policy name is default")
	}
	_, who := caller(ctx)
	if err := checkPolicy(k, who, in.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	return &api.PutKeyPolicyOutput{}, failure(s.ring.SetPolicy(ctx, k, *in.Policy))
}

// ListKeyPolicies   awsJson1_1
//
//   - one, default
func (s *Service) ListKeyPolicies(ctx context.Context, in *api.ListKeyPoliciesInput) (*api.ListKeyPoliciesOutput, error) {
	if _, err := s.key(ctx, in.KeyId, "ListKeyPolicies"); err != nil {
		return nil, err
	}
	return &api.ListKeyPoliciesOutput{PolicyNames: []string{policyName}, Truncated: new(false)}, nil
}

// checkPolicy accepts a policy that can be read and, unless that is waived, lets
// who put another.
func checkPolicy(k keys.Key, who policy.Principal, text *string, waived *bool) error {
	if text == nil {
		return nil
	}
	doc, err := policy.Parse(*text)
	if err != nil {
		return api.ErrMalformedPolicyDocumentException("The policy document is not valid: " + err.Error())
	}
	ask := policy.Request{Principal: who, Action: "kms:PutKeyPolicy", Resource: k.ARN()}
	if !kit.ValueOr(waived, false) && doc.Evaluate(ask) != policy.Allowed {
		return api.ErrMalformedPolicyDocumentException("The new key policy will not allow you to update the key policy in the future.")
	}
	return nil
}

// defaultPolicy is written as AWS writes it.
func defaultPolicy(k keys.Key) string {
	text := `{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::ACCOUNT:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`
	switch k.Service {
	case "sqs":
		text = `{
  "Version" : "2012-10-17",
  "Id" : "auto-sqs-1",
  "Statement" : [ {
    "Sid" : "Allow access through Simple Queue Service (SQS) for all principals in the account that are authorized to use SQS",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "*"
    },
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {
      "StringEquals" : {
        "kms:ViaService" : "sqs.REGION.amazonaws.com",
        "kms:CallerAccount" : "ACCOUNT"
      }
    }
  }, {
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::ACCOUNT:root"
    },
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*" ],
    "Resource" : "*"
  } ]
}`
	case "sns":
		text = `{
  "Version" : "2012-10-17",
  "Id" : "auto-sns-1",
  "Statement" : [ {
    "Sid" : "Allow access through SNS for all principals in the account that are authorized to use SNS",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "*"
    },
    "Action" : [ "kms:Decrypt", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:ListGrants", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {
      "StringEquals" : {
        "kms:ViaService" : "sns.REGION.amazonaws.com",
        "kms:CallerAccount" : "ACCOUNT"
      }
    }
  }, {
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::ACCOUNT:root"
    },
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
    "Resource" : "*"
  } ]
}`
	case "mq":
		text = `{
  "Version" : "2012-10-17",
  "Id" : "auto-mq-1",
  "Statement" : [ {
    "Sid" : "Allow access through Amazon MQ for all principals in the account that are authorized to use Amazon MQ",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "*"
    },
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {
      "StringEquals" : {
        "kms:ViaService" : "mq.REGION.amazonaws.com",
        "kms:CallerAccount" : "ACCOUNT"
      }
    }
  }, {
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::ACCOUNT:root"
    },
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
    "Resource" : "*"
  } ]
}`
	case "secretsmanager":
		text = `{
  "Version" : "2012-10-17",
  "Id" : "auto-secretsmanager-2",
  "Statement" : [ {
    "Sid" : "Allow access through AWS Secrets Manager for all principals in the account that are authorized to use AWS Secrets Manager",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "*"
    },
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:CreateGrant", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {
      "StringEquals" : {
        "kms:ViaService" : "secretsmanager.REGION.amazonaws.com",
        "kms:CallerAccount" : "ACCOUNT"
      }
    }
  }, {
    "Sid" : "Allow access through AWS Secrets Manager for all principals in the account that are authorized to use AWS Secrets Manager",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "*"
    },
    "Action" : "kms:GenerateDataKey*",
    "Resource" : "*",
    "Condition" : {
      "StringEquals" : {
        "kms:CallerAccount" : "ACCOUNT"
      },
      "StringLike" : {
        "kms:ViaService" : "secretsmanager.REGION.amazonaws.com"
      }
    }
  }, {
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::ACCOUNT:root"
    },
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
    "Resource" : "*"
  } ]
}`
	}
	return strings.NewReplacer("ACCOUNT", k.Account, "REGION", k.Region).Replace(text)
}
