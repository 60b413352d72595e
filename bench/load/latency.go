package load

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"
)

// maxBehind is how long a server may take for the last of the measured
// messages.
const maxBehind = 10 * time.Second

// latency: an open loop. Messages are due at equal distances in time, the
// clients taking turns, and each is sent when it is due, whatever has become
// of those before it. An operation is one echo; what it took counts from when
// it was due, so that a server that holds up the load, or a load that is held
// up, does not hide what waited meanwhile (coordinated omission).
type latency struct {
	proto    *protocol
	clients  int
	interval time.Duration // between two messages
	frame    []byte
	expect   answer

	conns []*conn
	begin time.Time // when message 0 was due
	sent  int
	done  int64

	// Messages first to last-1 are measured, in the order of their answers.
	// late is by how much each was sent too late.
	first, last int
	took, late  []time.Duration
}

// newLatency makes clients that together send rate messages a second.
func newLatency(p *protocol, clients, rate int, args string) *latency {
	return &latency{
		proto: p, clients: clients, interval: time.Second / time.Duration(rate),
		frame:  textFrame(p.event("message", args)),
		expect: answer{name: "message-back", args: args},
	}
}

func (y *latency) ops() int64 { return y.done }

func (y *latency) setup(l *loop) (err error) {
	y.conns, err = l.joinMany(y.proto, y.clients)
	for i, c := range y.conns {
		c.index = i
	}
	return err
}

func (y *latency) start() error {
	y.begin = time.Now()
	return nil
}

// measure begins the measured phase: the messages of the next d.
func (y *latency) measure(d time.Duration) {
	n := int(d / y.interval)
	y.first, y.last = y.sent, y.sent+n
	y.took, y.late = make([]time.Duration, 0, n), make([]time.Duration, 0, n)
}

// due is when message n is due, from begin.
func (y *latency) due(n int) time.Duration { return time.Duration(n) * y.interval }

// send sends what is due now, a time since begin.
func (y *latency) send(now time.Duration) error {
	for ; y.due(y.sent) <= now; y.sent++ {
		if err := y.conns[y.sent%y.clients].write(y.frame); err != nil {
			return err
		}
		if y.sent >= y.first && y.sent < y.last {
			y.late = append(y.late, now-y.due(y.sent))
		}
	}
	return nil
}

// answered notes that c's oldest unanswered message is answered now, a time
// since begin.
func (y *latency) answered(c *conn, now time.Duration) {
	n := c.count*y.clients + c.index
	c.count++
	y.done++
	if n >= y.first && n < y.last {
		y.took = append(y.took, now-y.due(n))
	}
}

func (y *latency) ready(c *conn, data []byte) ([]byte, error) {
	now := time.Since(y.begin)
	if data == nil {
		return nil, io.ErrUnexpectedEOF
	}
	for {
		op, msg, rest, ok, err := nextFrame(data)
		if !ok || err != nil {
			return data, err
		}
		data = rest
		ok, err = y.expect.is(y.proto, msg)
		if err != nil {
			return nil, err
		}
		if ok {
			y.answered(c, now)
			continue
		}
		if err := c.other(op, msg); err != nil {
			return nil, err
		}
	}
}

// spin serves the connections and sends what is due until done. It never
// sleeps: a sleeping core takes tens of microseconds to wake up, and timers
// more, which would be measured as the server's. The load has a core to itself.
func (y *latency) spin(l *loop, done func(now time.Duration) bool) error {
	for {
		now := time.Since(y.begin)
		if done(now) {
			return nil
		}
		if err := y.send(now); err != nil {
			return err
		}
		if err := l.turn(0, y); err != nil {
			return err
		}
	}
}

// run warms up and measures.
func (y *latency) run(l *loop, warm, d time.Duration) (Result, error) {
	warmed := func(now time.Duration) bool { return now >= warm }
	if err := y.spin(l, warmed); err != nil {
		return Result{}, fmt.Errorf("warming up: %w", err)
	}
	before, err := take(l.target, y)
	if err != nil {
		return Result{}, err
	}
	y.measure(d)
	// Sending goes on until the last measured message is answered: a server
	// that lags behind does not get the time to catch up.
	limit := y.due(y.last) + maxBehind
	err = y.spin(l, func(now time.Duration) bool { return len(y.took) == cap(y.took) || now > limit })
	if err != nil {
		return Result{}, fmt.Errorf("measuring: %w", err)
	}
	after, err := take(l.target, y)
	if err != nil {
		return Result{}, err
	}
	if n := y.last - y.first; len(y.took) < n {
		return Result{}, fmt.Errorf("measuring: %d of %d messages not answered after %v", n-len(y.took), n, maxBehind)
	}
	r := after.since(before)
	r.Latency = newLatencyResult(y.took, y.late)
	return r, nil
}

// A Latency is how long answers took, counted from when their messages were
// due.
type Latency struct {
	P50, P90, P99, Max time.Duration
	// Late is the 99th percentile of how late the load itself sent, which is
	// part of the others.
	Late time.Duration
}

func newLatencyResult(took, late []time.Duration) Latency {
	slices.Sort(took)
	slices.Sort(late)
	return Latency{
		P50: percentile(took, 50), P90: percentile(took, 90), P99: percentile(took, 99),
		Max: percentile(took, 100), Late: percentile(late, 99),
	}
}

// percentile is the least of the sorted values that p percent of them do not
// exceed.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

// Pace measures a case of latency: it sends at its rate for warm to warm the
// server up, then for d with the clock running.
func (c Case) Pace(t Target, warm, d time.Duration) (Result, error) {
	l, err := newLoop(t)
	if err != nil {
		return Result{}, err
	}
	defer l.close()
	y := c.build(c.proto).(*latency)
	if err := y.setup(l); err != nil {
		return Result{}, fmt.Errorf("%s: connecting: %w", c.Name, err)
	}
	// What connecting left behind; nothing is allocated from here on.
	runtime.GC()
	if err := y.start(); err != nil {
		return Result{}, err
	}
	r, err := y.run(l, warm, d)
	if err != nil {
		return r, fmt.Errorf("%s: %w", c.Name, err)
	}
	return r, nil
}
