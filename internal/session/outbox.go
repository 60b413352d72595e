package session

// An outbox is what a client is owed, in order. The first leased casts are in a
// transport's hands.
type outbox struct {
	casts  []*Cast
	bytes  int       // of the casts that are not leased
	holder Transport // who has the lease; nil: nobody
	leased int32     // may be 0 in a lease, which then carries something else
	final  bool      // nothing follows the lease

	connect bool // the lease ends with the answer to a Connect
}

// keptCap is the capacity of the queue that an idle client keeps.
const keptCap = 8

func (o *outbox) waiting() int { return len(o.casts) - int(o.leased) }

// fits reports whether c may be queued. A cast that finds nothing queued always may.
func (o *outbox) fits(c *Cast, l *Limits) bool {
	n := o.waiting()
	if n == 0 {
		return true
	}
	return (l.OutboxCasts <= 0 || n < l.OutboxCasts) &&
		(l.OutboxBytes <= 0 || o.bytes+c.size <= l.OutboxBytes)
}

func (o *outbox) push(c *Cast) {
	o.casts = append(o.casts, c)
	o.bytes += c.size
}

// lease lends casts of at most max bytes, but at least one, to t: a head and its
// attachments are one cast and never apart. Nobody has a lease, and there is a cast.
// messages, if not 0, bounds how many messages they are, likewise. alone: the answer to
// a Connect is the last of its lease.
func (o *outbox) lease(t Transport, dst []*Cast, max, messages int, alone bool) []*Cast {
	n, size, count := 0, 0, 0
	for _, c := range o.casts {
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
	o.leased, o.holder = int32(n), t
	o.bytes -= size
	return append(dst, o.casts[:n]...)
}

// settle ends the lease. ok: the casts have left; otherwise they are the first again.
func (o *outbox) settle(ok bool) {
	n := o.leased
	o.leased, o.holder, o.final, o.connect = 0, nil, false, false
	if !ok {
		for _, c := range o.casts[:n] {
			o.bytes += c.size
		}
		return
	}
	for _, c := range o.casts[:n] {
		c.release()
	}
	rest := copy(o.casts, o.casts[n:])
	clear(o.casts[rest:])
	o.casts = o.casts[:rest]
	if rest == 0 && cap(o.casts) > keptCap {
		o.casts = nil
	}
}

// drop forgets everything that is not leased.
func (o *outbox) drop() {
	for _, c := range o.casts[o.leased:] {
		c.release()
	}
	clear(o.casts[o.leased:])
	o.casts = o.casts[:o.leased]
	if o.leased == 0 {
		o.casts = nil
	}
	o.bytes = 0
}
