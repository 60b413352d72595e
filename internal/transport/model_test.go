package transport

import (
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sockeye-io/socketio/internal/conn"
	"github.com/sockeye-io/socketio/internal/conn/conntest"
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/websocket"
)

// TestModel drives a server, its sessions and their clients through orders of events
// that no one would think of: messages in pieces, short reads and writes, calls that
// fail, ends of all kinds, several of them in one wake-up of a loop. It holds them
// against what must be true whatever the order is. See (*model).check and finale.
//
// It is session's TestModel one level up: only the kernel is made up.
// -rapid.checks and -rapid.steps say how much of it there is.
func TestModel(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				inBubble(t, func() {
					m := newModel(rt, kind)
					defer m.stop()
					rt.Repeat(m.actions())
					m.finale()
				})
			})
		})
	}
}

const (
	onRev1     = "revision 1"
	onHixie    = "revision 1, hixie-76"
	onV5       = "revision 5"
	onUpgraded = "revision 5, upgraded"
)

var kinds = []string{onRev1, onHixie, onV5, onUpgraded}

// maxCasts is met now and then.
const maxCasts = 25

// A model is a rig whose clients do what rapid draws.
type model struct {
	*rapid.T
	*rig
	receive int // the size of a kernel buffer
}

// newModel begins with clients, the first of which is of a kind.
func newModel(t *rapid.T, kind string) *model {
	size := rapid.SampledFrom([]int{conntest.DefaultBuffer, 4000, 700}).Draw(t, "buffers")
	m := &model{T: t, receive: size, rig: newRig(t, rigOptions{send: size, receive: size, casts: maxCasts})}
	for n := rapid.IntRange(1, 3).Draw(t, "clients"); n > 0; n-- {
		m.connect(kind)
		kind = rapid.SampledFrom(kinds).Draw(t, "kind")
	}
	return m
}

// connect has a client come, and say with its request what it may say so early.
func (m *model) connect(kind string) {
	c := newClient(m.rig, kind)
	m.visitor(c.id).echoes = rapid.Bool().Draw(m.T, "echoes")
	c.greet(kind, rapid.SliceOfN(rapid.IntRange(0, 200), 0, 2).Draw(m.T, "early"))
	if v := m.visitor(c.id); v.opened != 1 {
		m.Fatalf("client %d was not served", c.id)
	}
}

func (m *model) actions() map[string]func(*rapid.T) {
	each := map[string]func(*client){
		"push": m.push, "push attachment": m.pushAttachment, "push several": m.pushSeveral,
		"send": m.send, "send in pieces": m.sendPieces, "flush": m.flush, "ping": m.ping,
		"read": m.read, "read all": func(c *client) { c.reads(-1) }, "stop reading": func(c *client) { c.reads(0) },
		"odd read": m.oddRead, "odd write": m.oddWrite, "spurious": m.spurious,
		"reset in a call": m.resetInCall, "FIN": m.finish, "RST": m.reset, "client closes": m.say,
		"end": m.end, "pause": m.pause, "resume": func(c *client) { m.visitor(c.id).resume() },
		"pause soon": m.pauseSoon, "stuck": m.stick, "let go": func(c *client) { m.visitor(c.id).letGo() },
		"answers": m.answers, "probe": m.probe,
	}
	all := map[string]func(*rapid.T){
		"": func(t *rapid.T) {
			if rapid.IntRange(0, 2).Draw(t, "settle") > 0 {
				m.settle()
				m.check()
			}
		},
		"push shared": func(*rapid.T) { m.pushShared() },
		"hold":        func(*rapid.T) { m.hold() },
		"release":     func(*rapid.T) { m.release() },
		"shuffle":     func(*rapid.T) { m.shuffle() },
		"time":        func(*rapid.T) { m.time() },
	}
	for name, f := range each {
		all[name] = func(t *rapid.T) {
			f(m.pick("client"))
		}
	}
	return all
}

// rarely reports true one time in n: for what ends sessions, or they would be short.
func (m *model) rarely(n int) bool { return rapid.IntRange(1, n).Draw(m.T, "rarely") == n }

// pick draws one of the clients.
func (m *model) pick(label string) *client {
	return m.clients[rapid.IntRange(0, len(m.clients)-1).Draw(m.T, label)]
}

// size draws how large a message is.
func (m *model) size() int {
	switch rapid.IntRange(0, 9).Draw(m.T, "size") {
	case 9:
		return 100_000
	case 8:
		return 3_000
	}
	return rapid.IntRange(0, 64).Draw(m.T, "bytes")
}

func (m *model) push(c *client)           { m.pushEvent(c, false) }
func (m *model) pushAttachment(c *client) { m.pushEvent(c, true) }

func (m *model) pushEvent(c *client, attachment bool) {
	v := m.visitor(c.id)
	id := len(c.pushed)
	ended := v.has().closed > 0
	m.pushedTo(c, id, ended, m.single(v.s, event("p", id, m.size(), attachment)))
}

// pushedTo notes what became of a push.
func (m *model) pushedTo(c *client, id int, ended bool, err error) {
	switch {
	case err == nil && ended:
		m.Fatalf("client %d: a push after the end", c.id)
	case err == nil:
		c.pushed = append(c.pushed, id)
	default:
		c.ended = true
	}
}

// pushSeveral pushes events that leave in one write.
func (m *model) pushSeveral(c *client) {
	s := m.visitor(c.id).s
	var wakes []session.Transport
	for n := rapid.IntRange(2, 5).Draw(m.T, "events"); n > 0; n-- {
		id, ended := len(c.pushed), m.visitor(c.id).has().closed > 0
		p := event("p", id, rapid.IntRange(0, 300).Draw(m.T, "bytes"), false)
		m.note(p)
		t, err := m.rig.queue(s, session.NewSingle(p, false))
		wakes = append(wakes, t)
		m.pushedTo(c, id, ended, err)
	}
	for _, t := range wakes {
		if t != nil {
			t.Wake()
		}
	}
}

// pushShared pushes one cast to all, as far as they are at the same number.
func (m *model) pushShared() {
	id := len(m.pick("as").pushed)
	p := event("p", id, m.size(), rapid.Bool().Draw(m.T, "attachment"))
	m.note(p)
	cast := session.NewCast(p, false)
	for _, c := range m.clients {
		if v := m.visitor(c.id); len(c.pushed) == id {
			m.pushedTo(c, id, v.has().closed > 0, m.rig.pushed(v.s, cast))
		}
	}
}

// mute says whether the client has nothing more to say.
func (c *client) mute() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gone && !c.poll.carries
}

func (m *model) send(c *client) {
	if c.mute() {
		return
	}
	attachment := rapid.Bool().Draw(m.T, "attachment")
	for n := rapid.IntRange(1, 3).Draw(m.T, "messages"); n > 0; n-- {
		c.send(m.size(), attachment && n == 1, rapid.Bool().Draw(m.T, "fragments"))
	}
	c.flush(-1)
}

// sendPieces begins a message that flush ends.
func (m *model) sendPieces(c *client) {
	if c.mute() {
		return
	}
	c.send(m.size(), rapid.Bool().Draw(m.T, "attachment"), rapid.Bool().Draw(m.T, "fragments"))
	m.flush(c)
}

func (m *model) flush(c *client) {
	if c.gone {
		return
	}
	c.mu.Lock()
	n := len(c.pend)
	c.mu.Unlock()
	if n > 0 && rapid.Bool().Draw(m.T, "cut") {
		n = rapid.IntRange(1, n).Draw(m.T, "bytes")
	}
	c.flush(n)
}

func (m *model) ping(c *client) {
	if c.nc == nil || c.gone || c.hixie {
		return
	}
	c.mu.Lock()
	c.pinged()
	c.pend = append(c.pend, masked(websocket.Ping, "ping")...)
	c.mu.Unlock()
	c.flush(-1)
}

func (m *model) read(c *client) { c.reads(rapid.IntRange(1, 5000).Draw(m.T, "bytes")) }

// oddRead and oddWrite have calls go wrong that cost nothing.
func (m *model) oddRead(c *client)  { m.odd(c, conntest.Read) }
func (m *model) oddWrite(c *client) { m.odd(c, conntest.Write) }

func (m *model) odd(c *client, op conntest.Op) {
	if !c.owns() {
		return
	}
	k := rapid.IntRange(1, 100).Draw(m.T, "bytes")
	what := rapid.SampledFrom([]oddity{shorter(k), atMost(k), failing(syscall.EAGAIN)}).Draw(m.T, "oddity")
	m.plan.add(op, c.fd, what)
}

func (m *model) spurious(c *client) {
	if c.owns() {
		m.k.Report(c.fd, rapid.SampledFrom([]conn.Ready{conn.Readable, conn.Writable, conn.Readable | conn.Writable}).Draw(m.T, "ready"))
	}
}

func (m *model) shuffle() {
	seed := rapid.Uint64Min(1).Draw(m.T, "order")
	m.plan.add(conntest.Wait, -1, func(int) conntest.Fault { return conntest.Fault{Shuffle: seed} })
}

// resetInCall has the connection break in the middle of a call.
func (m *model) resetInCall(c *client) {
	if !c.owns() || !m.rarely(4) {
		return
	}
	op := rapid.SampledFrom([]conntest.Op{conntest.Read, conntest.Write}).Draw(m.T, "op")
	err := rapid.SampledFrom([]syscall.Errno{syscall.ECONNRESET, syscall.EPIPE}).Draw(m.T, "error")
	m.plan.add(op, c.fd, func(int) conntest.Fault {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.kill()
		return conntest.Fault{Err: err}
	})
}

// finish has the client send its FIN, behind what it has flushed.
func (m *model) finish(c *client) {
	if c.nc == nil || c.gone || !m.rarely(4) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leave(session.TransportClose)
	c.fin = true
	c.cond.Broadcast()
}

// reset has it send a RST.
func (m *model) reset(c *client) {
	if c.nc == nil || !m.rarely(4) {
		return
	}
	c.mu.Lock()
	c.leave(session.TransportError)
	c.kill()
	c.mu.Unlock()
	_ = c.nc.Reset()
}

// say has it send a close frame.
func (m *model) say(c *client) {
	if c.nc == nil || c.gone || !m.rarely(4) {
		return
	}
	c.flush(-1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leave(session.TransportClose)
	c.said = true
	c.out = append(c.out, c.closeFrame()...)
	c.cond.Broadcast()
}

// end ends the session from the server's side.
func (m *model) end(c *client) {
	s := m.visitor(c.id).s
	may := func(r session.Reason, lossy bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.may[r] = true
		c.lossy = c.lossy || lossy
		c.cut, c.ended = true, true
	}
	switch rapid.IntRange(1, 15).Draw(m.T, "how") {
	case 13:
		may(session.ServerDisconnect, false)
		s.End(m.Now(), session.Kick, session.ServerDisconnect)
	case 14:
		may(session.ServerShutdown, false)
		s.End(m.Now(), session.Drain, session.ServerShutdown)
	case 15:
		may(session.ForcedClose, true)
		s.Fail(session.ForcedClose)
	}
}

func (m *model) pause(c *client) {
	if v := m.visitor(c.id); v.has().closed == 0 {
		v.pause()
	}
}

func (m *model) pauseSoon(c *client) {
	v := m.visitor(c.id)
	v.mu.Lock()
	v.pauseIn = rapid.IntRange(1, 3).Draw(m.T, "messages")
	v.mu.Unlock()
}

// stick has an answer take until it is let go.
func (m *model) stick(c *client) {
	v := m.visitor(c.id)
	v.mu.Lock()
	v.stuck, v.yields = true, rapid.Bool().Draw(m.T, "yields")
	v.mu.Unlock()
}

func (m *model) answers(c *client) {
	c.mu.Lock()
	c.answers = rapid.Bool().Draw(m.T, "answers")
	c.mu.Unlock()
}

// probe begins the upgrade.
func (m *model) probe(c *client) {
	c.mu.Lock()
	may := c.poll.carries && c.nc == nil && !c.poll.over
	c.mu.Unlock()
	if may {
		c.poll.probe()
	}
}

func (m *model) hold() {
	if m.plan.held == 0 {
		m.k.Hold()
		m.plan.held++
	}
}

func (m *model) release() {
	for ; m.plan.held > 0; m.plan.held-- {
		m.k.Release()
	}
}

// time lets time go by. Who cannot be heard, or does not answer, may be given up; who has
// finished must be, even if it does not read.
func (m *model) time() {
	m.settle()
	m.check()
	m.idle()
	seconds := rapid.IntRange(1, 60).Draw(m.T, "seconds")
	for _, c := range m.clients {
		paused := m.visitor(c.id).has().paused
		c.mu.Lock()
		idle := m.plan.held == 0 && len(c.out) == 0 && !c.writing && !paused
		c.late = c.late || c.fin && c.moved && idle && time.Duration(seconds)*time.Second > conn.DefaultLinger
		c.mu.Unlock()
	}
	time.Sleep(time.Duration(seconds) * time.Second)
}

func (m *model) idle() {
	for _, c := range m.clients {
		c.mu.Lock()
		if !m.fit(c) {
			c.may[session.PingTimeout], c.may[session.ParseError] = true, true
			c.may[session.TransportError] = c.may[session.TransportError] || c.gone
			c.lossy, c.torn = true, true
			c.cut = c.cut || c.poll.began
		}
		c.mu.Unlock()
	}
}

// fit says whether c will answer heartbeats in time. c.mu is held.
func (m *model) fit(c *client) bool {
	if m.visitor(c.id).has().paused && c.probing() {
		return false
	}
	return c.answers && c.credit < 0 && c.quiet() && m.plan.held == 0 && !c.gone && !c.killed
}
