package storm

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sockeye-io/socketio"
)

const (
	slowRound   = 25   // broadcasts before everybody's progress is looked at
	slowPayload = 1000 // bytes of one
	slowBacklog = 250  // Options.MaxOutboxCasts
	slowMost    = 1000 // broadcasts: what kernels keep of them is far less than the rest
	sleeps      = 200  // broadcasts after which the sleeper wakes, when kernels are full
)

// A listener checks that numbered broadcasts come once and in order.
type listener struct {
	*client
	last int
}

// hear reads until a number has come, or the end; ended says which.
func (l *listener) hear(n int) (ended bool, err error) {
	for l.last < n {
		m, err := l.next()
		if err != nil {
			return false, fmt.Errorf("after %d: %w", l.last, err)
		}
		if m.name == "end" {
			return true, nil
		}
		if m.kind == "beat" {
			continue
		}
		number, rest, _ := strings.Cut(m.args, ",")
		if got, err := strconv.Atoi(number); err != nil || got != l.last+1 || len(rest) != slowPayload+2 {
			return false, fmt.Errorf("after %d came %.50s with %d bytes", l.last, number, len(rest))
		}
		l.last++
	}
	return false, nil
}

// An audience is clients that read what they can, and meet after each round.
type audience struct {
	all    []*listener
	rounds []sync.WaitGroup // those that have heard so many rounds
	errs   chan error       // one for each, at its end
}

func (a *audience) add(l *listener) {
	a.all = append(a.all, l)
	for i := range a.rounds {
		a.rounds[i].Add(1)
	}
	go func() { // ends with "end", or the connection
		ended, err := false, error(nil)
		for i := range a.rounds {
			if !ended && err == nil {
				ended, err = l.hear((i + 1) * slowRound)
			}
			a.rounds[i].Done()
		}
		a.errs <- err
	}()
}

// leave has all leave at once.
func (a *audience) leave() {
	for _, l := range a.all {
		l.reset()
	}
}

// wait waits until all have heard a round.
func (a *audience) wait(t *testing.T, round int) {
	t.Helper()
	heard := make(chan struct{})
	go func() { a.rounds[round].Wait(); close(heard) }()
	receive(t, fmt.Sprintf("round %d is heard by all", round), heard)
}

// TestSlowReader: a client stops reading among a thousand that go on. Its outbox fills
// until the server ends it; the others get everything, in order, and so does one that
// slept with hundreds of broadcasts waiting for it.
func TestSlowReader(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		others := sized(1000, 100)
		s := serve(t, engine, socketio.Options{MaxOutboxCasts: slowBacklog, PingInterval: patience, PingTimeout: patience}, func(c *net.TCPConn) { _ = c.SetWriteBuffer(16 << 10) })
		left := make(chan string, others+2)
		s.OnDisconnect(func(_ *socketio.Socket, reason string) { left <- reason })
		before := measure()

		a := &audience{rounds: make([]sync.WaitGroup, slowMost/slowRound), errs: make(chan error, others)}
		for i := range others {
			a.add(&listener{client: s.connect(i%2 == 1)})
		}
		stuck := s.connect(false)
		_ = stuck.tcp.SetReadBuffer(16 << 10)
		sleeper := &listener{client: s.connect(true)}
		_ = sleeper.tcp.SetReadBuffer(16 << 10)

		awake := make(chan error, 1)
		n, peak, reason := s.broadcastUntil(left, a, sleeper, awake)
		t.Logf("ended after %d broadcasts: %s; at most %d KiB more in use", n, reason, peak>>10)
		if reason != "outbox full" || n <= slowBacklog {
			t.Errorf("the client that does not read left after %d broadcasts: %q", n, reason)
		}
		// What is queued, a copy of it that is being written, and room for noise.
		if bound := slowBacklog*2*slowPayload + 4<<20; peak > bound {
			t.Errorf("%d bytes more in use, more than %d", peak, bound)
		}
		must(t, s.Emit("end"))
		for range others {
			if err := receive(t, "the others end", a.errs); err != nil {
				t.Error(err)
			}
		}
		must(t, receive(t, "the sleeper ends", awake))
		if s.Len() != others+1 {
			t.Errorf("%d sockets are left, want %d", s.Len(), others+1)
		}
		a.leave()
		sleeper.reset()
		stuck.reset()
		s.settled(before)
	})
}

// broadcastUntil broadcasts, round by round, until a client has left, and returns after
// how many, the most that was in use meanwhile, and the reason. The sleeper listens only
// after some, and its end goes to awake.
func (s *site) broadcastUntil(left chan string, a *audience, sleeper *listener, awake chan error) (n, peak int, reason string) {
	t := s.t
	t.Helper()
	base := measure().heap
	for round := 0; reason == "" && round < slowMost/slowRound; round++ {
		for range slowRound {
			n++
			must(t, s.Emit("n", n, strings.Repeat("x", slowPayload)))
		}
		a.wait(t, round)
		if n == sleeps {
			peak = max(peak, measure().heap-base)
			go func() { _, err := sleeper.hear(sleeps); awake <- err }() // as the audience
			must(t, receive(t, "the sleeper wakes", awake))
			go func() { _, err := sleeper.hear(slowMost + 1); awake <- err }()
		}
		select {
		case reason = <-left:
		default:
			peak = max(peak, measure().heap-base)
		}
	}
	return n, peak, reason
}

// flood sends pings and reads nothing, at least so many bytes, until it is stopped.
func (c *client) flood(least int, stop <-chan struct{}) error {
	pings := make([]byte, 0, 64*131)
	for range 64 {
		pings = ping(strings.Repeat("p", 125)).Append(pings)
	}
	for sent := 0; ; sent += len(pings) {
		if sent >= least {
			select {
			case <-stop:
				return nil
			default:
			}
		}
		if _, err := c.Write(pings); err != nil {
			return err
		}
	}
}

// TestPingFlood: nobody reads the pongs of a flood of pings. It costs no memory, and
// others are served meanwhile.
func TestPingFlood(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		const flooders, others, rounds = 2, 20, 10
		least := sized(8<<20, 2<<20)
		s := serve(t, engine, socketio.Options{PingInterval: patience, PingTimeout: patience}, smallBuffers)
		registerEcho(s)
		before := measure()
		clients := make([]*client, flooders)
		for i := range clients {
			clients[i] = s.connect(i%2 == 1)
			smallBuffers(clients[i].tcp)
		}
		good := make([]*client, others)
		for i := range good {
			good[i] = s.connect(i%2 == 1)
		}
		base := measure().heap
		stop := make(chan struct{})
		floods := make(chan error, flooders)
		for _, c := range clients {
			go func() { floods <- c.flood(least, stop) }() // ends with stop
		}
		served := make(chan error, others)
		for i, c := range good {
			go func() { // ends with the echoes
				var err error
				for n := 0; n < rounds && err == nil; n++ {
					err = c.echo(fmt.Sprintf("%d,%d", i, n))
				}
				served <- err
			}()
		}
		for range others {
			must(t, receive(t, "others are served", served))
		}
		close(stop)
		for range flooders {
			must(t, receive(t, "the floods end", floods))
		}
		used := measure().heap - base
		t.Logf("%d KiB more in use after %d MiB of pings", used>>10, flooders*least>>20)
		if bound := flooders * least / 8; used > bound {
			t.Errorf("%d bytes more in use, more than %d", used, bound)
		}
		for _, c := range clients {
			c.reset()
		}
		for _, c := range good {
			must(t, c.leave())
		}
		s.settled(before)
	})
}
