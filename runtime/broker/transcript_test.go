package broker

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"millrace/runtime/broker/catalog"
	"millrace/test/transcript"
)

// TestTranscripts talks to the machine of a broker. A transcript is commands, each
// followed by a line ---- and the broker after it if that changed it, or the refusal;
// lines that begin with # are for the reader.
//
//	broker rabbitmq 3.13 mq.m5.large     a new one, on Monday at 10:00
//	starts, serves                       its software; what it is to serve is decided at its start
//	fails CODE why, dies                 the software again
//	report CODE …                        what is wrong, all of it
//	update version=4.2 instance=mq.m7g.large configuration=c-1:2 groups=sg-1 strategy=LDAP
//	logs general audit                   those that are to be on
//	user create ada [group=g]            or update, delete
//	window MONDAY 02:00 UTC
//	reboot, delete
//	wait 14h                             and the window opens if it is due
func TestTranscripts(t *testing.T) {
	transcript.Play(t, "testdata/transcripts/*.txt", func(t *testing.T, text string) string {
		return (&talk{T: t, now: monday}).run(text)
	})
}

// A talk runs the commands of one transcript.
type talk struct {
	*testing.T
	b       *Broker
	now     time.Time
	started *Broker // what the software was started as; nil before it is
	last    string  // how the broker was described last
}

func (s *talk) run(text string) string {
	var told []string
	for _, ask := range transcript.Blocks(text) {
		lines := strings.Split(ask, "\n")
		answer := ""
		if err := s.do(strings.Fields(lines[len(lines)-1])); err != nil {
			answer = err.Error() + "\n"
		} else if now := s.describe(); now != s.last {
			s.last, answer = now, now
		}
		told = append(told, ask+"\n----\n"+answer)
	}
	return strings.Join(told, "\n")
}

// do runs a command. The error is the machine's refusal.
func (s *talk) do(words []string) error {
	command, rest := words[0], words[1:]
	waited := s.b != nil && s.b.waits()
	defer func() {
		if s.b.waits() && !waited {
			s.b.Waiting = s.now
		}
	}()
	switch command {
	case "broker":
		engine, _ := catalog.ParseEngine(rest[0])
		s.b = &Broker{ID: "b-1", Name: "mill", Engine: engine, State: Creating, Window: Window{"TUESDAY", "02:00", "UTC"},
			Users: []StoredUser{{Name: "miller"}}, Pending: SettingsChange{Configuration: &Revised{"c-1", 1}},
			Settings: Settings{Version: rest[1], Instance: rest[2], SecurityGroups: []string{"sg-0"}, Strategy: catalog.Simple}}
	case "starts":
		s.started = new(s.b.next())
	case "serves":
		s.b.started(*s.started, Running{})
	case "fails":
		s.b.failed(rest[0], strings.Join(rest[1:], " "), s.now)
	case "dies":
		s.b.died()
	case "report":
		var actions []Action
		for _, code := range rest {
			actions = append(actions, Action{Code: code})
		}
		s.b.alarmed(actions)
	case "update":
		return s.b.update(s.change(rest))
	case "logs":
		return s.b.logging(Logs{General: strings.Contains(strings.Join(rest, " "), "general"), Audit: strings.Contains(strings.Join(rest, " "), "audit")})
	case "user":
		return s.user(rest)
	case "window":
		return s.b.moveWindow(Window{rest[0], rest[1], rest[2]}, s.now)
	case "reboot":
		return s.b.reboot()
	case "delete":
		return s.b.remove()
	case "wait":
		s.wait(rest[0])
	default:
		s.Fatalf("no command %s", command)
	}
	return nil
}

// change reads what an update asks for.
func (s *talk) change(words []string) (c SettingsChange) {
	for _, w := range words {
		what, value, _ := strings.Cut(w, "=")
		switch what {
		case "version":
			c.Version = &value
		case "instance":
			c.Instance = &value
		case "configuration":
			id, n, _ := strings.Cut(value, ":")
			revision, _ := strconv.Atoi(n)
			c.Configuration = &Revised{id, revision}
		case "groups":
			c.SecurityGroups = new(strings.Split(value, ","))
		case "strategy":
			c.Strategy = new(catalog.Strategy(value))
		default:
			s.Fatalf("no setting %s", what)
		}
	}
	return c
}

func (s *talk) user(words []string) error {
	var c UserChange
	if len(words) == 3 {
		c.Groups = new(strings.Split(strings.TrimPrefix(words[2], "group="), ","))
	}
	switch words[0] {
	case "create":
		return s.b.createUser(words[1], c, catalog.MaxUsers)
	case "update":
		return s.b.updateUser(words[1], c)
	}
	return s.b.deleteUser(words[1])
}

// wait lets time pass as the worker of a broker does, which wakes when its window opens.
func (s *talk) wait(text string) {
	d, err := time.ParseDuration(text)
	if err != nil {
		s.Fatal(err)
	}
	until := s.now.Add(d)
	if due := s.b.Window.due(s.b.Waiting, s.now); s.b.waits() && !due.After(until) {
		s.now = due
		s.b.openWindow(due)
	}
	s.now = until
}

// describe is the broker as a reader would want to see it.
func (s *talk) describe() string {
	var out strings.Builder
	b := s.b
	state := string(b.State)
	if b.Unplanned {
		state += ", unplanned"
	}
	fmt.Fprintf(&out, "%s: %s\n", state, settingsText(b.Settings))
	if b.Pending != (SettingsChange{}) {
		fmt.Fprintf(&out, "a reboot makes it: %s\n", settingsText(b.Next()))
	}
	if len(b.History) > 0 {
		fmt.Fprintf(&out, "before it had: %v\n", b.History)
	}
	for _, a := range b.Actions() {
		fmt.Fprintf(&out, "action required: %s\n", strings.TrimSpace(a.Code+" "+a.Info))
	}
	for _, u := range b.Users {
		fmt.Fprintf(&out, "user %s %v", u.Name, u.Groups)
		if u.Pending != nil {
			fmt.Fprintf(&out, ", waits to %s %v", u.Pending.Change, u.Pending.Groups)
		}
		fmt.Fprintln(&out)
	}
	return out.String()
}

// settingsText leaves out what is as it is for every new broker.
func settingsText(s Settings) string {
	text := s.Version + " on " + s.Instance
	if s.Configuration.ID != "" {
		text += fmt.Sprintf(", %s:%d", s.Configuration.ID, s.Configuration.Revision)
	}
	if s.SecurityGroups[0] != "sg-0" {
		text += fmt.Sprintf(", groups %v", s.SecurityGroups)
	}
	if s.Strategy != catalog.Simple {
		text += ", " + string(s.Strategy)
	}
	if s.Logs != (Logs{}) {
		text += fmt.Sprintf(", logs %+v", s.Logs)
	}
	return text
}
