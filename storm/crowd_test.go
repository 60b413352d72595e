package storm

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
)

// crowdVariable, when set, makes the test binary a crowd: many clients in a process
// of their own, which does what it reads and says how it went.
const crowdVariable = "SOCKEYE_STORM_CROWD"

// rooms is how many rooms a crowd spreads over; each client joins two of them.
const rooms = 10

func room(i int) string { return fmt.Sprintf("room %d", i%rooms) }

// allRooms is what a broadcast to everybody in a room says.
func allRooms() (all []string) {
	for i := range rooms {
		all = append(all, room(i))
	}
	return all
}

// A crowdReport answers a command.
type crowdReport struct {
	Command string
	Error   string
}

// A crowd is a process of clients, as its parent sees it.
type crowd struct {
	t       *testing.T
	size    int
	cmd     *exec.Cmd
	in      *json.Encoder
	reports chan crowdReport // closed when the process is gone
}

type crowdCommand struct {
	Command, Addr string
	Clients       int
}

// newCrowd starts a process of n clients that are not connected yet. It ends with the
// test, or when this process does: its standard input is closed then.
func newCrowd(t *testing.T, n int) *crowd {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	c := &crowd{t: t, size: n, cmd: exec.Command(exe), reports: make(chan crowdReport)}
	c.cmd.Env = append(os.Environ(), crowdVariable+"=1")
	c.cmd.Stderr = os.Stderr
	in, err := c.cmd.StdinPipe()
	must(t, err)
	out, err := c.cmd.StdoutPipe()
	must(t, err)
	must(t, c.cmd.Start())
	c.in = json.NewEncoder(in)
	go func() { // ends with the process
		defer close(c.reports)
		for d := json.NewDecoder(out); ; {
			var r crowdReport
			if d.Decode(&r) != nil {
				break
			}
			c.reports <- r
		}
		_ = c.cmd.Wait()
	}()
	t.Cleanup(func() {
		in.Close()
		for {
			select {
			case _, running := <-c.reports:
				if !running {
					return
				}
			case <-time.After(patience):
				_ = c.cmd.Process.Kill()
			}
		}
	})
	return c
}

// begin tells crowds to do something, and returns how to wait until all have.
func begin(t *testing.T, crowds []*crowd, command, addr string) (wait func()) {
	t.Helper()
	for _, c := range crowds {
		must(t, c.in.Encode(crowdCommand{command, addr, c.size}))
	}
	return func() {
		t.Helper()
		for _, c := range crowds {
			r := receive(t, command, c.reports)
			if r.Command != command || r.Error != "" {
				t.Fatalf("%s: %s: %s", command, r.Command, r.Error)
			}
		}
	}
}

// all is begin, and waits.
func all(t *testing.T, crowds []*crowd, command, addr string) {
	t.Helper()
	begin(t, crowds, command, addr)()
}

// crowdMain is the process of a crowd.
func crowdMain() int {
	p := &people{}
	in, out := json.NewDecoder(bufio.NewReader(os.Stdin)), json.NewEncoder(os.Stdout)
	for {
		var c crowdCommand
		if in.Decode(&c) != nil {
			return 0 // the parent has no more use for us
		}
		report := crowdReport{Command: c.Command}
		if err := p.do(c); err != nil {
			report.Error = err.Error()
		}
		if out.Encode(report) != nil {
			return 1
		}
	}
}

// people are the clients of a crowd.
type people struct {
	all []*person
	wg  sync.WaitGroup
}

// A person counts what it gets.
type person struct {
	*client
	beats, news, echoes atomic.Int32
	leaving             atomic.Bool
	err                 atomic.Pointer[error]
}

func (p *people) do(c crowdCommand) error {
	switch c.Command {
	case "connect":
		p.all = make([]*person, c.Clients)
		return p.each(func(i int, _ *person) error {
			one := &person{}
			p.all[i] = one
			return p.connect(one, c.Addr, i)
		})
	case "idle": // until each has had a heartbeat
		return p.until(func(one *person) bool { return one.beats.Load() > 0 })
	case "news": // each has had it once, also when what was sent later has come
		if err := p.until(func(one *person) bool { return one.news.Load() > 0 }); err != nil {
			return err
		}
		if err := p.each(func(_ int, one *person) error { return one.emit("echo", "0") }); err != nil {
			return err
		}
		if err := p.until(func(one *person) bool { return one.echoes.Load() > 0 }); err != nil {
			return err
		}
		return p.each(func(_ int, one *person) error {
			if n := one.news.Load(); n != 1 {
				return fmt.Errorf("a broadcast came %d times", n)
			}
			return nil
		})
	case "leave":
		err := p.each(func(i int, one *person) error { return one.goAway(i) })
		p.wg.Wait()
		return err
	}
	return errors.New("unknown command")
}

// connect has a person join everything and listen.
func (p *people) connect(one *person, addr string, i int) (err error) {
	if one.client, err = join(addr, i%2 == 1); err != nil {
		return err
	}
	for _, r := range []string{room(i), room(i / rooms)} {
		if err := one.emit("join", fmt.Sprintf("%q", r)); err != nil {
			return err
		}
		if _, err := one.until("joined"); err != nil {
			return err
		}
	}
	p.wg.Go(one.listen)
	return nil
}

// listen counts until the connection ends.
func (one *person) listen() {
	for {
		m, err := one.next()
		if err != nil {
			if !one.leaving.Load() {
				one.err.Store(&err)
			}
			return
		}
		switch {
		case m.kind == "beat":
			one.beats.Add(1)
		case m.name == "news":
			one.news.Add(1)
		case m.name == "echo":
			one.echoes.Add(1)
		}
	}
}

// goAway ends a person's connection in one of three ways.
func (one *person) goAway(i int) error {
	one.leaving.Store(true)
	switch {
	case i%3 == 1:
		return one.Close() // FIN
	case i%3 == 2:
		one.reset()
		return nil
	case one.rev1:
		return one.WriteText("0::") // and the server ends the connection
	default:
		return one.WriteClose(1000, "")
	}
}

// each calls f for all, some at a time, and returns the first error.
func (p *people) each(f func(i int, one *person) error) error {
	var wg sync.WaitGroup
	var next atomic.Int64
	errs := make(chan error, len(p.all))
	for range 64 {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(p.all) {
					return
				}
				if err := f(i, p.all[i]); err != nil {
					errs <- fmt.Errorf("client %d: %w", i, err)
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// until waits until a condition holds for all.
func (p *people) until(condition func(*person) bool) error {
	late := time.Now().Add(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for i, one := range p.all {
		for !condition(one) {
			if err := one.err.Load(); err != nil {
				return fmt.Errorf("client %d: %w", i, *err)
			}
			if (<-tick.C).After(late) {
				return fmt.Errorf("client %d waits in vain", i)
			}
		}
	}
	return nil
}

// What may stay alive for each client that has been here, in bytes: tables do not
// shrink, and the next crowd finds them grown.
const (
	leftByFirst = 256
	leftByNext  = 64
)

// growRuntime has the runtime make what it keeps of goroutines for good, a few hundred
// bytes each, so that it is not taken for the server's.
func growRuntime(goroutines int) {
	var wg sync.WaitGroup
	end := make(chan struct{})
	for range goroutines {
		wg.Go(func() { <-end })
	}
	close(end)
	wg.Wait()
}

// TestCrowd: 10,000 clients connect, join, idle, get a broadcast, leave. Afterwards
// nothing is left of them.
func TestCrowd(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		n := sized(10_000, 1_000)
		s := serve(t, engine, socketio.Options{
			PingInterval: 2 * time.Second,
			PingTimeout:  patience,
			MaxUnopened:  n,
			Revision1: socketio.Revision1{
				HeartbeatInterval: 2 * time.Second, HeartbeatTimeout: patience, CloseTimeout: patience,
			},
		}, nil)
		registerEcho(s)
		socketio.On(s, "join", func(s *socketio.Socket, room string) {
			_ = s.Join(room)
			_ = s.Emit("joined")
		})
		crowds := []*crowd{newCrowd(t, n/2), newCrowd(t, n-n/2)}
		growRuntime(3 * n)
		before := measure()
		was := before
		for i, bound := range []int{leftByFirst, leftByNext} {
			s.crowd(engine, crowds, before)
			now := s.settled(before)
			left := now.heap - was.heap
			t.Logf("crowd %d has left %d bytes a client", i+1, left/n)
			if left > n*bound {
				t.Errorf("crowd %d of %d clients has left %d bytes, more than %d each", i+1, n, left, bound)
			}
			was = now
		}
	})
}

// crowd is one visit.
func (s *site) crowd(engine string, crowds []*crowd, before usage) {
	t := s.t
	t.Helper()
	n := 0
	for _, c := range crowds {
		n += c.size
	}
	all(t, crowds, "connect", s.addr)
	if s.Len() != n {
		t.Fatalf("%d sockets, want %d", s.Len(), n)
	}
	all(t, crowds, "idle", "")
	during := measure()
	t.Logf("idle: %d descriptors, %d goroutines, %d bytes of heap a client",
		during.files, during.goroutines, (during.heap-before.heap)/n)
	// What tells the engines apart.
	if idle := during.goroutines - before.goroutines; engine == "epoll" && idle > n/4 || engine == "goroutine" && idle < n {
		t.Errorf("%d goroutines for %d idle clients", idle, n)
	}
	must(t, s.To(allRooms()...).Emit("news", strings.Repeat("x", 100)))
	all(t, crowds, "news", "")
	all(t, crowds, "leave", "")
	await(t, "sockets leave", func() bool { return s.Len() == 0 })
	for r, err := range s.In(allRooms()...).FetchSockets(t.Context()) {
		t.Fatalf("%v is in a room still (%v)", r, err)
	}
}
