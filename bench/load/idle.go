package load

import (
	"fmt"
	"io"
	"time"
)

// idle: clients that joined and say nothing but what the heartbeat asks for.
type idle struct{}

func (idle) setup(*loop) error { return nil }
func (idle) start() error      { return nil }
func (idle) ops() int64        { return 0 }

func (idle) ready(c *conn, data []byte) ([]byte, error) {
	if data == nil {
		return nil, io.ErrUnexpectedEOF
	}
	for {
		op, msg, rest, ok, err := nextFrame(data)
		if !ok || err != nil {
			return rest, err
		}
		data = rest
		if err := c.other(op, msg); err != nil {
			return nil, err
		}
	}
}

// An IdleResult is what idle clients cost in memory.
type IdleResult struct {
	Clients       int
	Before, After int64 // resident bytes of the server
	Settled       time.Duration
}

// PerClient is the resident bytes for one client.
func (r IdleResult) PerClient() float64 {
	return float64(r.After-r.Before) / float64(r.Clients)
}

// Idle connects n clients of the case and measures by how much the server's resident
// memory grows. One more client is there from the beginning, so that code and
// structures that the first one brings into memory count for nobody.
func (c Case) Idle(t Target, n int, settle time.Duration) (IdleResult, error) {
	r := IdleResult{Clients: n}
	l, err := newLoop(t)
	if err != nil {
		return r, err
	}
	defer l.close()
	if _, err := l.joinMany(c.proto, 1); err != nil {
		return r, fmt.Errorf("%s: %w", c.Name, err)
	}
	if r.Before, _, err = l.settled(settle); err != nil {
		return r, err
	}
	// In parts, between which heartbeats are answered.
	for left := n; left > 0; left -= 200 {
		if _, err := l.joinMany(c.proto, min(left, 200)); err != nil {
			return r, fmt.Errorf("%s: client %d and on: %w", c.Name, n-left, err)
		}
		if err := l.run(time.Millisecond, idle{}); err != nil {
			return r, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	r.After, r.Settled, err = l.settled(settle)
	return r, err
}

// settled waits until the server's resident memory has stood still for settle,
// at most five times as long, and returns it and how long that took. Nothing
// is done to make the server collect garbage.
func (l *loop) settled(settle time.Duration) (int64, time.Duration, error) {
	begin := time.Now()
	var last int64
	since := begin
	for {
		rss, err := RSS(l.target.PID)
		if err != nil {
			return 0, 0, err
		}
		now := time.Now()
		// Less than a quarter of a percent is standing still.
		if d := rss - last; d > last/400 || d < -last/400 {
			last, since = rss, now
		}
		if now.Sub(since) >= settle || now.Sub(begin) >= 5*settle {
			return rss, now.Sub(begin), nil
		}
		if err := l.run(settle/10, idle{}); err != nil {
			return 0, 0, err
		}
	}
}
