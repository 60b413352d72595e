package session

// A client that sends as fast as it can provokes answers faster than they leave. When
// half of the outbox's bound is taken, whoever handles what the client sends waits
// until a quarter is left: so its own answers never end a client that reads them.

// crowded reports whether more than 1/part of the bound is queued.
func (o *outbox) crowded(l *Limits, part int) bool {
	return l.OutboxCasts > 0 && o.waiting() > l.OutboxCasts/part ||
		l.OutboxBytes > 0 && o.bytes() > l.OutboxBytes/part
}

// dam notes that much is queued. mu is held.
func (s *Session) dam() {
	if s.out.crowded(&s.cfg.Limits, 2) {
		s.dammed.Store(true)
	}
}

// flow ends what dam noted, once enough has left. mu is held.
func (s *Session) flow() {
	if s.dammed.Load() && !s.out.crowded(&s.cfg.Limits, 4) {
		s.breach()
	}
}

// breach lets those who wait in Flows go on. mu is held.
func (s *Session) breach() {
	s.dammed.Store(false)
	if s.rare != nil {
		s.rare.handling.open()
	}
}

// Flows returns a channel that is closed when the client's next message should be
// handled, because what was sent to it has left or its session has ended; nil: at
// once.
func (s *Session) Flows() <-chan struct{} {
	if !s.dammed.Load() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dammed.Load() {
		return nil
	}
	return s.seldom().handling.wait()
}

// A gate is a channel that is closed when those who wait may go on; nil: nobody waits.
type gate struct{ c chan struct{} }

func (g *gate) wait() <-chan struct{} {
	if g.c == nil {
		g.c = make(chan struct{})
	}
	return g.c
}

func (g *gate) open() {
	if g.c != nil {
		close(g.c)
		g.c = nil
	}
}
