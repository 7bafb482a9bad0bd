package notify

import (
	"encoding/base64"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"

	"millrace/runtime/arn"
	"millrace/runtime/fault"
)

// Limits of S3: "Amazon S3 Event Notifications" of the User Guide, and
// NotificationConfiguration of the API.
const (
	maxDestinations = 100  // of a bucket
	maxID           = 255  // bytes
	maxRuleValue    = 1024 // bytes
)

// Accept checks a configuration as a client sent it, for a bucket in a region. It returns
// what the bucket shall keep: rule names as S3 writes them, and an ID for each destination
// that has none, made from random. It changes nothing of what it was given.
//
// Errors are an [Error]; fault.Internal when random fails. ARNs that cannot be parsed
// come before everything else but Malformed, and the last one is named, as recorded from
// AWS. A rule without its Name or Value element is Malformed too, which the caller has to
// see: here both are texts.
func Accept(sent Configuration, region string, random io.Reader) (Configuration, error) {
	c := Configuration{Destinations: slices.Clone(sent.Destinations), EventBridge: sent.EventBridge}
	if err := checkARNs(c.Destinations); err != nil {
		return Configuration{}, err
	}
	if len(c.Destinations) > maxDestinations {
		return Configuration{}, &Error{Reason: TooMany}
	}
	ids := map[string]bool{}
	for i := range c.Destinations {
		d := &c.Destinations[i]
		d.Events, d.Filter = slices.Clone(d.Events), slices.Clone(d.Filter)
		if err := d.check(region); err != nil {
			return Configuration{}, err
		}
		if d.ID != "" && ids[d.ID] {
			return Configuration{}, &Error{Reason: DuplicateID}
		}
		ids[d.ID] = true
	}
	if err := checkOverlap(c.Destinations); err != nil {
		return Configuration{}, err
	}
	if err := checkFIFO(c.Destinations); err != nil {
		return Configuration{}, err
	}
	for i := range c.Destinations {
		if d := &c.Destinations[i]; d.ID == "" {
			id, err := newID(random)
			if err != nil {
				return Configuration{}, err
			}
			d.ID = id
		}
	}
	return c, nil
}

// newID makes an ID as S3 does: the base64 of a UUID's text.
func newID(random io.Reader) (string, error) {
	id, err := uuid.NewRandomFromReader(random)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "making the ID of a notification configuration")
	}
	return base64.StdEncoding.EncodeToString([]byte(id.String())), nil
}

// checkARNs refuses what is no destination at all.
func checkARNs(all []Destination) (err error) {
	for _, d := range all {
		if d.ARN == "" || len(d.Events) == 0 {
			return &Error{Reason: Malformed}
		}
		if _, ok := parseARN(d.Kind, d.ARN); !ok {
			err = refuse(UnparsableARN, string(d.Kind), d.ARN)
		}
	}
	return err
}

// parseARN reads the ARN of a destination. ok is false for an ARN of another kind.
func parseARN(k Kind, text string) (a arn.ARN, ok bool) {
	a, err := arn.Parse(text)
	if err != nil || !strings.HasPrefix(a.Partition, "aws") || !arn.IsRegion(a.Region) || !isAccount(a.Account) {
		return a, false
	}
	switch k {
	case Queue:
		return a, a.Service == "sqs" && !strings.ContainsAny(a.Resource, ":/")
	case Topic:
		return a, a.Service == "sns" && !strings.ContainsAny(a.Resource, ":/")
	case Function:
		name, ok := strings.CutPrefix(a.Resource, "function:")
		name, qualifier, qualified := strings.Cut(name, ":")
		return a, ok && a.Service == "lambda" && name != "" && qualified == (qualifier != "") && !strings.Contains(qualifier, ":")
	}
	return a, false
}

func isAccount(text string) bool {
	return len(text) == 12 && strings.Trim(text, "0123456789") == ""
}

// check checks a destination by itself, and writes the names of its rules as S3 does.
func (d *Destination) check(region string) error {
	if len(d.ID) > maxID {
		return &Error{Reason: LongID}
	}
	if err := d.checkEvents(); err != nil {
		return err
	}
	if err := d.checkFilter(); err != nil {
		return err
	}
	if a, _ := parseARN(d.Kind, d.ARN); a.Region != region {
		return refuse(OtherRegion, string(d.Kind), d.ARN)
	}
	return nil
}

func (d *Destination) checkFilter() error {
	seen := map[string]bool{}
	for i := range d.Filter {
		r := &d.Filter[i]
		two := TwoPrefixes
		switch {
		case strings.EqualFold(r.Name, Prefix):
			r.Name = Prefix
		case strings.EqualFold(r.Name, Suffix):
			r.Name, two = Suffix, TwoSuffixes
		default:
			return refuse(UnknownRule, "FilterRule.Name", r.Name)
		}
		if seen[r.Name] {
			return refuse(two, "FilterRule.Name", strings.ToLower(r.Name))
		}
		if seen[r.Name] = true; len(r.Value) > maxRuleValue {
			return refuse(LongValue, "FilterRule.Value", r.Value)
		}
	}
	return nil
}

// checkFIFO refuses FIFO queues and topics: "Supported event destinations" of the User
// Guide rules them out. AWS's words for it are not recorded.
func checkFIFO(all []Destination) error {
	var refused []Refusal
	for _, d := range all {
		if d.Kind == Function || !strings.HasSuffix(d.ARN, ".fifo") {
			continue
		}
		noun := strings.ToLower(string(d.Kind))
		r := Refusal{d.ARN, "The destination " + noun + " is a FIFO " + noun + ", which S3 cannot notify"}
		if !slices.Contains(refused, r) {
			refused = append(refused, r)
		}
	}
	if refused == nil {
		return nil
	}
	return RefuseAll(refused)
}
