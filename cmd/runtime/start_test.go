package main

import (
	"slices"
	"testing"

	"github.com/alecthomas/kong"

	"millrace/cmd/runtime/app"
)

// The switches of a part are those of the command, as flags and as variables, and set
// what the part is opened with.
func TestStartHasThePartsSwitches(t *testing.T) {
	t.Setenv("SQS_DELAY_PURGE_RETRY", "true")
	c := cli{Start: newStartCmd()}
	k, err := kong.New(&c, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse([]string{"start", "--sqs-policies", "off", "--no-sqs-enable-message-retention-period"}); err != nil {
		t.Fatal(err)
	}
	if got := c.Start.config; !got.SQS.PoliciesOff || !got.SQS.PurgeWait || !got.KeepForever {
		t.Errorf("got %+v, forever %v", got.SQS, got.KeepForever)
	}
	for _, p := range app.Parts() {
		if p.Flags == nil {
			continue
		}
		own, err := kong.New(p.Flags(&app.Config{}))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range variables(own.Model.Node) {
			if !slices.Contains(variables(k.Model.Node), name) {
				t.Errorf("runtime start does not read %s of %s", name, p.Name)
			}
		}
	}
}
