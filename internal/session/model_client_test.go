package session

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/sockeye-io/socketio/internal/generation"
)

// get lets a poll come.
func (m *model) get() {
	waiting := m.s.poll() != nil
	if waiting && !m.g.Rules.ReplacePoll && !m.rarely(10) {
		return
	}
	c := &carrier{poll: true, woken: true} // it takes by itself
	err := m.s.Poll(m.now, c, m.rarely(4)) // by another transport than the last
	if err == nil {
		if (waiting || m.carrying != nil) && !m.g.Rules.ReplacePoll {
			m.Fatalf("a poll was taken beside another transport")
		}
		m.carrying = nil
		m.add(c)
		return
	}
	switch {
	case m.s.phase == closed && (err == ErrUnknown || err == ErrOverlap && waiting):
	case err == ErrUnknown && m.s.phase == closing && m.carrying != nil:
	case err == ErrTransport && m.carrying != nil && !m.g.Rules.ReplacePoll:
	default:
		m.Fatalf("poll: %v in phase %d", err, m.s.phase)
	}
}

// bind lets a stream come that names the session.
func (m *model) bind() {
	again := m.s.phase != unopened
	c := &carrier{}
	switch err := m.s.Bind(m.now, c); {
	case err == nil && (!again || m.g.Rules.ReplacePoll):
		m.carrying = m.add(c)
	case err == ErrUnknown && m.s.phase >= closing:
	case err == ErrTransport && again && !m.g.Rules.ReplacePoll:
	default:
		m.Fatalf("bind: %v in phase %d", err, m.s.phase)
	}
}

// probe lets a WebSocket come that wants to take over.
func (m *model) probe() {
	c := &carrier{probe: true}
	switch err := m.s.Probe(m.now, c); {
	case err == nil && m.g.Rules.Upgrades && m.carrying == nil:
		m.add(c)
	case err == ErrUnknown && m.s.phase >= closing:
	case err == ErrTransport && (m.carrying != nil || !m.g.Rules.Upgrades || m.s.phase == unopened):
	case err == ErrOverlap:
	default:
		m.Fatalf("probe: %v in phase %d", err, m.s.phase)
	}
}

func (m *model) prober() *carrier {
	return m.pick(func(c *carrier) bool { return c.probe && !c.over && c != m.carrying })
}

func (m *model) probeAsks() {
	c := m.prober()
	if c == nil {
		return
	}
	what := "2probe"
	if m.rarely(10) {
		what = rapid.SampledFrom([]string{"4x", "", "2", "3probe"}).Draw(m.T, "frame")
	}
	m.receive(c, what)
	if what != "2probe" && !c.over {
		m.Fatalf("a probe may send %q", what)
	}
}

func (m *model) probeUpgrades() {
	c := m.prober()
	if c == nil || !m.s.probe().owed && !m.s.probe().answered && !m.rarely(10) {
		return
	}
	asked := m.s.probe().owed || m.s.probe().answered
	m.receive(c, "5")
	if asked != !c.over {
		m.Fatalf("upgrade packet: probe was asked %t, is over %t", asked, c.over)
	}
	if asked {
		m.carrying = c
	}
}

// receive hands a text to the session, as from a stream.
func (m *model) receive(c *carrier, text string) {
	if err := m.s.Receive(m.now, c, []byte(text), false); err != nil && m.s.phase != closed {
		m.Fatalf("receive %q: %v, and the session lives", text, err)
	}
	c.stopped = m.s.Paused()
}

// take lets a carrier that was woken take; takeUnasked one that was not.
func (m *model) take() {
	if c := m.pick(func(c *carrier) bool { return c.woken && !c.writing && !c.over }); c != nil {
		m.takeBy(c)
	}
}

func (m *model) takeUnasked() {
	if c := m.pick(func(c *carrier) bool { return !c.writing && !c.over }); c != nil {
		m.takeBy(c)
	}
}

func (m *model) takeBy(c *carrier) {
	c.woken = false
	limit := rapid.SampledFrom([]int{0, 100, 1 << 20}).Draw(m.T, "max")
	var status Status
	if c.poll {
		c.lease, status = m.s.TakePoll(c, nil, limit)
	} else {
		c.lease, status = m.s.TakeStream(c, nil, limit)
	}
	if status == Hold {
		c.holds = true
	}
	if status == Wait || status == Hold {
		if len(c.lease) > 0 {
			m.Fatalf("casts, and Wait")
		}
		return
	}
	c.writing, c.final = true, status == Final
	if c.poll && len(c.lease) == 0 && m.g != &generation.Revision1 {
		m.Fatalf("a poll is answered with nothing")
	}
	for _, x := range c.lease {
		e := x.For(m.g)
		if e.Err != nil {
			m.Fatalf("encode: %v", e.Err)
		}
	}
}

func (m *model) written()    { m.settle(true) }
func (m *model) writeFails() { m.settle(false) }

func (m *model) settle(ok bool) {
	if c := m.pick(func(c *carrier) bool { return c.writing }); c != nil {
		if !ok && !(c.poll && m.g.Rules.ResumePoll) && !m.rarely(10) {
			ok = true // a failure would end the session
		}
		m.settleBy(c, ok && (c.poll || !c.over))
	}
}

// flush lets everybody take what there is, and write it.
func (m *model) flush() {
	for _, c := range m.carriers {
		if c.writing {
			m.settleBy(c, c.poll || !c.over)
		}
		for range 20 {
			if !c.woken || c.over {
				break
			}
			if m.takeBy(c); c.writing {
				m.settleBy(c, c.poll || !c.over)
			}
		}
	}
}

// round is what a client on polling does mostly.
func (m *model) round() {
	if m.carrying == nil {
		m.get()
		m.flush()
	}
}

// wholePost is a POST that nothing goes wrong with.
func (m *model) wholePost() {
	if m.carrying == nil && len(m.posts) == 0 {
		m.beginPost()
		m.postBody()
		m.endPost()
	}
}

// probeAsked is a WebSocket that is about to take over.
func (m *model) probeAsked() {
	if m.carrying == nil && m.s.phase == open && m.g.Rules.Upgrades {
		m.probe()
		m.probeAsks()
	}
}

func (m *model) settleBy(c *carrier, ok bool) {
	if ok {
		for _, x := range c.lease {
			if id, known := m.ids[x]; known {
				m.delivered = append(m.delivered, id)
			}
			if m.freed[x] > 0 {
				m.Fatalf("cast %d was released while it was written", m.ids[x])
			}
		}
	}
	c.writing, c.lease = false, nil
	m.s.Done(m.now, c, ok)
	switch {
	case c.poll:
		c.over = true
	case !ok || c.final:
		m.lose(c)
	default:
		c.woken = true // it takes again
	}
}

// lose ends a stream's connection.
func (m *model) lose(c *carrier) {
	c.over = true
	m.s.Lost(c, TransportClose)
}

func (m *model) streamLost() {
	c := m.pick(func(c *carrier) bool { return !c.poll && !c.over })
	if c == nil || !m.rarely(10) {
		return
	}
	carried := c == m.carrying
	m.lose(c)
	if c.writing {
		m.settleBy(c, false)
	}
	if carried && m.s.phase != closed {
		m.Fatalf("the stream is lost, and the session lives")
	}
}

// cancel lets the client of a poll go away while it waits.
func (m *model) cancel() {
	c := m.pick(func(c *carrier) bool { return c.poll && !c.writing && !c.over })
	if c == nil || !m.g.Rules.ResumePoll && !m.rarely(10) {
		return
	}
	c.over = true
	m.s.Leave(m.now, c)
}

// said notes what the client says next, as a link message, if the session hears it.
func (m *model) said(heard bool) string {
	m.seq++
	text, want := fmt.Sprintf(`42["m",%d]`, m.seq), fmt.Sprint(m.seq)
	switch {
	case m.g == &generation.EngineIO4:
		text = fmt.Sprintf("4%d", m.seq)
	case m.g == &generation.Revision1:
		text = fmt.Sprintf(`5:::{"name":"m","args":[%d]}`, m.seq)
	case m.attaching != "":
		text, want = "bYQ==", m.attaching+"+a" // "a"; the next message, on whatever transport
		m.attaching = ""
	case rapid.IntRange(0, 3).Draw(m.T, "with attachment") == 0:
		text = fmt.Sprintf(`451-["m",%d,{"_placeholder":true,"num":0}]`, m.seq)
		if heard {
			m.attaching = want + ",null"
		}
		return text
	}
	if heard {
		m.received = append(m.received, want)
	}
	return text
}

func (m *model) streamMessage() {
	c := m.pick(func(c *carrier) bool { return !c.poll && !c.over && (!c.probe || c == m.carrying) })
	if c == nil {
		return
	}
	m.receive(c, m.said(c == m.carrying && m.s.phase == open))
}

func (m *model) pong() {
	text := "3"
	if m.g == &generation.Revision1 {
		text = "2::"
	}
	m.link(text)
}

// clientClose lets the client say that it leaves, and then say more.
func (m *model) clientClose() {
	if !m.rarely(20) {
		return
	}
	was := m.s.phase
	text := "1"
	if m.g == &generation.Revision1 {
		text = "\ufffd3\ufffd0::\ufffd5\ufffd3:::x"
		if m.carrying != nil {
			text = "0::"
		}
	} else if m.carrying == nil && m.attaching == "" {
		text += "\x1e" + m.said(false)
	}
	if m.link(text) && was == open && m.s.phase < closing {
		m.Fatalf("the client left, and the session lives")
	}
}

// link sends a packet of the link by whatever way there is.
func (m *model) link(text string) bool {
	if c := m.carrying; c != nil {
		if !c.over {
			m.receive(c, text)
		}
		return !c.over
	}
	turn, err := m.s.BeginPost(m.now)
	if err != nil {
		return false
	}
	if turn.Come == nil {
		_ = m.s.ReceivePayload(m.now, []byte(text))
	}
	m.s.EndPost(turn)
	return turn.Come == nil
}

func (m *model) beginPost() {
	under := len(m.posts) > 0
	if under && !m.g.Rules.ManyPosts && !m.rarely(10) {
		return
	}
	turn, err := m.s.BeginPost(m.now)
	switch {
	case err == nil && (!under && m.carrying == nil || m.g.Rules.ManyPosts):
		m.posts = append(m.posts, &post{turn: turn})
	case err == ErrUnknown && m.s.phase >= closing:
	case err == ErrTransport && m.carrying != nil && !m.g.Rules.ReplacePoll:
	case err == ErrOverlap && under && m.s.phase == closed:
	default:
		m.Fatalf("POST: %v in phase %d", err, m.s.phase)
	}
}

// postBody hands over the body of a POST, if it is its turn: the earliest's, always.
func (m *model) postBody() {
	for i, p := range m.posts {
		ready := p.turn.Come == nil
		if !ready {
			select {
			case <-p.turn.Come:
				ready = true
			default:
			}
		}
		if ready != (i == 0) {
			m.Fatalf("POST %d of %d: its turn has come: %t", i, len(m.posts), ready)
		}
	}
	if len(m.posts) == 0 || m.posts[0].tried {
		return
	}
	m.posts[0].tried = true
	body := m.said(m.s.phase == open)
	if m.g != &generation.Revision1 && m.attaching == "" {
		body += "\x1e" + m.said(m.s.phase == open)
	}
	ended := m.s.phase != open
	if err := m.s.ReceivePayload(m.now, []byte(body)); (err == ErrUnknown) != ended || err != nil && !ended && m.s.phase != closed {
		m.Fatalf("payload %q: %v", body, err)
	}
}

// endPost ends any POST, also one whose body never came, before its turn.
func (m *model) endPost() {
	if len(m.posts) == 0 {
		return
	}
	i := rapid.IntRange(0, len(m.posts)-1).Draw(m.T, "which")
	m.s.EndPost(m.posts[i].turn)
	m.posts = slices.Delete(m.posts, i, i+1)
}

// letGo lets HoldTime pass for a stream.
func (m *model) letGo() {
	if c := m.pick(func(c *carrier) bool { return c.holds }); c != nil {
		c.holds = false
		m.s.LetGo(c)
	}
}

// finale lets the clients say nothing more, and all writes go well: every session
// ends, and everybody gets an answer.
func (m *model) finale() {
	m.overflow()
	for range 1000 {
		for _, c := range m.carriers {
			if c.woken && !c.writing && !c.over {
				m.takeBy(c)
			}
			if c.writing {
				m.settleBy(c, !c.over || c.poll)
			}
			m.letGo()
		}
		m.check()
		if m.armed != 0 {
			m.now = max(m.now, m.armed)
			m.s.Resume()
			m.tick()
		}
	}
	if m.s.phase != closed {
		m.Fatalf("the session never ends")
	}
	for _, c := range m.carriers {
		if !c.over {
			m.Fatalf("carrier %s (poll: %t) is left over", c.name, c.poll)
		}
	}
	for _, c := range m.singles {
		if m.freed[c] != 1 {
			m.Fatalf("cast %d was released %d times", m.ids[c], m.freed[c])
		}
	}
	if m.s.Poll(m.now, new(fake), false) != ErrUnknown || m.s.Bind(m.now, new(fake)) != ErrUnknown || m.s.Probe(m.now, new(fake)) != ErrUnknown {
		m.Fatalf("an ended session takes requests")
	}
}
