package queue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var epoch = time.Unix(1_700_000_000, 0)

// A rig drives a machine, keeps its log, and has a simple model of what a receive
// may return: the rules of the package documentation, written the slow way.
type rig struct {
	*rapid.T
	fifo   bool
	config Config
	m      *Machine
	now    time.Time
	offset time.Duration // of the wall clock
	log    [][]byte
	first  uint64 // sequence of log[0]

	model   []*modelled // in the order of sending
	dedup   map[string]*modelled
	dedupAt map[string]time.Time
	last    map[uint64]uint64 // the highest number of each source
	purged  bool              // the log has lost entries: turns may differ
}

type modelled struct {
	number   uint64
	group    string
	sent     time.Time
	wallSent time.Time // when it was sent, by the wall clock
	first    time.Time // when it was received, likewise
	until    time.Time // hidden until then
	received time.Time
	receives uint32
	gone     bool
}

func newRig(t *rapid.T) *rig {
	r := &rig{T: t, now: epoch, first: 1, dedup: map[string]*modelled{}, dedupAt: map[string]time.Time{}, last: map[uint64]uint64{}}
	r.fifo = rapid.Bool().Draw(t, "fifo")
	r.config = Config{Visibility: 30 * time.Second, Retention: time.Hour, DedupByGroup: rapid.Bool().Draw(t, "by group")}
	r.config.Delay = rapid.SampledFrom([]time.Duration{0, 0, 5 * time.Second}).Draw(t, "delay")
	if rapid.Bool().Draw(t, "dead letters") {
		r.config.DeadLetter = &DeadLetter{Target: ID{"000000000000", "us-east-1", "dead"}, MaxReceives: 2}
	}
	r.m = r.machine()
	return r
}

func (r *rig) machine() *Machine {
	return New(r.config, Options{FIFO: r.fifo, Random: rand.NewPCG(1, 2)})
}

// batch runs commands as one batch, and checks what the receives among them got.
func (r *rig) batch(do func()) {
	r.m.SetDeadLetterQueueExists(true)
	r.m.Begin(r.now, r.now.Add(r.offset))
	r.pass()
	do()
	g := r.m.Commit(ContentKey{})
	if g.Entry != nil {
		r.log = append(r.log, slices.Clone(g.Entry))
		if want := r.first + uint64(len(r.log)) - 1; g.Seq != want {
			r.Fatalf("entry %d, want %d", g.Seq, want)
		}
	}
}

func (r *rig) pass() {
	for _, o := range r.model {
		if !o.sent.Add(r.config.Retention).After(r.now) {
			o.gone = true
		}
	}
}

func (r *rig) visible(o *modelled) bool {
	if o.gone || o.until.After(r.now) {
		return false
	}
	if r.fifo && o.receives == 0 && o.sent.Add(r.config.Delay).After(r.now) {
		return false
	}
	return true
}

// isExhausted reports whether the next receive would make the message a dead letter.
func (r *rig) isExhausted(o *modelled) bool {
	return r.config.DeadLetter != nil && int(o.receives) >= r.config.DeadLetter.MaxReceives
}

// receivable returns what a receive may see now; dead letters are among it.
func (r *rig) receivable() (all []*modelled) {
	blocked := map[string]bool{}
	for _, o := range r.model {
		switch {
		case o.gone:
		case !r.visible(o):
			blocked[o.group] = r.fifo
		case !blocked[o.group]:
			all = append(all, o)
		}
	}
	return all
}

// took checks a receive's answer against what was receivable before it.
func (r *rig) took(w *Waiter, max int, visibility time.Duration) {
	can := r.receivable()
	seen := map[string]int{}
	for _, d := range w.Deliveries {
		i := slices.IndexFunc(can, func(o *modelled) bool { return o.number == d.Number })
		if i < 0 {
			r.Fatalf("message %d was handed out; only %v could be", d.Number, numbers(can))
		}
		o := can[i]
		if r.isExhausted(o) {
			r.Fatalf("message %d was received %d times and handed out again", d.Number, o.receives)
		}
		if r.fifo && int(d.Number) < seen[o.group] {
			r.Fatalf("group %s out of order", o.group)
		}
		seen[o.group] = int(d.Number)
	}
	alive := slices.DeleteFunc(slices.Clone(can), r.isExhausted)
	if want := min(max, len(alive)); len(w.Deliveries) != want {
		r.Fatalf("%d messages handed out, want %d of %v", len(w.Deliveries), want, numbers(alive))
	}
	for _, d := range w.Deliveries {
		o := can[slices.IndexFunc(can, func(o *modelled) bool { return o.number == d.Number })]
		if o.receives++; o.receives == 1 {
			o.first = r.now.Add(r.offset)
		}
		if !d.Sent.Equal(o.wallSent) || !d.FirstReceived.Equal(o.first) {
			r.Fatalf("message %d was sent at %v and first received at %v, want %v and %v", o.number, d.Sent, d.FirstReceived, o.wallSent, o.first)
		}
		o.received, o.until = r.now, r.now.Add(visibility)
		if d.ReceiveCount != o.receives {
			r.Fatalf("delivery %d of message %d, want %d", d.ReceiveCount, o.number, o.receives)
		}
	}
	for _, b := range r.m.PendingTransfers(1 << 20) {
		for _, o := range r.model {
			if o.number == b.Number {
				o.gone = true
			}
		}
	}
}

func numbers(all []*modelled) (n []uint64) {
	for _, o := range all {
		n = append(n, o.number)
	}
	return n
}

func (r *rig) any() (Receipt, *modelled) {
	if len(r.model) == 0 {
		return Receipt{Number: 1 << 40}, nil
	}
	o := rapid.SampledFrom(r.model).Draw(r.T, "message")
	d := o.receives
	if d > 1 && rapid.Bool().Draw(r.T, "older handle") {
		d--
	}
	return Receipt{o.number, d}, o
}

func (r *rig) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"": func(*rapid.T) { r.check() },
		"send": func(t *rapid.T) {
			n := rapid.IntRange(1, 5).Draw(t, "n")
			r.batch(func() {
				for range n {
					msg := Message{Body: "x", GroupID: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "group")}
					if r.fifo {
						msg.DedupID = fmt.Sprint("id", rapid.IntRange(0, 40).Draw(t, "dedup id"))
					}
					if msg.Source = rapid.SampledFrom([]uint64{0, 0, 1, 2}).Draw(t, "source"); msg.Source != 0 {
						msg.Seq = uint64(max(0, int(r.last[msg.Source])+rapid.IntRange(-1, 3).Draw(t, "ahead")))
					}
					r.sent(msg, r.m.Send(NewDraft(&msg))[0])
				}
			})
		},
		"receive": func(t *rapid.T) {
			req := ReceiveRequest{Max: rapid.IntRange(1, 10).Draw(t, "max")}
			hide := rapid.SampledFrom([]time.Duration{0, time.Second, 30 * time.Second}).Draw(t, "visibility")
			req.Visibility = &hide
			r.batch(func() {
				w := &Waiter{}
				r.m.Receive(w, req)
				r.took(w, req.Max, hide)
			})
		},
		"delete": func(*rapid.T) {
			ref, o := r.any()
			r.batch(func() {
				switch err := r.m.Delete(ref); {
				case o == nil:
					if err != ErrInvalidHandle {
						r.Fatalf("deleting what never was: %v", err)
					}
				case o.gone:
					if err != nil {
						r.Fatalf("deleting again: %v", err)
					}
				case r.fifo && (!o.until.After(r.now) || ref.ReceiveCount != o.receives):
					if err != ErrHandleExpired {
						r.Fatalf("deleting with an expired handle: %v", err)
					}
				default:
					if err != nil {
						r.Fatal(err)
					}
					o.gone = true
				}
			})
		},
		"change": func(t *rapid.T) {
			ref, o := r.any()
			timeout := rapid.SampledFrom([]time.Duration{0, 10 * time.Second, 12 * time.Hour}).Draw(t, "timeout")
			if o == nil {
				return
			}
			r.batch(func() {
				err := r.m.ChangeVisibility(ref, timeout)
				flying := o.receives > 0 && o.until.After(r.now)
				switch {
				case o.gone:
					if err != ErrMessageNotFound {
						r.Fatalf("changing what is gone: %v", err)
					}
				case r.fifo && (!flying || ref.ReceiveCount != o.receives):
					if err != ErrHandleExpired {
						r.Fatalf("changing with an expired handle: %v", err)
					}
				case !flying:
					if err != nil {
						r.Fatal(err)
					}
				case r.now.Add(timeout).After(o.received.Add(MaxVisibility)):
					if err != ErrVisibilityTooLong {
						r.Fatalf("changing beyond twelve hours: %v", err)
					}
				default:
					if err != nil {
						r.Fatal(err)
					}
					o.until = r.now.Add(timeout)
				}
			})
		},
		"advance": func(t *rapid.T) {
			r.now = r.now.Add(rapid.SampledFrom([]time.Duration{
				time.Millisecond, time.Second, 5 * time.Second, 30 * time.Second, 5 * time.Minute, 20 * time.Minute,
			}).Draw(t, "by"))
		},
		"set the clock": func(t *rapid.T) {
			r.offset = rapid.SampledFrom([]time.Duration{0, time.Hour, -time.Hour, 24 * time.Hour}).Draw(t, "offset")
		},
		"purge": func(t *rapid.T) {
			if rapid.IntRange(0, 9).Draw(t, "really") > 0 {
				return
			}
			r.batch(func() {
				r.m.Purge()
				for _, o := range r.model {
					o.gone = true
				}
				clear(r.dedup)
			})
		},
		"transfer": func(*rapid.T) {
			r.batch(func() {
				for _, b := range r.m.PendingTransfers(2) {
					r.m.CompleteTransfer(b.Number)
				}
			})
		},
		"copy survivors": func(t *rapid.T) {
			r.batch(func() {
				_, to, read := r.m.CompactionRange()
				if read {
					r.Fatal("contents are missing though there is no budget")
				}
				r.m.Compact(to, nil)
			})
		},
		"purge the log": func(*rapid.T) {
			var below uint64
			r.batch(func() { below = r.m.WriteCounters() })
			r.m.LogTrimmed(r.m.TrimmableBytes())
			if below > r.first {
				r.log = r.log[below-r.first:]
				r.first = below
				r.purged = true
			}
		},
	}
}

func (r *rig) sent(msg Message, p DraftResult) {
	if msg.IsNumbered() {
		if last := r.last[msg.Source]; msg.Seq <= last {
			if p != (DraftResult{Duplicate: true}) {
				r.Fatalf("number %d of source %d after %d: %+v", msg.Seq, msg.Source, last, p)
			}
			return
		}
		r.last[msg.Source] = msg.Seq
	}
	key := msg.DedupID
	if r.config.DedupByGroup {
		key += "@" + msg.GroupID
	}
	if r.fifo {
		if o := r.dedup[key]; o != nil && r.dedupAt[key].Add(DedupWindow).After(r.now) {
			if !p.Duplicate || p.Number != o.number {
				r.Fatalf("%s again: %+v, want a duplicate of %d", key, p, o.number)
			}
			return
		}
	}
	if p.Duplicate {
		r.Fatalf("%s is no duplicate", key)
	}
	o := &modelled{number: p.Number, group: msg.GroupID, sent: r.now, wallSent: r.now.Add(r.offset)}
	if !r.fifo {
		o.until = r.now.Add(r.config.Delay)
	}
	r.model = append(r.model, o)
	r.dedup[key], r.dedupAt[key] = o, r.now
}

// check compares the counts with the model, and a replay with the machine.
func (r *rig) check() {
	r.batch(func() {}) // what time brought is known to both then
	var want Counts
	for _, o := range r.model {
		switch {
		case o.gone:
		case o.receives > 0 && o.until.After(r.now):
			want.InFlight++
		case r.visible(o):
			want.Visible++
		default:
			want.Delayed++
		}
	}
	got := r.m.Counts()
	got.Oldest = time.Time{}
	if got != want {
		r.Fatalf("counts %+v, want %+v", got, want)
	}

	again := r.machine()
	again.StartAt(r.first - 1)
	for i, e := range r.log {
		if err := replay(again, r.first+uint64(i), e); err != nil {
			r.Fatal(err)
		}
	}
	again.SetDeadLetterQueueExists(true)
	again.Begin(r.now, r.now.Add(r.offset))
	if g := again.Commit(ContentKey{}); g.Entry != nil {
		r.Fatal("a replay has something to say")
	}
	if a, b := dump(r.m, !r.purged), dump(again, !r.purged); a != b {
		r.Fatalf("live:\n%s\nreplayed:\n%s", a, b)
	}
}

// dump prints the state of a machine. Rounds and positions are left out when the log
// was trimmed: the order among waiting groups, and among messages behind the others,
// may differ then.
func dump(m *Machine, turns bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "now %d seq %d next %d last transfer %d accepted %v %v counts %d %d %d live %d\n",
		m.now, m.seq, m.nextNumber, m.lastTransfer, m.lastTransfers, m.lastNumbers, m.visible, m.inFlight, m.delayed, m.log.liveBytes)
	for msg := range m.messages.all() {
		state, until, position, attempt, tenant := msg.state(), int64(0), msg.position(), "", ""
		if msg.status != ready {
			until = state.hiddenUntil
		}
		if !turns {
			position = 0
		}
		if state.attempt != nil {
			attempt = state.attempt.key
		}
		if t := state.tenant; t != nil && msg.isQueued() {
			tenant = fmt.Sprintf("%x %d %d", t.id, t.waiting, t.inFlight)
		}
		fmt.Fprintf(&b, "%d id %x state %d until %d sent %d by the wall %d enqueued %d first %d at %d arrived %d position %d receives %d+%d entry %d attempt %q tenant %s %q\n",
			msg.number, msg.id, msg.status, until, msg.sentAt, m.wallSentAt(msg), msg.enqueuedAt(), state.firstReceivedAt, state.lastReceivedAt, state.arrivedAt, position, state.receives, state.priorReceives, msg.entry, attempt, tenant, m.log.content(msg))
	}
	for _, l := range m.transfers {
		fmt.Fprintf(&b, "transfer %d %s %d\n", l.seq, l.target, l.msg.number)
	}
	var remembered []string
	for _, e := range m.dedup {
		remembered = append(remembered, fmt.Sprint(e.key, e.number, e.until, e.entry, e.size))
	}
	for _, a := range m.attempts {
		remembered = append(remembered, fmt.Sprint(a.key, a.until, a.entry, a.size, a.notRetryable, a.lapsed, len(a.messages)))
	}
	slices.Sort(remembered)
	fmt.Fprintln(&b, remembered)
	var groups []string
	for name, g := range m.groups {
		s := fmt.Sprintf("%x:", name)
		for _, msg := range g.messages.all() {
			if msg.isQueued() {
				s += fmt.Sprint(" ", msg.number)
			}
		}
		if g.heap == nil {
			s += " not receivable"
		} else if turns {
			s += fmt.Sprint(" round ", g.round)
		}
		groups = append(groups, s)
	}
	slices.Sort(groups)
	fmt.Fprintln(&b, groups)
	return b.String()
}

// TestModel runs random commands against the model, and after each of them
// compares the machine with one that replays its log.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRig(t)
		t.Repeat(r.actions())
	})
}
