package session

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/packet"
)

// A meddler is a transport that does to its session whatever a transport may, from
// within each of its methods. It would lock itself out if one were called with mu
// held.
type meddler struct {
	s     *Session
	depth int
}

func (m *meddler) Wake()        { m.meddle() }
func (m *meddler) Resume()      { m.meddle() }
func (m *meddler) Go(Job) bool  { return false }
func (m *meddler) Yield()       {}
func (m *meddler) Close(Reason) { m.meddle(); m.s.Lost(m, TransportClose) }

func (m *meddler) meddle() {
	if m.depth++; m.depth > 3 {
		return
	}
	s, now := m.s, 2*sec
	if _, status := s.TakeStream(m, nil, 1<<20); status != Wait {
		s.Done(now, m, true)
	}
	if _, status := s.TakePoll(m, nil, 1<<20); status != Wait {
		s.Done(now, m, true)
	}
	wake, _ := s.Push(NewSingle(packet.Packet{Type: packet.Text, Namespace: "/"}, false))
	if wake != nil {
		wake.Wake()
	}
	s.Paused()
	s.Streaming()
	s.Deadline()
	s.Tick(now)
	m.depth--
}

// No method calls a transport, the handler or the owner with mu held.
func TestNoLockIsHeld(t *testing.T) {
	for _, g := range []*generation.Generation{&generation.Revision1, &generation.EngineIO4} {
		b := newRig(t, g, func(c *Config) {
			c.Schedule = func(s *Session) { s.Deadline(); s.Tick(2 * sec) }
			c.Gone = func(s *Session) { s.Deadline(); s.Opened() }
		})
		b.rec.onOpened = func(s *Session) { s.Pause(); s.Resume(); b.push("opened") }
		b.rec.onMessage = func(s *Session, p packet.Packet) error {
			s.Pause()
			s.Resume()
			b.push("answer")
			if string(p.Data) == "end" {
				s.End(b.now, Kick, ServerDisconnect)
			}
			return nil
		}
		message := map[*generation.Generation]string{&generation.Revision1: "3:::", &generation.EngineIO4: "4"}[g]
		p := &meddler{s: b.Session}
		b.check(b.Poll(b.now, p, false), nil)
		b.post(message + "x")
		b.push("a")
		if g.Rules.Upgrades {
			ws := &meddler{s: b.Session}
			b.check(b.Probe(b.now, ws), nil)
			b.check(b.Receive(b.now, ws, []byte("2probe"), false), nil)
			b.check(b.Receive(b.now, ws, []byte("5"), false), nil)
			b.check(b.Receive(b.now, ws, []byte("4end"), false), nil)
		} else {
			for range 2 {
				b.check(b.Bind(b.now, &meddler{s: b.Session}), nil)
			}
			b.check(b.Poll(b.now, &meddler{s: b.Session}, false), nil)
			b.post("3:::end")
		}
		b.Session.Fail(TransportError)
		b.ended(ServerDisconnect)
	}
}

// A racer is a client and its transports: it polls until its WebSocket has the
// session, and reads everything in order.
type racer struct {
	s    *Session
	now  func() time.Duration
	wg   sync.WaitGroup
	mu   sync.Mutex
	got  []string
	stop chan struct{} // the session has gone
}

type racing struct{ wake chan struct{} }

func (r *racing) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}
func (r *racing) Resume()      {}
func (r *racing) Go(Job) bool  { return false }
func (r *racing) Yield()       {}
func (r *racing) Close(Reason) { r.Wake() }

// read notes what the client gets: in order, as only who has the lease calls it.
func (r *racer) read(casts []*Cast) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range casts {
		for _, m := range c.For(r.s.Generation()).Messages {
			if m.Data[0] == '4' {
				r.got = append(r.got, string(m.Data[1:]))
			}
		}
	}
}

// poll polls until the session refuses it.
func (r *racer) poll() {
	defer r.wg.Done()
	for {
		p := &racing{wake: make(chan struct{}, 1)}
		if r.s.Poll(r.now(), p, false) != nil {
			return
		}
		for {
			casts, status := r.s.TakePoll(p, nil, 200)
			if status != Wait {
				r.read(casts)
				r.s.Done(r.now(), p, true)
				break
			}
			<-p.wake
		}
	}
}

// stream takes the session over, and reads to its end.
func (r *racer) stream(ws *racing, upgraded chan<- struct{}) {
	defer r.wg.Done()
	_ = r.s.Receive(r.now(), ws, []byte("2probe"), false)
	for sent := false; ; {
		casts, status := r.s.TakeStream(ws, nil, 200)
		if status == Wait {
			<-ws.wake
			continue
		}
		r.read(casts)
		r.s.Done(r.now(), ws, true)
		if status == Final {
			return
		}
		if !sent {
			sent = true
			_ = r.s.Receive(r.now(), ws, []byte("5"), false)
			close(upgraded)
		}
	}
}

// TestRace lets many push, and one client poll, post, upgrade and be thrown out, all
// at once. Everything arrives, in the order of each sender. (Run it with -race.)
func TestRace(t *testing.T) {
	const pushers, each = 8, 500
	rec := new(recorder)
	cfg := testConfig(&generation.EngineIO4, rec)
	began := time.Now()
	r := &racer{now: func() time.Duration { return sec + time.Since(began) }, stop: make(chan struct{})}
	cfg.Gone = func(*Session) { close(r.stop) }
	r.s = New(cfg, r.now())
	opened := make(chan struct{})
	rec.onOpened = func(*Session) { close(opened) }
	rec.onMessage = func(s *Session, _ packet.Packet) error { s.Pause(); s.Resume(); return nil }

	r.wg.Add(1)
	go r.poll()
	<-opened
	var push sync.WaitGroup
	half := make(chan struct{}, pushers)
	for i := range pushers {
		push.Go(func() { r.push(t, i, each, half) })
	}
	r.wg.Add(1)
	go r.tick()
	posted := r.post(t, each)
	for range pushers {
		<-half
	}
	ws := &racing{wake: make(chan struct{}, 1)}
	if err := r.s.Probe(r.now(), ws); err != nil {
		t.Fatal(err)
	}
	upgraded := make(chan struct{})
	r.wg.Add(1)
	go r.stream(ws, upgraded)
	<-upgraded
	for n := range each {
		_ = r.s.Receive(r.now(), ws, fmt.Appendf(nil, "4%d", posted+n), false)
	}
	push.Wait()
	r.s.End(r.now(), Kick, ServerDisconnect)
	r.wg.Wait()
	r.check(t, pushers, each)
	for n, m := range rec.messages() {
		if m != strconv.Itoa(n) {
			t.Fatalf("message %d is %q", n, m)
		}
	}
	if got := rec.ends(); !slices.Equal(got, []string{string(ServerDisconnect)}) || len(rec.messages()) != posted+each {
		t.Fatalf("ends %q, %d messages", got, len(rec.messages()))
	}
}

// push pushes each messages, as pusher i, and says when half of them are pushed.
func (r *racer) push(t *testing.T, i, each int, half chan<- struct{}) {
	for n := range each {
		if n == each/2 {
			half <- struct{}{}
		}
		wake, err := r.s.Push(NewSingle(packet.Packet{Type: packet.Text, Data: fmt.Appendf(nil, "%d:%d", i, n)}, false))
		if err != nil {
			t.Error(err)
		}
		if wake != nil {
			wake.Wake()
		}
	}
}

// post lets the client post n messages, one after the other.
func (r *racer) post(t *testing.T, n int) int {
	for i := range n {
		turn, err := r.s.BeginPost(r.now())
		if err != nil {
			t.Fatal(err)
		}
		if err := r.s.ReceivePayload(r.now(), fmt.Appendf(nil, "4%d", i)); err != nil {
			t.Error(err)
		}
		r.s.EndPost(turn)
	}
	return n
}

// tick turns the clock until the session has gone.
func (r *racer) tick() {
	defer r.wg.Done()
	for {
		select {
		case <-r.stop:
			return
		default:
			r.s.Tick(r.now())
			r.s.Deadline()
			runtime.Gosched()
		}
	}
}

// check: each pusher's messages came, once and in order.
func (r *racer) check(t *testing.T, pushers, each int) {
	next := make([]int, pushers)
	for _, m := range r.got {
		var i, n int
		if _, err := fmt.Sscanf(m, "%d:%d", &i, &n); err != nil || n != next[i] {
			t.Fatalf("got %q, pusher %d is at %d", m, i, next[i])
		}
		next[i]++
	}
	for i, n := range next {
		if n != each {
			t.Fatalf("%d of pusher %d's", n, i)
		}
	}
}
