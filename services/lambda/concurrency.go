package lambda

import (
	"context"

	"millrace/runtime/function"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// The concurrency of an account, and how much of it no function may reserve.
const (
	accountConcurrency = 1000
	unreservable       = 100
)

// PutFunctionConcurrency   restJson1
//
//   - bounds how many events of the function run at once; 0 throttles them all
//   - of an account's 1000, 100 stay unreserved
//
// Not supported: what a function reserves is not held free for it.
func (s *Service) PutFunctionConcurrency(ctx context.Context, in *api.PutFunctionConcurrencyInput) (*api.PutFunctionConcurrencyOutput, error) {
	_, r, err := s.find(ctx, "PutFunctionConcurrency", in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	n := int(kit.Value(in.ReservedConcurrentExecutions))
	if s.reserved(r.ID)+n > accountConcurrency-unreservable {
		return nil, invalidValue("Specified ReservedConcurrentExecutions for function decreases account's "+
			"UnreservedConcurrentExecution below its minimum value of [%d].", unreservable)
	}
	_, err = s.functions.Update(ctx, r.ID, func(f *function.Function) error { f.Reserved = &n; return nil })
	return &api.PutFunctionConcurrencyOutput{ReservedConcurrentExecutions: new(int32(n))}, fromDomain(err)
}

// GetFunctionConcurrency   restJson1
//
//   - answers nothing when nothing is reserved
func (s *Service) GetFunctionConcurrency(ctx context.Context, in *api.GetFunctionConcurrencyInput) (*api.GetFunctionConcurrencyOutput, error) {
	f, _, err := s.find(ctx, "GetFunctionConcurrency", in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	out := &api.GetFunctionConcurrencyOutput{}
	if f.Reserved != nil {
		out.ReservedConcurrentExecutions = new(int32(*f.Reserved))
	}
	return out, nil
}

// DeleteFunctionConcurrency   restJson1
func (s *Service) DeleteFunctionConcurrency(ctx context.Context, in *api.DeleteFunctionConcurrencyInput) (*api.DeleteFunctionConcurrencyOutput, error) {
	_, r, err := s.find(ctx, "DeleteFunctionConcurrency", in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	_, err = s.functions.Update(ctx, r.ID, func(f *function.Function) error { f.Reserved = nil; return nil })
	return &api.DeleteFunctionConcurrencyOutput{}, fromDomain(err)
}

// GetAccountSettings   restJson1
//
//   - the limits are AWS's defaults; the usage counts the caller's region
func (s *Service) GetAccountSettings(ctx context.Context, _ *api.GetAccountSettingsInput) (*api.GetAccountSettingsOutput, error) {
	c := identity.From(ctx)
	var code, count int64
	for _, f := range s.functions.List(c.Account, c.Region) {
		code += f.CodeSize
		count++
	}
	unreserved := accountConcurrency - s.reserved(function.ID{Account: c.Account, Region: c.Region})
	return &api.GetAccountSettingsOutput{
		AccountLimit: &api.AccountLimit{
			TotalCodeSize:                  new(int64(80530636800)),
			CodeSizeUnzipped:               new(int64(function.MaxUnzipped)),
			CodeSizeZipped:                 new(int64(function.MaxZipped)),
			ConcurrentExecutions:           new(int32(accountConcurrency)),
			UnreservedConcurrentExecutions: new(int32(unreserved)),
		},
		AccountUsage: &api.AccountUsage{TotalCodeSize: &code, FunctionCount: &count},
	}, nil
}

// reserved adds up what the account's other functions in the region reserve.
func (s *Service) reserved(but function.ID) (n int) {
	for _, f := range s.functions.List(but.Account, but.Region) {
		if f.Reserved != nil && f.Name != but.Name {
			n += *f.Reserved
		}
	}
	return n
}

// GetFunctionCodeSigningConfig   restJson1
//
//   - no function has one, and so the answer is empty
func (s *Service) GetFunctionCodeSigningConfig(ctx context.Context, in *api.GetFunctionCodeSigningConfigInput) (*api.GetFunctionCodeSigningConfigOutput, error) {
	if _, _, err := s.find(ctx, "GetFunctionCodeSigningConfig", in.FunctionName, nil); err != nil {
		return nil, err
	}
	return &api.GetFunctionCodeSigningConfigOutput{}, nil
}
