package transport

import (
	"sync"
	"time"

	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/timerwheel"
)

// timed is what has deadlines: a session, a stream that ends, the hub.
type timed interface {
	// tick does what is due and returns when to be called next; 0: not again.
	tick(now time.Duration) (next time.Duration)
	// deadline returns when tick is wanted; 0: not at all.
	deadline() time.Duration
}

// clock is the server's time: a wheel, and the goroutine that turns it.
type clock struct {
	began time.Time
	wheel *timerwheel.Wheel[timed]

	mu      sync.Mutex
	running bool
	stopped bool
	wake    chan struct{} // an earlier deadline was set
	stop    chan struct{}
	done    chan struct{}
}

func newClock(resolution time.Duration) *clock {
	return &clock{
		// Sessions take 0 for "no time", and in a test no time may pass.
		began: time.Now().Add(-time.Second),
		wheel: timerwheel.New[timed](resolution),
		wake:  make(chan struct{}, 1),
		stop:  make(chan struct{}),
		done:  make(chan struct{}),
	}
}

// now returns the time since the server began, never zero.
func (c *clock) now() time.Duration { return time.Since(c.began) }

// schedule makes t fire at its owner's deadline.
func (c *clock) schedule(t *timerwheel.Timer[timed]) {
	// The deadline may move while it is being set, and the other setter may have been
	// faster: look again.
	earlier := false
	for at := t.Owner.deadline(); at != 0; {
		earlier = c.wheel.Set(t, at) || earlier
		again := t.Owner.deadline()
		if again == 0 || again >= at {
			break
		}
		at = again
	}
	if earlier {
		c.start()
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

// start starts the goroutine, once.
func (c *clock) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.running && !c.stopped {
		c.running = true
		go c.run() // ends with close
	}
}

// close ends the goroutine and waits for it.
func (c *clock) close() {
	c.mu.Lock()
	running, first := c.running, !c.stopped
	c.stopped = true
	c.mu.Unlock()
	if first {
		close(c.stop)
	}
	if running {
		<-c.done
	}
}

func (c *clock) run() {
	defer close(c.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-c.wake:
		case <-timer.C:
		}
		now := c.now()
		next, ok := c.wheel.Advance(now, func(t *timerwheel.Timer[timed]) {
			if t.Owner.tick(now) != 0 {
				c.schedule(t)
			}
		})
		if ok {
			timer.Reset(max(next-c.now(), 0))
		} else {
			timer.Stop()
		}
	}
}

// resolution returns how fine the wheel must be for the sessions' timers.
func resolution(configs []*session.Config) time.Duration {
	shortest := time.Duration(0)
	for _, c := range configs {
		t := &c.Timers
		for _, d := range [...]time.Duration{t.Interval, t.Timeout, t.Poll, t.Close, t.Unopened, t.Join, t.Upgrade} {
			if d > 0 && (shortest == 0 || d < shortest) {
				shortest = d
			}
		}
	}
	return timerwheel.Resolution(shortest)
}

// hubTimer is the timer of Config.Tick.
type hubTimer struct {
	timer timerwheel.Timer[timed]
	fire  func(now time.Duration) (next time.Duration)

	mu sync.Mutex
	at time.Duration
}

func (h *hubTimer) deadline() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *hubTimer) tick(now time.Duration) time.Duration {
	h.mu.Lock()
	h.at = 0
	h.mu.Unlock()
	h.sooner(h.fire(now))
	return h.deadline()
}

// sooner moves the deadline to at if that is earlier.
func (h *hubTimer) sooner(at time.Duration) (moved bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at == 0 || h.at != 0 && h.at <= at {
		return false
	}
	h.at = at
	return true
}
