package engineio

import (
	"log/slog"
	"runtime/debug"
	"sync"
)

const (
	maxMessages = 256
	maxBytes    = 1 << 20
)

// An inbox is what a socket's handlers have not done yet. They run on a goroutine that
// exists only while there is something to do.
type inbox struct {
	mu      sync.Mutex
	queue   []entry
	bytes   int
	running bool
	paused  bool
}

type entry struct {
	do   func()
	size int
}

func (s *Socket) enqueue(do func(), size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, entry{do, size})
	s.bytes += size
	if !s.running {
		s.running = true
		go s.dispatch() // ends when the queue is empty
	}
}

// full reports whether no more should be read. mu is held.
func (s *Socket) full() bool { return len(s.queue) >= maxMessages || s.bytes >= maxBytes }

// taken stops reading if the inbox is full.
func (s *Socket) taken() {
	s.mu.Lock()
	full := s.full()
	s.paused = s.paused || full
	s.mu.Unlock()
	if full {
		s.sess.Pause()
		s.resume() // a handler may have made room before the pause
	}
}

func (s *Socket) resume() {
	s.mu.Lock()
	resume := s.paused && !s.full()
	if resume {
		s.paused = false
	}
	s.mu.Unlock()
	if resume {
		s.sess.Resume()
	}
}

func (s *Socket) dispatch() {
	finished := false
	defer func() {
		if !finished { // a handler called runtime.Goexit
			go s.dispatch()
		}
	}()
	for {
		s.mu.Lock()
		if len(s.queue) == 0 {
			s.queue, s.running, finished = nil, false, true
			s.mu.Unlock()
			return
		}
		e := s.queue[0]
		s.queue[0] = entry{}
		s.queue = s.queue[1:]
		s.bytes -= e.size
		s.mu.Unlock()
		s.resume()
		s.guard(e.do)
	}
}

// guard calls f and survives its panic.
func (s *Socket) guard(f func()) {
	defer func() {
		if v := recover(); v != nil {
			s.srv.log.Error("engineio: panic in a handler", slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
		}
	}()
	f()
}
