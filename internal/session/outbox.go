package session

import "sync"

// An outbox is what a client is owed, in order. The first leased casts are in a
// transport's hands. Most have no cast or one, for which nothing is allocated.
type outbox struct {
	one    [1]*Cast // nil: there is none, or there are many
	many   *backlog // from the second cast on until all have left
	leased int32    // may be 0 in a lease, which then carries something else
	lent   holder   // who has the lease
	final  bool     // nothing follows the lease

	connect bool // the lease ends with the answer to a Connect
}

// A holder says who has the lease.
type holder uint8

const (
	nobody   holder = iota
	streamer        // Session.stream
	other           // polling.holder: a poll, or a stream that was replaced
)

// A backlog is an outbox of more than one cast.
type backlog struct {
	casts []*Cast
	bytes int // of the casts that are not leased
}

var backlogs = sync.Pool{New: func() any { return &backlog{casts: make([]*Cast, 0, 8)} }}

// keptCap is the largest capacity of a backlog that goes back to the pool.
const keptCap = 64

func (o *outbox) casts() []*Cast {
	switch {
	case o.many != nil:
		return o.many.casts
	case o.one[0] != nil:
		return o.one[:]
	}
	return nil
}

func (o *outbox) empty() bool { return o.one[0] == nil && o.many == nil }

// waiting returns how many casts are not leased.
func (o *outbox) waiting() int { return len(o.casts()) - int(o.leased) }

// bytes returns the size of the casts that are not leased.
func (o *outbox) bytes() int {
	switch {
	case o.many != nil:
		return o.many.bytes
	case o.one[0] != nil && o.leased == 0:
		return o.one[0].size
	}
	return 0
}

// fits reports whether c may be queued. A cast that finds nothing queued always may.
func (o *outbox) fits(c *Cast, l *Limits) bool {
	n := o.waiting()
	if n == 0 {
		return true
	}
	return (l.OutboxCasts <= 0 || n < l.OutboxCasts) &&
		(l.OutboxBytes <= 0 || o.bytes()+c.size <= l.OutboxBytes)
}

func (o *outbox) push(c *Cast) {
	if o.empty() {
		o.one[0] = c
		return
	}
	b := o.backlog()
	b.casts = append(b.casts, c)
	b.bytes += c.size
}

// pushFront puts c before all others, of which none is leased.
func (o *outbox) pushFront(c *Cast) {
	o.push(c)
	all := o.casts()
	copy(all[1:], all)
	all[0] = c
}

// backlog returns o.many, to which a cast is to be added.
func (o *outbox) backlog() *backlog {
	if o.many == nil {
		b := backlogs.Get().(*backlog)
		b.bytes = o.bytes()
		b.casts = append(b.casts, o.one[0])
		o.one[0], o.many = nil, b
	}
	return o.many
}

// cut takes out the casts from i up to j.
func (o *outbox) cut(i, j int) {
	b := o.many
	if b == nil {
		if i < j {
			o.one[0] = nil
		}
		return
	}
	rest := i + copy(b.casts[i:], b.casts[j:])
	clear(b.casts[rest:])
	b.casts = b.casts[:rest]
	if rest > 0 {
		return
	}
	o.many = nil
	if cap(b.casts) <= keptCap {
		backlogs.Put(b)
	}
}

// lease lends casts of at most max bytes, but at least one: a head and its attachments
// are one cast and never apart. Nobody has a lease, and there is a cast. messages, if
// not 0, bounds how many messages they are, likewise. alone: the answer to a Connect is
// the last of its lease.
func (o *outbox) lease(dst []*Cast, max, messages int, alone bool) []*Cast {
	n, size, count := 0, 0, 0
	all := o.casts()
	for _, c := range all {
		count += 1 + len(c.packet.Args.Attachments)
		if n > 0 && (size+c.size > max || messages > 0 && count > messages) {
			break
		}
		n++
		size += c.size
		if alone && c.endsLease() {
			o.connect = true
			break
		}
	}
	o.leased = int32(n)
	if o.many != nil {
		o.many.bytes -= size
	}
	return append(dst, all[:n]...)
}

// settle ends the lease. ok: the casts have left; otherwise they are the first again.
func (o *outbox) settle(ok bool) {
	leased := o.casts()[:o.leased]
	o.leased, o.lent, o.final, o.connect = 0, nobody, false, false
	if !ok {
		if o.many != nil {
			for _, c := range leased {
				o.many.bytes += c.size
			}
		}
		return
	}
	for _, c := range leased {
		c.release()
	}
	o.cut(0, len(leased))
}

// drop forgets everything that is not leased.
func (o *outbox) drop() {
	all := o.casts()
	for _, c := range all[o.leased:] {
		c.release()
	}
	if o.many != nil {
		o.many.bytes = 0
	}
	o.cut(int(o.leased), len(all))
}
