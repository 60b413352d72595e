package session

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/packet"
)

const sec = time.Second

// Node's defaults, and revision 1's (revision-1.md §7.1).
var (
	engineTimers = Timers{Interval: 25 * sec, Timeout: 20 * sec, Close: 45 * sec, Upgrade: 10 * sec}
	rev1Timers   = Timers{Interval: 25 * sec, Timeout: 60 * sec, Poll: 20 * sec, Close: 60 * sec, Unopened: 60 * sec}
)

// testConfig returns a prepared configuration whose handler is h.
func testConfig(g *generation.Generation, h Handler) *Config {
	c := &Config{
		Generation: g, Handler: h, Timers: engineTimers, Upgrades: []string{"websocket"},
		Limits: Limits{MaxPayload: 1e6, PayloadPackets: 100},
		ID:     func(*Session) string { return "sid" },
	}
	if g.Rules.PathHandshake {
		c.Timers, c.Upgrades = rev1Timers, nil
	}
	c.Init()
	return c
}

// A recorder is a handler that notes what it is told.
type recorder struct {
	mu        sync.Mutex
	log       []string // "opened", "taken", "closed: <reason>", and messages as "m:<data>"
	onMessage func(s *Session, p packet.Packet) error
	onOpened  func(s *Session)
}

func (r *recorder) note(format string, args ...any) {
	r.mu.Lock()
	r.log = append(r.log, fmt.Sprintf(format, args...))
	r.mu.Unlock()
}

func (r *recorder) Opened(s *Session) {
	r.note("opened")
	if r.onOpened != nil {
		r.onOpened(s)
	}
}

func (r *recorder) Message(s *Session, p packet.Packet) error {
	what := string(p.Data) + string(p.Args.JSON)
	for _, a := range p.Args.Attachments {
		what += "+" + string(a.Data)
	}
	r.note("m:%s", what)
	if r.onMessage != nil {
		return r.onMessage(s, p)
	}
	return nil
}

func (r *recorder) Leaving(*Session) {}
func (r *recorder) Taken(*Session)   {}

func (r *recorder) Closed(_ *Session, reason Reason) { r.note("closed: %s", reason) }

// messages returns what the handler got, without "m:".
func (r *recorder) messages() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.log {
		if m, ok := strings.CutPrefix(l, "m:"); ok {
			out = append(out, m)
		}
	}
	return out
}

// ends returns the reasons of the ends that were told.
func (r *recorder) ends() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.log {
		if m, ok := strings.CutPrefix(l, "closed: "); ok {
			out = append(out, m)
		}
	}
	return out
}

// A fake is a transport that does nothing by itself.
type fake struct {
	woken   int
	resumed int
	closed  []Reason
}

func (f *fake) Wake()          { f.woken++ }
func (f *fake) Resume()        { f.resumed++ }
func (f *fake) Go(Job) bool    { return false }
func (f *fake) Yield()         {}
func (f *fake) Close(r Reason) { f.closed = append(f.closed, r) }

// A rig is a session with what a test of it needs.
type rig struct {
	t *testing.T
	*Session
	cfg *Config
	rec *recorder
	now time.Duration // what calls are given
}

func newRig(t *testing.T, g *generation.Generation, change ...func(*Config)) *rig {
	t.Helper()
	b := &rig{t: t, rec: new(recorder), now: sec}
	b.cfg = testConfig(g, b.rec)
	for _, f := range change {
		f(b.cfg)
	}
	b.Session = New(b.cfg, b.now)
	return b
}

// newPolling returns a session that is open on polling, with nothing to say.
func newPolling(t *testing.T, g *generation.Generation, change ...func(*Config)) *rig {
	t.Helper()
	b := newRig(t, g, change...)
	p := b.get()
	if g.Rules.PathHandshake {
		b.push("hello")
	}
	b.answer(p)
	return b
}

// streaming returns a session that was born on a stream, with nothing to say.
func streaming(t *testing.T, g *generation.Generation, change ...func(*Config)) (*rig, *fake) {
	t.Helper()
	b := newRig(t, g, change...)
	ws := new(fake)
	b.check(b.Bind(b.now, ws), nil)
	for {
		casts, status := b.TakeStream(ws, nil, 1<<20)
		if status == Wait {
			return b, ws
		}
		_ = casts
		b.Done(b.now, ws, true)
	}
}

// check fails the test unless err is want.
func (b *rig) check(err, want error) {
	b.t.Helper()
	if err != want {
		b.t.Fatalf("error %v, want %v", err, want)
	}
}

// get lets a poll come, which must be accepted.
func (b *rig) get() *fake {
	b.t.Helper()
	p := new(fake)
	b.check(b.Poll(b.now, p, false), nil)
	return p
}

// push pushes a text message, and wakes.
func (b *rig) push(text string) {
	b.t.Helper()
	wake, err := b.Push(text2cast(b.cfg.Generation, text, false))
	b.check(err, nil)
	if wake != nil {
		wake.Wake()
	}
}

func text2cast(g *generation.Generation, text string, volatile bool) *Cast {
	p := packet.Packet{Type: packet.Text, Namespace: "/", Data: []byte(text)}
	if g == &generation.Revision5 {
		p = packet.Packet{Type: packet.Event, Namespace: "/", Name: text}
	}
	return NewSingle(p, volatile)
}

// take returns what the poll p, or the stream p, is lent, as link messages.
func (b *rig) take(p *fake) ([]string, Status) {
	b.t.Helper()
	b.mu.Lock()
	stream := p == b.stream || b.Session.probe() != nil && p == b.Session.probe().t
	b.mu.Unlock()
	if stream {
		casts, status := b.TakeStream(p, nil, 1<<20)
		return b.texts(casts), status
	}
	casts, status := b.TakePoll(p, nil, 1<<20)
	return b.texts(casts), status
}

// wait checks that p must wait.
func (b *rig) wait(p *fake) {
	b.t.Helper()
	if got, status := b.take(p); status != Wait {
		b.t.Fatalf("took %q (status %d), want to wait", got, status)
	}
}

// texts returns the messages of casts; binary ones as "<data>".
func (b *rig) texts(casts []*Cast) (out []string) {
	for _, c := range casts {
		e := c.For(b.cfg.Generation)
		for _, m := range e.Messages {
			if m.Binary {
				out = append(out, "<"+string(m.Data)+">")
			} else {
				out = append(out, string(m.Data))
			}
		}
	}
	return out
}

// answer lets p take and settle, and checks that it takes want, if given.
func (b *rig) answer(p *fake, want ...string) {
	b.t.Helper()
	got, status := b.take(p)
	if status == Wait {
		b.t.Fatalf("nothing to take, want %q", want)
	}
	if want != nil && !slices.Equal(got, want) {
		b.t.Fatalf("took %q, want %q", got, want)
	}
	b.Done(b.now, p, true)
}

// recv lets t receive text, which must be no offence.
func (b *rig) recv(t *fake, text string) {
	b.t.Helper()
	b.check(b.Receive(b.now, t, []byte(text), false), nil)
}

// post lets a POST with body come and go.
func (b *rig) post(body string) {
	b.t.Helper()
	turn, err := b.BeginPost(b.now)
	b.check(err, nil)
	b.check(b.ReceivePayload(b.now, []byte(body)), nil)
	b.EndPost(turn)
}

// ended checks that the handler was told the end, once, with this reason.
func (b *rig) ended(want Reason) {
	b.t.Helper()
	if got := b.rec.ends(); len(got) != 1 || got[0] != string(want) {
		b.t.Fatalf("ends %q, want %q", got, want)
	}
}

// alive checks that the session did not end.
func (b *rig) alive() {
	b.t.Helper()
	if got := b.rec.ends(); len(got) != 0 || b.phase != open {
		b.t.Fatalf("ended: %q", got)
	}
}

// at lets the time be d after the beginning of the session, and ticks if due.
func (b *rig) at(d time.Duration) {
	b.t.Helper()
	b.now = sec + d
	for range 100 {
		at := b.Deadline()
		if at == 0 || at > b.now {
			return
		}
		if next := b.Tick(b.now); next != 0 && next <= b.now {
			b.t.Fatalf("Tick(%v) wants to be called at %v", b.now, next)
		}
	}
	b.t.Fatal("the clock stands still")
}
