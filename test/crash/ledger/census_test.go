package ledger

import (
	"strings"
	"testing"
)

var censusStories = []struct {
	rule string
	tell func(*Census)
	want string // part of what is found; "" when all is well
}{
	{"a message is there once", func(c *Census) {
		c.Sending("a")()
		c.Found("a")
	}, ""},
	{"an acknowledged message is gone", func(c *Census) {
		c.Sending("a")()
	}, "a was lost"},
	{"a message is in two queues", func(c *Census) {
		c.Sending("a")()
		c.Found("a")
		c.Found("a")
	}, "a is there 2 times"},
	{"a message nobody sent", func(c *Census) {
		c.Found("b")
	}, "b was never sent"},
	{"a send without an answer may have failed", func(c *Census) {
		c.Sending("a")
		c.Restarted()
	}, ""},
	{"a send without an answer may have succeeded", func(c *Census) {
		c.Sending("a")
		c.Restarted()
		c.Found("a")
	}, ""},
	{"a send without an answer succeeds once", func(c *Census) {
		c.Sending("a")
		c.Restarted()
		c.Found("a")
		c.Found("a")
	}, "a is there 2 times"},

	{"a deleted message is gone", func(c *Census) {
		c.Sending("a")()
		c.Deleting("a")(true)
	}, ""},
	{"a deleted message comes back", func(c *Census) {
		c.Sending("a")()
		c.Deleting("a")(true)
		c.Found("a")
	}, "yet it was deleted"},
	{"a deleted message is received again", func(c *Census) {
		c.Sending("a")()
		c.Deleting("a")(true)
		c.Deleting("a")
	}, "came back after its delete"},
	{"a delete without an answer may have failed", func(c *Census) {
		c.Sending("a")()
		c.Deleting("a")
		c.Found("a")
	}, ""},
	{"a delete too late may have missed", func(c *Census) {
		c.Sending("a")()
		c.Deleting("a")(false)
		c.Found("a")
	}, ""},
	{"a delete of what nobody sent", func(c *Census) {
		c.Deleting("b")
	}, "b was never sent"},

	{"a purged message is gone", func(c *Census) {
		c.Sending("a")()
		c.Purging().Done()
	}, ""},
	{"a purged message comes back", func(c *Census) {
		c.Sending("a")()
		c.Purging().Done()
		c.Found("a")
	}, "yet it was deleted or purged"},
	{"a purged message comes back, though its send had no answer", func(c *Census) {
		c.Sending("a")
		c.Restarted()
		c.Purging().Done()
		c.Found("a")
	}, "yet it was deleted or purged"},
	{"a purge takes what was sent after it", func(c *Census) {
		c.Purging().Done()
		c.Sending("a")()
	}, "a was lost"},
	{"a purge that was cut off takes what was sent after the restart", func(c *Census) {
		c.Purging()
		c.Restarted()
		c.Sending("a")()
	}, "a was lost"},
	{"a purge without an answer may have happened", func(c *Census) {
		c.Sending("a")()
		c.Purging()
		c.Restarted()
	}, ""},
	{"a purge without an answer may have failed", func(c *Census) {
		c.Sending("a")()
		c.Purging()
		c.Restarted()
		c.Found("a")
	}, ""},
	{"what is sent while a purge is on its way may stay", func(c *Census) {
		p := c.Purging()
		c.Sending("a")()
		p.Done()
		c.Found("a")
	}, ""},
	{"what is sent while a purge is on its way may go", func(c *Census) {
		p := c.Purging()
		c.Sending("a")()
		p.Done()
	}, ""},
}

func TestCensus(t *testing.T) {
	for _, test := range censusStories {
		t.Run(test.rule, func(t *testing.T) {
			c := NewCensus()
			test.tell(c)
			switch err := c.Err(); {
			case test.want == "" && err != nil:
				t.Errorf("found what is not wrong: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("found %v, want %q", err, test.want)
			}
		})
	}
}

func TestSize(t *testing.T) {
	c := NewCensus()
	c.Sending("certain")()
	c.Sending("unanswered")
	c.Sending("deleted")()
	c.Deleting("deleted")(true)
	if certain, possible := c.Size(); certain != 1 || possible != 2 {
		t.Errorf("%d to %d, want 1 to 2", certain, possible)
	}
	c.Purging()
	c.Restarted()
	if certain, possible := c.Size(); certain != 0 || possible != 2 {
		t.Errorf("when they may have been purged: %d to %d, want 0 to 2", certain, possible)
	}
}
