package conn_test

import (
	"fmt"
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/socketio/internal/conn"
	"github.com/sockeye-io/socketio/internal/conn/conntest"
)

// A site is a group of connections that answer what they receive, by a job each. What
// they receive names the job.
type site struct {
	t       *testing.T
	k       *conntest.Kernel
	g       conn.Group
	taps    []*conn.Tap
	clients []net.Conn
	jobs    map[string]func(h *conn.Tap)
}

// job answers when it is done.
type job struct {
	h  *conn.Tap
	do func(h *conn.Tap)
}

func (j job) Run() {
	j.do(j.h)
	j.h.Out([]byte("."), false)
}

// newSite has so many connections that there are several to a loop.
func newSite(t *testing.T) *site {
	s := &site{t: t, k: conntest.New(&conntest.Options{Fail: t.Errorf}), jobs: make(map[string]func(*conn.Tap))}
	for range 4 * runtime.GOMAXPROCS(0) {
		server, client := s.k.Pipe()
		h := conn.NewTap(t, s.receive)
		s.g.Adopt(&h.Conn, server, nil, h)
		s.taps, s.clients = append(s.taps, h), append(s.clients, client)
	}
	synctest.Wait()
	return s
}

func (s *site) receive(h *conn.Tap, p []byte) error {
	do := s.jobs[string(p)]
	if do == nil {
		do = func(*conn.Tap) {}
	}
	s.do(job{h, do})
	return nil
}

// do has a job done, by the loop if it wants to.
func (s *site) do(j job) {
	if !j.h.Go(j) {
		go j.Run() // ends soon
	}
}

// ask has connection i do a job.
func (s *site) ask(i int, name string) {
	if _, err := s.clients[i].Write([]byte(name)); err != nil {
		s.t.Error(err)
	}
}

// answered waits for the answer of connection i, and returns how long it took.
func (s *site) answered(i int) time.Duration {
	began := time.Now()
	if _, err := s.clients[i].Read(make([]byte, 1)); err != nil {
		s.t.Error(err)
	}
	return time.Since(began)
}

func (s *site) end() {
	for i, h := range s.taps {
		s.clients[i].Close()
		<-h.Done()
	}
	given(s.t, s.k)
}

// grace is how long a job may hold up the others: two looks of the watch, which has
// to start first.
const grace = 15 * time.Millisecond

func TestJobs(t *testing.T) {
	for name, test := range map[string]func(s *site){
		"at once":                            jobsAtOnce,
		"one blocks":                         jobBlocks,
		"all block":                          jobsBlock,
		"one yields":                         jobYields,
		"one yields for nothing":             jobYieldsForNothing,
		"one ends its goroutine":             jobEndsGoroutine,
		"one has said something, and blocks": jobSpeaks,
		"one has more to do":                 jobsOfOne,
		"its connection ends":                jobOutlives,
		"all wait a little":                  jobsWait,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				test(s)
				s.end()
			})
		})
	}
}

func jobsAtOnce(s *site) {
	for i := range s.clients {
		s.ask(i, "nothing")
		if d := s.answered(i); d != 0 {
			s.t.Errorf("answered after %v", d)
		}
	}
}

func jobBlocks(s *site) {
	release := make(chan struct{})
	s.jobs["block"] = func(*conn.Tap) { <-release }
	s.ask(0, "block")
	s.others(grace)
	close(release)
	s.answered(0)
	s.ask(0, "nothing")
	s.answered(0)
}

func jobsBlock(s *site) {
	release := make(chan struct{})
	s.jobs["block"] = func(*conn.Tap) { <-release }
	for i := 1; i < len(s.clients); i++ {
		s.ask(i, "block")
	}
	s.ask(0, "nothing")
	if d := s.answered(0); d > grace*time.Duration(len(s.clients)) {
		s.t.Errorf("answered after %v", d)
	}
	close(release)
	for i := 1; i < len(s.clients); i++ {
		s.answered(i)
	}
}

func jobYields(s *site) {
	release := make(chan struct{})
	s.jobs["yield"] = func(h *conn.Tap) { h.Yield(); <-release }
	s.ask(0, "yield")
	s.others(0)
	close(release)
	s.answered(0)
}

func jobYieldsForNothing(s *site) {
	s.jobs["yield"] = func(h *conn.Tap) { h.Yield(); h.Yield() }
	for range 10 {
		s.ask(0, "yield")
		s.others(0)
		s.answered(0)
	}
}

func jobEndsGoroutine(s *site) {
	s.jobs["goexit"] = func(*conn.Tap) { runtime.Goexit() }
	s.ask(0, "goexit")
	s.others(0)
	s.ask(0, "nothing")
	s.answered(0)
}

func jobSpeaks(s *site) {
	release := make(chan struct{})
	s.jobs["speak"] = func(h *conn.Tap) {
		for _, o := range s.taps {
			o.Out([]byte("!"), false)
		}
		<-release
	}
	s.ask(0, "speak")
	for i := range s.clients {
		if d := s.answered(i); d > grace {
			s.t.Errorf("%d heard of it after %v", i, d)
		}
	}
	close(release)
	s.answered(0)
}

// One job of a connection does not hold up the other.
func jobsOfOne(s *site) {
	slow := func(h *conn.Tap) { time.Sleep(time.Second) }
	server, client := s.k.Pipe()
	h := conn.NewTap(s.t, func(h *conn.Tap, _ []byte) error {
		s.do(job{h, slow})
		s.do(job{h, slow})
		return nil
	})
	s.g.Adopt(&h.Conn, server, nil, h)
	_, _ = client.Write([]byte("x"))
	began := time.Now()
	_, _ = client.Read(make([]byte, 1))
	_, _ = client.Read(make([]byte, 1))
	if d := time.Since(began); d > time.Second+grace {
		s.t.Errorf("both were done after %v", d)
	}
	client.Close()
	<-h.Done()
}

// Jobs that wait, each less than it takes to lose the loop, soon do so at the same time.
func jobsWait(s *site) {
	const rounds = 100
	s.jobs["wait"] = func(*conn.Tap) { time.Sleep(time.Millisecond) }
	began := time.Now()
	for range rounds {
		for i := range s.clients {
			s.ask(i, "wait")
		}
		for i := range s.clients {
			s.answered(i)
		}
	}
	// One after the other it would be four times as long, with four to a loop.
	if d := time.Since(began); d > 2*rounds*time.Millisecond {
		s.t.Errorf("%d rounds of %d jobs took %v", rounds, len(s.clients), d)
	}
}

// The end of a connection does not wait for its job.
func jobOutlives(s *site) {
	release := make(chan struct{})
	s.jobs["block"] = func(*conn.Tap) { <-release }
	s.ask(0, "block")
	synctest.Wait()
	s.clients[0].Close()
	began := time.Now()
	<-s.taps[0].Done()
	if d := time.Since(began); d > grace {
		s.t.Errorf("closed after %v", d)
	}
	close(release)
	s.taps, s.clients = s.taps[1:], s.clients[1:]
}

// others checks that all connections but the first are served within d.
func (s *site) others(d time.Duration) {
	s.t.Helper()
	for i := 1; i < len(s.clients); i++ {
		s.ask(i, "nothing")
		if got := s.answered(i); got > d {
			s.t.Errorf("connection %d was answered after %v", i, got)
		}
	}
}

// Jobs of every kind at once, each connection's in order.
func TestJobsStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		for i := range 100 {
			s.jobs[fmt.Sprint("sleep", i)] = func(h *conn.Tap) {
				if i%10 == 0 {
					h.Yield()
				}
				time.Sleep(time.Duration(i%7) * time.Millisecond)
			}
		}
		done := make(chan int)
		for i := range s.clients {
			go func() {
				n := 0
				for j := range 100 {
					s.ask(i, fmt.Sprint("sleep", j))
					s.answered(i)
					n++
				}
				done <- n
			}()
		}
		for range s.clients {
			if n := <-done; n != 100 {
				t.Errorf("%d answers", n)
			}
		}
		s.end()
	})
}
