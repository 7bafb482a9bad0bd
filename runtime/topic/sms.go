package topic

import (
	"context"
	"errors"
	"maps"

	"millrace/runtime/fault"
)

// TextSettings are what an account's text messages have in common in a region.
type TextSettings struct {
	Attributes map[string]string // by the names and in the texts that SNS's API has for them
}

// SMS returns the SMS attributes of an account in a region: what was never set is not
// there. The caller must not change them.
func (ts *Topics) SMS(account, region string) map[string]string {
	s, _ := ts.sms.Get(account + "/" + region)
	return s.Attributes
}

// SetSMS sets SMS attributes of an account in a region, and leaves the others as they are.
func (ts *Topics) SetSMS(ctx context.Context, account, region string, attributes map[string]string) error {
	key := account + "/" + region
	err := ts.sms.Create(ctx, key, TextSettings{attributes})
	if !errors.Is(err, fault.Exists) {
		return err
	}
	_, err = ts.sms.Update(ctx, key, func(s TextSettings) (TextSettings, error) {
		all := map[string]string{}
		maps.Copy(all, s.Attributes)
		maps.Copy(all, attributes)
		return TextSettings{all}, nil
	})
	return err
}

// resetSMS forgets the SMS attributes of all accounts.
func (ts *Topics) resetSMS(ctx context.Context) error {
	for _, key := range ts.sms.Keys("") {
		if err := ts.sms.Delete(ctx, key); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}
