package session

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/packet"
)

// TestModel drives sessions through orders of events that no one would think of, and
// holds them against what must be true whatever the order is. See (*model).check.
func TestModel(t *testing.T) {
	for _, g := range []*generation.Generation{&generation.Revision1, &generation.Revision5, &generation.EngineIO4} {
		t.Run(g.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := newModel(t, g)
				defer func() { released = nil }()
				t.Repeat(m.actions())
				m.finale()
			})
		})
	}
}

// maxCasts is so small that the bound is met now and then.
const maxCasts = 6

// A carrier is a transport of the model: a connection with its client.
type carrier struct {
	m       *model
	name    string
	poll    bool
	probe   bool
	woken   bool // since it was last told to wait
	writing bool // a lease, or another answer, is on its way
	final   bool
	stopped bool // it reads no further until it is told to
	holds   bool // it is to call LetGo
	over    bool // answered, or its connection has ended
	lease   []*Cast
}

func (c *carrier) Wake()       { c.woken = true }
func (c *carrier) Resume()     { c.stopped = false }
func (c *carrier) Go(Job) bool { return false }
func (c *carrier) Yield()      {}

// Close: a poll still takes its answer; a stream lets go, whatever it was writing.
func (c *carrier) Close(Reason) {
	if c.poll {
		c.woken = true
		return
	}
	c.over = true
}

// A post is a POST on its way.
type post struct {
	turn  Turn
	tried bool // its body was handed over, or never came
}

// A model is a session, its clients and what must become of them.
type model struct {
	*rapid.T
	s     *Session
	g     *generation.Generation
	rec   *recorder
	now   time.Duration
	armed time.Duration // when the owner of the clock means to tick
	gone  int

	carriers []*carrier
	carrying *carrier // the stream that the client is on
	posts    []*post
	late     []Transport // to wake

	ids       map[*Cast]int // of the casts that were taken in
	singles   []*Cast
	freed     map[*Cast]int
	pushed    []int // in order, without the volatile ones that were dropped
	delivered []int
	received  []string // what the handler must have got
	seq       int
	attaching string // the head of a packet whose attachment is due
}

func newModel(t *rapid.T, g *generation.Generation) *model {
	m := &model{T: t, g: g, rec: new(recorder), now: sec, ids: map[*Cast]int{}, freed: map[*Cast]int{}}
	released = func(c *Cast) { m.freed[c]++ }
	cfg := testConfig(g, m.rec)
	cfg.Limits.OutboxCasts = maxCasts
	if !g.Rules.PathHandshake {
		cfg.Timers.Join = 45 * sec
	}
	cfg.Schedule = func(s *Session) { m.armed = s.Deadline() }
	cfg.Gone = func(*Session) { m.gone++ }
	m.s = New(cfg, m.now)
	m.armed = m.s.Deadline()
	if !g.Rules.PathHandshake {
		// The session exists by its first request.
		if rapid.Bool().Draw(t, "born on polling") {
			m.get()
		} else {
			m.bind()
		}
	}
	return m
}

func (m *model) actions() map[string]func(*rapid.T) {
	simple := map[string]func(){
		"push": m.push, "push volatile": m.pushVolatile, "push attachment": m.pushAttachment, "push shared": m.pushShared,
		"push connect": m.pushConnect, "let go": m.letGo,
		"GET": m.get, "take": m.take, "take unasked": m.takeUnasked, "written": m.written, "write fails": m.writeFails,
		"GET cancelled": m.cancel, "POST": m.beginPost, "POST body": m.postBody, "POST ends": m.endPost,
		"bind": m.bind, "probe": m.probe, "probe asks": m.probeAsks, "probe upgrades": m.probeUpgrades,
		"stream message": m.streamMessage, "stream lost": m.streamLost, "time": m.time, "joined": m.s.Joined,
		"pause": m.s.Pause, "resume": m.s.Resume, "pong": m.pong, "client close": m.clientClose, "end": m.end,
		"overflow": m.overflow, "round": m.round, "POST whole": m.wholePost, "flush": m.flush, "probe, asked": m.probeAsked,
	}
	all := map[string]func(*rapid.T){"": func(*rapid.T) { m.check() }}
	for name, f := range simple {
		all[name] = func(t *rapid.T) {
			m.T = t
			f()
		}
	}
	return all
}

// end ends the session from the server's side; not often, or nothing else happens.
func (m *model) end() {
	switch rapid.IntRange(1, 20).Draw(m.T, "how") {
	case 18:
		m.s.End(m.now, Kick, ServerDisconnect)
	case 19:
		m.s.End(m.now, Drain, ServerShutdown)
	case 20:
		m.s.Fail(TransportError)
	}
}

// rarely reports true one time in n: for what ends sessions, or they would be short.
func (m *model) rarely(n int) bool { return rapid.IntRange(1, n).Draw(m.T, "rarely") == n }

// time lets time go by, in steps that reach some deadlines exactly.
func (m *model) time() {
	if !m.rarely(3) {
		m.pong() // most clients live
	}
	step := time.Duration(rapid.IntRange(0, 15).Draw(m.T, "seconds")) * sec
	m.now += step
	if m.armed != 0 && rapid.Bool().Draw(m.T, "on time") {
		m.now = max(m.now-step, m.armed)
	}
	if m.armed != 0 && m.armed <= m.now || m.rarely(5) {
		m.tick()
	}
}

func (m *model) tick() {
	m.armed = m.s.Tick(m.now)
	if m.armed != 0 && m.armed <= m.now {
		m.Fatalf("Tick(%v) wants to be called at %v", m.now, m.armed)
	}
}

// pick returns one of the carriers that ok says yes to, or nil.
func (m *model) pick(ok func(*carrier) bool) *carrier {
	var list []*carrier
	for _, c := range m.carriers {
		if ok(c) {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return rapid.SampledFrom(list).Draw(m.T, "carrier")
}

func (m *model) add(c *carrier) *carrier {
	c.m, c.name = m, fmt.Sprintf("%d", len(m.carriers))
	m.carriers = append(m.carriers, c)
	return c
}

// single notes a cast that must be released once.
func (m *model) single(p packet.Packet, volatile bool) *Cast {
	c := &Cast{packet: p, volatile: volatile, single: true, size: sizeOf(&p)}
	m.singles = append(m.singles, c)
	return c
}

// message returns the next message to push.
func (m *model) message() packet.Packet {
	m.seq++
	if m.g == &generation.EngineIO4 {
		return packet.Packet{Type: packet.Text, Data: fmt.Append(nil, m.seq)}
	}
	return packet.Packet{Type: packet.Event, Namespace: "/", Name: "m", Args: packet.Args{JSON: fmt.Append(nil, m.seq)}}
}

func (m *model) push()         { m.pushCast(m.single(m.message(), false)) }
func (m *model) pushVolatile() { m.pushCast(m.single(m.message(), true)) }
func (m *model) pushShared()   { m.pushCast(NewCast(m.message(), false)) }

func (m *model) pushAttachment() {
	p := m.message()
	if m.g == &generation.EngineIO4 {
		p.Type = packet.Binary
	} else {
		p.Args = packet.Args{JSON: []byte("null"), Attachments: []packet.Attachment{{Data: fmt.Append(nil, m.seq)}}}
	}
	m.pushCast(m.single(p, false))
}

func (m *model) pushConnect() {
	p := m.message()
	if m.g.Rules.ConnectAlone {
		p = packet.Packet{Type: packet.Connect, Namespace: "/"}
	}
	m.pushCast(m.single(p, false))
}

func (m *model) pushCast(c *Cast) {
	// A volatile cast is taken if it could leave now: THREATS.md, "never queued
	// behind others", and decision 2 of the architecture.
	idle := m.s.out.empty() && m.s.holder() == nil && (m.s.poll() != nil || m.s.stream != nil)
	ended, full := m.s.phase >= closing, m.s.full || m.s.out.waiting() >= maxCasts
	wake, err := m.s.Push(c)
	dropped := c.volatile && !idle
	switch {
	case ended:
		if err != ErrClosed {
			m.Fatalf("push after the end: %v", err)
		}
		return
	case dropped:
		if err != nil || wake != nil {
			m.Fatalf("volatile: %v, %v", wake, err)
		}
		return
	case full:
		if err != ErrClosed || wake == nil {
			m.Fatalf("push beyond the bound: %v, %v", wake, err)
		}
	default:
		if err != nil {
			m.Fatalf("push: %v", err)
		}
		m.ids[c] = m.seq
		m.pushed = append(m.pushed, m.seq)
	}
	switch {
	case wake == nil:
	case full && rapid.Bool().Draw(m.T, "ends late"):
		m.late = append(m.late, wake) // others may push before the session ends
	default:
		wake.Wake()
	}
}

// overflow ends a session whose outbox was full.
func (m *model) overflow() {
	for _, t := range m.late {
		t.Wake()
	}
	m.late = nil
}

// queued returns the ids of what is in the outbox, leased or not.
func (m *model) queued() (ids []int) {
	for _, c := range m.s.out.casts() {
		if id, ok := m.ids[c]; ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// check holds the session against what must be true in every state.
func (m *model) check() {
	s := m.s
	// Nothing is lost, doubled or reordered.
	if got := slices.Concat(m.delivered, m.queued()); s.phase < closed && !slices.Equal(got, m.pushed) {
		m.Fatalf("delivered %v, queued %v, pushed %v", m.delivered, m.queued(), m.pushed)
	}
	if len(m.delivered) > len(m.pushed) || !slices.Equal(m.delivered, m.pushed[:len(m.delivered)]) {
		m.Fatalf("delivered %v of %v", m.delivered, m.pushed)
	}
	if got := m.rec.messages(); !slices.Equal(got, m.received) {
		m.Fatalf("handler got %q, want %q", got, m.received)
	}
	m.checkHandler()
	m.checkWakes()
	// The owner of the clock knows of the earliest deadline.
	if at := s.deadline(); s.phase < closed && at != 0 && (m.armed == 0 || m.armed > at) {
		m.Fatalf("the clock was set to %v, a deadline is at %v", m.armed, at)
	}
	if s.stream != nil && s.poll() != nil || s.upgraded() && s.poll() != nil {
		m.Fatalf("a poll waits beside a stream")
	}
	leases := 0
	for _, c := range m.carriers {
		if c.writing && s.holder() == Transport(c) {
			leases++
		}
	}
	if s.holder() != nil && leases != 1 {
		m.Fatalf("%d leases", leases)
	}
	bytes := 0
	for _, c := range s.out.casts()[s.out.leased:] {
		bytes += c.size
	}
	if bytes != s.out.bytes() {
		m.Fatalf("%d bytes wait, %d are counted", bytes, s.out.bytes())
	}
	for c, n := range m.freed {
		if n > 1 {
			m.Fatalf("cast %d was released %d times", m.ids[c], n)
		}
	}
}

// checkHandler: opened comes first, the end last but for messages under way, once.
func (m *model) checkHandler() {
	m.rec.mu.Lock()
	defer m.rec.mu.Unlock()
	log := m.rec.log
	if len(log) > 0 && log[0] != "opened" {
		m.Fatalf("handler: %q", log)
	}
	for i, l := range log {
		if i > 0 && l == "opened" || len(l) > 6 && l[:6] == "closed" && i != len(log)-1 {
			m.Fatalf("handler: %q", log)
		}
	}
	if m.gone > 1 || m.gone == 1 && m.s.phase != closed || m.gone == 0 && m.s.phase == closed {
		m.Fatalf("phase %d, gone %d times", m.s.phase, m.gone)
	}
	if told := len(log) > 0 && log[len(log)-1] != "opened" && log[len(log)-1][:2] != "m:"; len(log) > 0 && told != (m.s.phase >= closing) {
		m.Fatalf("phase %d, handler: %q", m.s.phase, log)
	}
}

// checkWakes: whoever has something to take was told so since it was told to wait.
func (m *model) checkWakes() {
	s := m.s
	for _, c := range m.carriers {
		if c.stopped && !c.over && s.phase == open && !s.paused {
			m.Fatalf("carrier %s reads no more", c.name)
		}
		if c.over || c.writing || c.woken || c.holds && s.held {
			continue
		}
		t := Transport(c)
		switch {
		case s.holder() != nil && (t == s.stream || t == s.poll()) && s.phase < closed:
			// The lease stands in the way.
		case t == s.stream:
			if s.phase >= closing || s.out.waiting() > 0 {
				m.Fatalf("stream %s sleeps over %v", c.name, m.queued())
			}
		case t == s.poll():
			if s.phase >= closing || s.out.waiting() > 0 || s.noopDue() {
				m.Fatalf("poll %s sleeps over %v", c.name, m.queued())
			}
		case s.probe() != nil && t == s.probe().t:
			if s.probe().owed {
				m.Fatalf("probe %s sleeps over its answer", c.name)
			}
		default:
			m.Fatalf("carrier %s (poll: %t) was forgotten", c.name, c.poll)
		}
	}
}
