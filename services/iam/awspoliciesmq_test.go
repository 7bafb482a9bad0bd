package iam_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	api "millrace/services/internal/api/iam"
)

// AWS's policies for Amazon MQ can be read, and attached where AWS lets them be.
func TestPoliciesOfAmazonMQ(t *testing.T) {
	ctx, s := start(t)
	must[*api.CreateRoleOutput](t)(s.CreateRole(ctx, &api.CreateRoleInput{RoleName: new("worker"), AssumeRolePolicyDocument: new(trust)}))
	for name, allows := range map[string]string{
		"AmazonMQFullAccess": "cloudformation:TagResource", "AmazonMQReadOnlyAccess": "mq:Describe*",
		"AmazonMQApiFullAccess": "mq:*", "AmazonMQApiReadOnlyAccess": "mq:List*",
		"aws-service-role/AmazonMQServiceRolePolicy": "ec2:CreateVpcEndpoint",
	} {
		arn := "arn:aws:iam::aws:policy/" + name
		p := must[*api.GetPolicyOutput](t)(s.GetPolicy(ctx, &api.GetPolicyInput{PolicyArn: &arn})).Policy
		v := must[*api.GetPolicyVersionOutput](t)(s.GetPolicyVersion(ctx, &api.GetPolicyVersionInput{PolicyArn: &arn, VersionId: p.DefaultVersionId})).PolicyVersion
		text, err := url.QueryUnescape(*v.Document)
		var doc struct {
			Statement []struct{ Effect string }
		}
		if err != nil || json.Unmarshal([]byte(text), &doc) != nil || len(doc.Statement) == 0 || !strings.Contains(text, `"`+allows+`"`) {
			t.Errorf("%s is %s, %v", name, text, err)
		}
		_, err = s.AttachRolePolicy(ctx, &api.AttachRolePolicyInput{RoleName: new("worker"), PolicyArn: &arn})
		if strings.HasPrefix(name, "aws-service-role/") {
			refused(t, name, err, "PolicyNotAttachable 400: Cannot attach a Service Role Policy to a Customer Role.")
		} else if err != nil {
			t.Errorf("attaching %s: %v", name, err)
		}
	}
}

// A service-linked role is shown, and its service alone changes it; but for its
// description.
func TestServiceLinkedRoleIsProtected(t *testing.T) {
	ctx, s, roles := startWithRoles(t)
	name := new("AWSServiceRoleForAmazonMQ")
	if _, err := roles.ServiceLinked(ctx, account, "mq.amazonaws.com", noon); err != nil {
		t.Fatal(err)
	}
	r := must[*api.GetRoleOutput](t)(s.GetRole(ctx, &api.GetRoleInput{RoleName: name})).Role
	if *r.Path != "/aws-service-role/mq.amazonaws.com/" || !strings.Contains(*r.AssumeRolePolicyDocument, "mq.amazonaws.com") {
		t.Errorf("shown as %+v", r)
	}
	attached := must[*api.ListAttachedRolePoliciesOutput](t)(s.ListAttachedRolePolicies(ctx, &api.ListAttachedRolePoliciesInput{RoleName: name})).AttachedPolicies
	if len(attached) != 1 || *attached[0].PolicyName != "AmazonMQServiceRolePolicy" {
		t.Errorf("attached: %+v", attached)
	}
	arn := new("arn:aws:iam::aws:policy/AdministratorAccess")
	for what, call := range map[string]func() error{
		"DeleteRole": func() error { _, err := s.DeleteRole(ctx, &api.DeleteRoleInput{RoleName: name}); return err },
		"AttachRolePolicy": func() error {
			_, err := s.AttachRolePolicy(ctx, &api.AttachRolePolicyInput{RoleName: name, PolicyArn: arn})
			return err
		},
		"DetachRolePolicy": func() error {
			_, err := s.DetachRolePolicy(ctx, &api.DetachRolePolicyInput{RoleName: name, PolicyArn: attached[0].PolicyArn})
			return err
		},
		"PutRolePolicy": func() error {
			_, err := s.PutRolePolicy(ctx, &api.PutRolePolicyInput{RoleName: name, PolicyName: new("p"), PolicyDocument: new(allow)})
			return err
		},
		"DeleteRolePolicy": func() error {
			_, err := s.DeleteRolePolicy(ctx, &api.DeleteRolePolicyInput{RoleName: name, PolicyName: new("p")})
			return err
		},
		"UpdateAssumeRolePolicy": func() error {
			_, err := s.UpdateAssumeRolePolicy(ctx, &api.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: new(trust)})
			return err
		},
		"UpdateRole": func() error {
			_, err := s.UpdateRole(ctx, &api.UpdateRoleInput{RoleName: name, MaxSessionDuration: new(int32(7200))})
			return err
		},
	} {
		refused(t, what, call(), "UnmodifiableEntity 400: Cannot perform the operation on the protected role 'AWSServiceRoleForAmazonMQ' - this role is only modifiable by AWS")
	}
	must[*api.UpdateRoleDescriptionOutput](t)(s.UpdateRoleDescription(ctx, &api.UpdateRoleDescriptionInput{RoleName: name, Description: new("of the mill")}))
	must[*api.TagRoleOutput](t)(s.TagRole(ctx, &api.TagRoleInput{RoleName: name, Tags: []*api.Tag{{Key: new("k"), Value: new("v")}}}))
}
