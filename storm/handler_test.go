package storm

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
)

// A bench is a server whose handlers misbehave.
type bench struct {
	*site
	release chan struct{} // what "block" waits for
	end     chan struct{} // what "never" waits for: the test's end

	mu      sync.Mutex
	handled map[string][]int // by the client's name: the numbers of its events
}

func newBench(t *testing.T, engine string) *bench {
	t.Helper()
	b := &bench{
		site: serve(t, engine, socketio.Options{
			PingInterval: 300 * time.Millisecond, PingTimeout: patience,
			Revision1: socketio.Revision1{HeartbeatInterval: 300 * time.Millisecond, HeartbeatTimeout: patience},
		}, nil),
		release: make(chan struct{}), end: make(chan struct{}), handled: make(map[string][]int),
	}
	registerEcho(b)
	other := b.Of("/other")
	registerEcho(other)
	b.On("block", func(*socketio.Socket, *socketio.Event) { <-b.release })
	b.On("never", func(*socketio.Socket, *socketio.Event) { <-b.end })
	b.On("panic", func(*socketio.Socket, *socketio.Event) { panic("of the test") })
	b.On("goexit", func(*socketio.Socket, *socketio.Event) { runtime.Goexit() })
	b.On("burn", func(*socketio.Socket, *socketio.Event) {
		for begin := time.Now(); time.Since(begin) < 50*time.Millisecond; {
		}
	})
	b.On("call", func(s *socketio.Socket, _ *socketio.Event) {
		ctx, cancel := context.WithTimeout(s.Context(), patience)
		defer cancel()
		answer, err := s.EmitWithAck(ctx, "question")
		_ = s.Emit("answered", fmt.Sprint(answer, err))
	})
	socketio.On(b, "number", func(s *socketio.Socket, a numbered) {
		b.mu.Lock()
		b.handled[a.Name] = append(b.handled[a.Name], a.Number)
		b.mu.Unlock()
	})
	return b
}

type numbered struct {
	socketio.Tuple
	Name   string
	Number int
}

// A bad client makes the server's handlers misbehave, and numbers what it sends after.
type bad struct {
	*client
	name  string
	does  string
	count int
}

// behind is how many events a client sends behind the one that misbehaves.
const behind = 50

// begin sends an event whose handler misbehaves, and numbered ones behind it.
func (c *bad) begin() error {
	if err := c.emit(c.does, ""); err != nil {
		return err
	}
	for range behind {
		if err := c.number(); err != nil {
			return err
		}
	}
	return nil
}

func (c *bad) number() error {
	c.count++
	return c.emit("number", fmt.Sprintf("%q,%d", c.name, c.count))
}

// stuck holds that whatever the client's handler does, its heartbeats, pongs and
// answers are taken.
func (c *bad) stuck() error {
	if err := c.Send(ping("are you there")); err != nil {
		return err
	}
	if _, err := c.until("pong", "echo"); err != nil {
		return err
	}
	for range 2 {
		if _, err := c.until("beat"); err != nil {
			return err
		}
	}
	return nil
}

// TestHandlers: handlers that block, panic, end their goroutine, never return, burn
// CPU or wait for their own client keep nobody else from being served, and their own
// client only from having its next event handled.
func TestHandlers(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		for _, procs := range []int{1, 4} {
			t.Run(fmt.Sprintf("GOMAXPROCS=%d", procs), func(t *testing.T) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				handlers(t, engine)
			})
		}
	})
}

func handlers(t *testing.T, engine string) {
	b := newBench(t, engine)
	before := measure()
	ch := b.chorus(8)
	each := sized(6, 2) // of a kind; many more than there are processors
	var all []*bad
	for _, does := range []string{"block", "never", "panic", "goexit", "burn"} {
		for i := range each {
			c := &bad{client: b.connect(i%2 == 1), name: does + strconv.Itoa(i), does: does}
			all = append(all, c)
			must(t, c.begin())
		}
	}
	b.calls(each)
	b.twoNamespaces()
	var heard sync.WaitGroup
	for _, c := range all {
		if c.does == "block" || c.does == "never" {
			heard.Go(func() {
				if err := c.stuck(); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
			})
		}
	}
	heard.Wait()
	at := ch.echoes.Load()
	await(t, "the others are served", func() bool { return ch.echoes.Load() >= at+200 })
	for _, c := range all {
		must(t, c.number()) // more, while it is blocked
		switch n := b.numbers(c.name); {
		case (c.does == "block" || c.does == "never") && len(n) > 0:
			t.Errorf("%s: %v were handled while a handler had not returned", c.name, n)
		case c.does != "block" && c.does != "never":
			b.ordered(c)
		}
	}
	close(b.release)
	for _, c := range all {
		if c.does == "block" {
			b.ordered(c)
		}
	}
	ch.end(t)
	close(b.end)
	for _, c := range all {
		b.ordered(c)
		must(t, c.leave())
	}
	b.settled(before)
}

func (b *bench) numbers(name string) []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.handled[name]
}

// ordered waits until all that a client sent is handled, and holds that it was in order.
func (b *bench) ordered(c *bad) {
	b.t.Helper()
	await(b.t, c.name+": events are handled", func() bool { return len(b.numbers(c.name)) >= c.count })
	for i, n := range b.numbers(c.name) {
		if n != i+1 {
			b.t.Errorf("%s: number %d was handled at place %d", c.name, n, i+1)
			return
		}
	}
}

// calls has handlers wait for an answer of their own client, which comes behind other
// events.
func (b *bench) calls(n int) {
	b.t.Helper()
	for i := range n {
		c := &bad{client: b.connect(i%2 == 1), name: "call" + strconv.Itoa(i), does: "call"}
		must(b.t, c.begin())
		m, err := c.until("question")
		must(b.t, err)
		if got := b.numbers(c.name); len(got) > 0 {
			b.t.Errorf("%s: %v were handled while a handler waited", c.name, got)
		}
		must(b.t, c.answer(m, `"yes"`))
		if m, err := c.until("answered"); err != nil || !strings.Contains(m.args, "yes") {
			b.t.Errorf("%s: got %v, %v", c.name, m, err)
		}
		b.ordered(c)
		must(b.t, c.leave())
	}
}

// twoNamespaces: a handler that blocks in one namespace of a client leaves the other
// alone. What it blocks it keeps until the test ends.
func (b *bench) twoNamespaces() {
	b.t.Helper()
	for _, rev1 := range revisions {
		c := b.connect(rev1)
		must(b.t, c.WriteText(map[bool]string{true: "1::/other", false: "40/other,"}[rev1]))
		_, err := c.until("connect")
		must(b.t, err)
		must(b.t, c.emit("never", ""))
		for i := range 20 {
			must(b.t, c.WriteText(c.event("/other", "", "echo", strconv.Itoa(i))))
			if m, err := c.until("echo"); err != nil || m.args != strconv.Itoa(i) || m.ns != "/other" {
				b.t.Errorf("the other namespace of a blocked client: got %v, %v", m, err)
			}
		}
		c.reset()
	}
}
