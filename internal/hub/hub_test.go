package hub

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/internal/parser"
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/packet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a hub with sessions of every generation, without transports.
type rig struct {
	*Hub
	configs []*session.Config
}

func newRig(change func(*Config)) *rig {
	cfg := Config{
		Context: context.Background(), Logger: slog.New(slog.DiscardHandler), NodeID: "n",
		Now:         func() time.Duration { return time.Second },
		InboxEvents: 256, InboxBytes: 1 << 20, MaxNamespaces: 100, MaxPendingAcks: 1000,
	}
	if change != nil {
		change(&cfg)
	}
	r := &rig{Hub: New(cfg)}
	for i, g := range generation.All {
		own := *g
		own.Index = i
		c := &session.Config{
			Generation: &own, Handler: r.Hub, Decoding: parser.Limits{Depth: 128},
			ID: func(*session.Session) string { return "sid" },
		}
		c.Init()
		r.configs = append(r.configs, c)
	}
	r.Namespace("/")
	return r
}

// wire is a stream that takes everything at once, and counts what it took.
type wire struct {
	sess *session.Session
	g    *generation.Generation

	mu    sync.Mutex
	took  int
	bytes int
	batch [16]*session.Cast
}

func (w *wire) Resume()              {}
func (w *wire) Go(session.Job) bool  { return false }
func (w *wire) Yield()               {}
func (w *wire) Close(session.Reason) {}

func (w *wire) Wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		casts, status := w.sess.TakeStream(w, w.batch[:0], 1<<20)
		switch status {
		case session.Hold:
			w.sess.LetGo(&wire{}) // not this one's
			go w.sess.LetGo(w)    // which wakes it
			return
		case session.Wait:
			return
		}
		for _, c := range casts {
			w.bytes += len(c.For(w.g).Frames)
		}
		w.took += len(casts)
		w.sess.Done(time.Second, w, true)
		if status == session.Final {
			return
		}
	}
}

func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.took
}

// connect opens a session of the i-th generation that has joined "/", and waits until
// it is visible.
func (r *rig) connect(t testing.TB, i int) (*wire, *Socket) {
	t.Helper()
	cfg := r.configs[i%len(r.configs)]
	w := &wire{sess: session.New(cfg, time.Second), g: cfg.Generation}
	if err := w.sess.Bind(time.Second, w); err != nil {
		t.Fatal(err)
	}
	if !cfg.Generation.Rules.JoinsMain {
		w.receive(t, "40")
	}
	c := w.sess.User.(*Client)
	<-c.idle()
	c.mu.Lock()
	defer c.mu.Unlock()
	return w, c.socket("/")
}

func (w *wire) receive(t testing.TB, message string) {
	if err := w.sess.Receive(time.Second, w, []byte(message), false); err != nil {
		t.Error(err)
	}
}

// event is an event called name in the words of the wire's generation.
func (w *wire) event(name string) string {
	if w.g.Rules.JoinsMain {
		return `5:::{"name":"` + name + `","args":[1]}`
	}
	return `42["` + name + `",1]`
}

// TestNothingIsLeft: rooms vanish with their last member, sockets with their session.
func TestNothingIsLeft(t *testing.T) { synctest.Test(t, nothingIsLeft) }

func nothingIsLeft(t *testing.T) {
	r := newRig(nil)
	ns := r.Namespace("/")
	var wires []*wire
	var sockets []*Socket
	for i := range 10 {
		w, s := r.connect(t, i)
		wires, sockets = append(wires, w), append(sockets, s)
		for k := range 40 {
			if err := s.Join(fmt.Sprint("room ", k%(i+1), k)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, s := range sockets[:5] {
		for _, name := range s.Rooms() {
			s.Leave(name)
		}
		if got := s.Rooms(); len(got) != 1 || got[0] != s.ID() {
			t.Errorf("rooms %q", got)
		}
	}
	for i, w := range wires {
		switch i % 3 {
		case 0:
			w.sess.Lost(w, session.TransportClose)
		case 1:
			sockets[i].Disconnect(true)
		case 2:
			ns.Disconnect(Broadcast{Rooms: []string{sockets[i].ID()}}, true)
		}
	}
	synctest.Wait()
	for i := range ns.shards {
		if sh := &ns.shards[i]; len(sh.rooms) != 0 || sh.sockets.Len() != 0 {
			t.Errorf("shard %d has %d rooms, %d sockets", i, len(sh.rooms), sh.sockets.Len())
		}
	}
	if len(ns.all.sockets) != 0 || len(r.clients.all()) != 0 {
		t.Errorf("%d sockets, %d clients", len(ns.all.sockets), len(r.clients.all()))
	}
	if err := sockets[0].Join("late"); err != ErrClosed {
		t.Errorf("late: %v", err)
	}
}

// TestPendingAcksAreBounded: what was answered is forgotten, even behind a call that
// waits for ever.
func TestPendingAcksAreBounded(t *testing.T) {
	p := &pendingAcks{calls: make(map[uint64]*call)}
	first := &call{answer: make(chan answer, 1)}
	p.add(1, first, 3)
	for id := uint64(2); id < 1000; id++ {
		if p.add(id, &call{}, 3) != nil {
			t.Fatal("evicted")
		}
		if p.take(id) == nil || p.take(id) != nil {
			t.Fatal("taken not once")
		}
		if len(p.order) > 20 {
			t.Fatalf("%d are remembered", len(p.order))
		}
	}
	p.add(1001, &call{}, 3)
	p.add(1002, &call{}, 3)
	if got := p.add(1003, &call{}, 3); got != first {
		t.Error("the oldest is not the one to give way")
	}
	if len(p.calls) != 3 {
		t.Errorf("%d are pending", len(p.calls))
	}
}

// TestInboxCounts: what the inbox counts is what is in it, through every ending.
func TestInboxCounts(t *testing.T) {
	for _, end := range []session.Reason{session.TransportClose, session.ServerDisconnect} {
		r := newRig(func(c *Config) { c.InboxEvents = 3 })
		let, entered := make(chan struct{}), make(chan struct{}, 5)
		handled := 0
		r.Namespace("/").HandleEvent("e", func(*Event) { entered <- struct{}{}; <-let; handled++ })
		w, s := r.connect(t, 1)
		for range 5 {
			w.receive(t, w.event("e"))
		}
		<-entered
		if !w.sess.Paused() {
			t.Error("reading goes on")
		}
		if end == session.ServerDisconnect {
			s.Disconnect(true)
		} else {
			w.sess.Lost(w, end)
		}
		c := w.sess.User.(*Client)
		close(let)
		<-c.idle()
		if c.inbox.events != 0 || c.inbox.bytes != 0 || s.last != nil {
			t.Errorf("%s: left %d events, %d bytes", end, c.inbox.events, c.inbox.bytes)
		}
		if want := map[bool]int{true: 5, false: 1}[end == session.TransportClose]; handled != want {
			t.Errorf("%s: %d handled, want %d", end, handled, want)
		}
	}
}

// TestPauseIsNotOvertaken: handlers that make room while reading is being paused must
// not leave it paused for ever.
func TestPauseIsNotOvertaken(t *testing.T) {
	r := newRig(func(c *Config) { c.InboxEvents = 1 })
	done := make(chan struct{}, 1)
	r.Namespace("/").HandleEvent("e", func(*Event) { done <- struct{}{} })
	w, _ := r.connect(t, 1)
	for range 20_000 {
		w.receive(t, w.event("e"))
		<-done
		if resumed := w.sess.Resumed(); resumed != nil {
			<-resumed // the test's own time is the limit
		}
	}
	w.sess.Lost(w, session.TransportClose)
}

// TestAnsweredIsSeen: who has read the answer to a Connect is reached by what is sent to
// all, and to a room that the middleware had it join, though the answer is read in the
// moment in which it is queued.
func TestAnsweredIsSeen(t *testing.T) { synctest.Test(t, answeredIsSeen) }

func answeredIsSeen(t *testing.T) {
	r := newRig(nil)
	ns := r.Namespace("/")
	ns.HandleUse(func(_ context.Context, s *Socket) error { return s.Join("early") })
	latest := r.configs[len(r.configs)-1]
	hello := packet.Packet{Type: packet.Event, Name: "hello"}
	for range 2000 {
		w := &wire{sess: session.New(latest, time.Second), g: latest.Generation}
		if err := w.sess.Bind(time.Second, w); err != nil {
			t.Fatal(err)
		}
		sent := make(chan struct{})
		go func() { // ends when it has read the answer
			defer close(sent)
			for w.count() == 0 {
				w.Wake()
			}
			_ = ns.Broadcast(hello, Broadcast{})
			_ = ns.Broadcast(hello, Broadcast{Rooms: []string{"early"}})
		}()
		w.receive(t, "40")
		<-sent
		synctest.Wait()
		if n := w.count(); n != 3 {
			t.Fatalf("took %d of the answer and two events", n)
		}
		w.sess.Lost(w, session.TransportClose)
	}
}

// TestRefusalData: whatever the application says is sent as good JSON.
func TestRefusalData(t *testing.T) {
	for _, tt := range []struct{ r Refusal }{
		{Refusal{Message: `a"b` + "\u2028", Data: []byte(`{"x":1}`)}},
		{Refusal{Message: "m", Data: []byte(`{broken`)}},
		{Refusal{Message: strings.Repeat("\xff", 3)}},
	} {
		if err := parser.Check(tt.r.object(), 0); err != nil {
			t.Errorf("%s: %v", tt.r.object(), err)
		}
	}
}

func TestReserved(t *testing.T) {
	for name, want := range map[string]bool{"connect": true, "newListener": true, "error": false, "Connect": false, "": false} {
		if Reserved(name) != want {
			t.Errorf("Reserved(%q)", name)
		}
	}
	r := newRig(nil)
	if err := r.Namespace("/").Broadcast(packet.Packet{Type: packet.Event, Name: "connect"}, Broadcast{}); err != ErrReserved {
		t.Errorf("err = %v", err)
	}
}
