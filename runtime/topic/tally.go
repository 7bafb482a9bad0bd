package topic

// A Tally counts subscriptions.
type Tally struct{ Confirmed, Pending, Filters int } // Filters have a filter policy

// All is how many there are.
func (t Tally) All() int { return t.Confirmed + t.Pending }

// count adds a subscription n times; -1 takes it away.
func (t *Tally) count(s *Subscription, n int) {
	if s.Pending {
		t.Pending += n
	} else {
		t.Confirmed += n
	}
	if s.Attributes[FilterPolicy] != "" {
		t.Filters += n
	}
}

// A subscriber is an account, by the region of the topics that it subscribed to.
type subscriber struct{ account, region string }

// count adds a subscription to what is counted of its topic and its owner. mu is held.
func (ts *Topics) count(st *state, s *Subscription, n int) {
	st.tally.count(s, n)
	owner := subscriber{s.Owner, s.Topic.Region}
	t := ts.tallies[owner]
	t.count(s, n)
	if t == (Tally{}) {
		delete(ts.tallies, owner)
	} else {
		ts.tallies[owner] = t
	}
}

// Tally counts the subscriptions of a topic.
func (ts *Topics) Tally(id ID) Tally {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	if st := ts.states[id]; st != nil && st.topic != nil {
		return st.tally
	}
	return Tally{}
}

// TallyOf counts the subscriptions that an account owns to topics in a region.
func (ts *Topics) TallyOf(owner, region string) Tally {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	return ts.tallies[subscriber{owner, region}]
}

// A kind of topics is counted for quotas.
type kind struct {
	account, region string
	fifo            bool
}

// setTopic makes t the topic of a state, nil when there is none. mu is held.
func (ts *Topics) setTopic(id ID, st *state, t *Topic) {
	k := kind{id.Account, id.Region, id.FIFO()}
	if st.topic != nil {
		ts.counts[k]--
	}
	if st.topic = t; t != nil {
		ts.counts[k]++
	}
	if ts.counts[k] == 0 {
		delete(ts.counts, k)
	}
}

// CountOf is how many FIFO or standard topics an account has in a region.
func (ts *Topics) CountOf(account, region string, fifo bool) int {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	return ts.counts[kind{account, region, fifo}]
}
