package conn

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var errTest = errors.New("a reason of the test")

func TestEcho(t *testing.T) {
	run(t, func(t *testing.T, m mode, h *tap, server, client net.Conn) {
		h.onReceive = func(p []byte) error {
			h.send(p, false)
			return nil
		}
		new(Group).Adopt(&h.Conn, server, nil, h)
		for _, n := range []int{1, smallSize, smallSize + 1, mediumSize + 1, 5, 5, 5, largeSize, 1 << 20, 3} {
			p := pattern(n)
			go client.Write(p)
			wantRead(t, client, p)
		}
		client.Close()
		<-h.closed // with a reason that depends on who noticed first
	})
}

func TestOwnMemory(t *testing.T) {
	run(t, func(t *testing.T, m mode, h *tap, server, client net.Conn) {
		h.own = true
		new(Group).Adopt(&h.Conn, server, nil, h)
		for range 3 {
			p := pattern(100_000) // sent without copying, and given to no pool
			h.send(p, false)
			wantRead(t, client, p)
		}
		h.Close(errTest)
		if err := <-h.closed; err != errTest {
			t.Errorf("Closed(%v)", err)
		}
	})
}

// Nothing that was queued before a Wake may stay behind, however many come at once.
func TestWakeStorm(t *testing.T) {
	run(t, func(t *testing.T, m mode, h *tap, server, client net.Conn) {
		new(Group).Adopt(&h.Conn, server, nil, h)
		const senders, each = 8, 500
		var wg sync.WaitGroup
		for s := range senders {
			wg.Go(func() {
				for range each {
					h.send([]byte{byte(s)}, false)
				}
			})
		}
		got := make([]byte, senders*each)
		if _, err := io.ReadFull(client, got); err != nil {
			t.Fatal(err)
		}
		for s := range senders {
			if n := bytes.Count(got, []byte{byte(s)}); n != each {
				t.Errorf("%d bytes of sender %d, want %d", n, s, each)
			}
		}
		wg.Wait()
		h.Close(nil)
		if err := <-h.closed; err != nil {
			t.Errorf("Closed(%v), want what Close was given", err)
		}
	})
}

func TestPeerFinishes(t *testing.T) {
	run(t, func(t *testing.T, m mode, h *tap, server, client net.Conn) {
		new(Group).Adopt(&h.Conn, server, nil, h)
		write(t, client, "bye")
		closeWrite(client)
		if err := <-h.closed; err != io.EOF {
			t.Errorf("Closed(%v), want io.EOF: the peer ended the connection", err)
		}
		if h.received() != "bye" {
			t.Errorf("received %q", h.received())
		}
	})
}

// The peer says that it has nothing more to send, but goes on reading.
func TestPeerFinishesWhileSending(t *testing.T) {
	run(t, func(t *testing.T, m mode, h *tap, server, client net.Conn) {
		if !m.half && m.name == "pipe" {
			t.Skip("no sides")
		}
		p := pattern(8 << 20) // more than the kernel takes
		noticed := make(chan struct{})
		h.onTake = func() { // so that the end comes while there is more to take
			h.onTake = nil
			closeWrite(client)
			go func() {
				for !h.sawEOF() {
					runtime.Gosched()
				}
				close(noticed)
			}()
		}
		new(Group).Adopt(&h.Conn, server, nil, h)
		h.send(p, false)
		<-noticed
		wantRead(t, client, p)
		if err := <-h.closed; err != io.EOF {
			t.Errorf("Closed(%v), want io.EOF", err)
		}
		if f := h.failures(); f != nil {
			t.Errorf("Sent(%v), though all arrived", f)
		}
	})
}

func (c *Conn) sawEOF() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.eof
}

// deaf has two pipes for its two directions.
type deaf struct {
	net.Conn
	in net.Conn
}

func (d deaf) Read(p []byte) (int, error) { return d.in.Read(p) }

// The peer has nothing more to send, and does not read either.
func TestPeerFinishesAndDoesNotRead(t *testing.T) {
	bubble(t, func(t *testing.T, h *tap, server, client net.Conn) {
		finish := func() { closeWrite(client) }
		if _, ok := server.(Pollable); !ok {
			in, peer := net.Pipe()
			server, finish = deaf{server, in}, func() { peer.Close() }
		}
		new(Group).Adopt(&h.Conn, server, nil, h)
		h.send(pattern(1<<20), false) // more than any buffer takes
		synctest.Wait()
		begin := time.Now()
		finish()
		if err := <-h.closed; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Closed(%v)", err)
		}
		if took := time.Since(begin); took != DefaultLinger {
			t.Errorf("closed after %v, want %v", took, DefaultLinger)
		}
		if n := len(h.failures()); n != 1 {
			t.Errorf("%d failed Sents, want 1", n)
		}
	})
}

func TestPeerResets(t *testing.T) {
	for _, sending := range []bool{false, true} {
		server, client := tcpPair(t)
		h := newTap(t)
		taken := make(chan struct{})
		h.onTake = sync.OnceFunc(func() { close(taken) })
		new(Group).Adopt(&h.Conn, server, nil, h)
		if sending {
			h.send(pattern(8<<20), false)
			<-taken
		}
		client.(*net.TCPConn).SetLinger(0) // close with a reset
		client.Close()
		if err := <-h.closed; err == nil {
			t.Error("Closed(nil), want an error")
		}
		if n := len(h.failures()); sending && n != 1 {
			t.Errorf("%d failed Sents, want 1: what was taken is not in the kernel", n)
		}
	}
}

// Close from everywhere, and while a write hangs that nobody will ever read.
func TestCloseFrom(t *testing.T) {
	for name, prepare := range map[string]func(h *tap){
		"Receive": func(h *tap) {
			h.onReceive = func([]byte) error { h.Close(errTest); return nil }
		},
		"Receive's error": func(h *tap) {
			h.onReceive = func([]byte) error { return errTest }
		},
		"Receive, twice": func(h *tap) {
			h.onReceive = func([]byte) error { h.Close(errTest); h.Close(nil); return io.EOF }
		},
		"Outgoing": func(h *tap) { h.onTake = func() { h.Close(errTest) } },
		"Sent":     func(h *tap) { h.onSent = func(error) { h.Close(errTest) } },
		"outside, while a write hangs": func(h *tap) {
			h.own, h.out = true, pattern(8<<20)
			h.onTake = func() { go h.Close(errTest) }
		},
		"outside, paused and idle": func(h *tap) {
			h.onReceive = func([]byte) error { h.Pause(); return nil }
			h.onSent = func(error) { go h.Close(errTest) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, m mode, h *tap, server, client net.Conn) {
				h.out = []byte("x")
				prepare(h)
				new(Group).Adopt(&h.Conn, server, []byte("leftover"), h)
				h.Wake()
				if name == "Sent" || name == "outside, paused and idle" {
					wantRead(t, client, []byte("x")) // a pipe has no buffer
				}
				if err := <-h.closed; err != errTest {
					t.Errorf("Closed(%v), want the first reason", err)
				}
				h.Wake()
				h.Resume()
				h.Close(nil) // all without effect
			})
		})
	}
}

func TestBeforeAdopt(t *testing.T) {
	run(t, func(t *testing.T, m mode, h *tap, server, client net.Conn) {
		h.send([]byte("early"), true)
		h.Pause()
		h.Resume()
		new(Group).Adopt(&h.Conn, server, nil, h)
		wantRead(t, client, []byte("early"))
		closeWrite(client)
		if err := <-h.closed; err != nil {
			t.Errorf("Closed(%v)", err)
		}
	})
	run(t, func(t *testing.T, m mode, h *tap, server, client net.Conn) {
		h.Close(errTest)
		h.Wake()
		new(Group).Adopt(&h.Conn, server, []byte("leftover"), h)
		if err := <-h.closed; err != errTest || h.received() != "" || h.sent != 0 {
			t.Errorf("Closed(%v), %q received, %d sent", err, h.received(), h.sent)
		}
	})
}

func TestLast(t *testing.T) {
	for _, bye := range []string{"", "bye"} {
		run(t, func(t *testing.T, m mode, h *tap, server, client net.Conn) {
			got := make(chan struct{})
			h.onReceive = func([]byte) error { close(got); return nil }
			new(Group).Adopt(&h.Conn, server, nil, h)
			h.send([]byte(bye), true)
			wantRead(t, client, []byte(bye))
			if m.half {
				wantEOF(t, client)
			}
			h.Wake() // nothing may follow, and so nothing is taken
			write(t, client, "answer")
			<-got
			closeWrite(client)
			if err := <-h.closed; err != nil {
				t.Errorf("Closed(%v), want nil: both sides have finished", err)
			}
			if h.received() != "answer" || h.sent != 1 || h.failures() != nil {
				t.Errorf("received %q, sent %d, failed %v", h.received(), h.sent, h.failures())
			}
		})
	}
}

// bubble runs f in synctest bubbles, with a pipe that a goroutine serves, and with a
// connection that a loop does.
func bubble(t *testing.T, f func(t *testing.T, h *tap, server, client net.Conn)) {
	t.Run("goroutine", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server, client := net.Pipe()
			f(t, newTap(t), server, client)
			client.Close()
		})
	})
	t.Run("loop", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server, client := Memory(t)
			f(t, newTap(t), server, client)
			client.Close()
		})
	})
}

// byLoop says whether a loop serves the connection.
func (h *tap) byLoop() bool {
	_, ok := h.engine.(*loop)
	return ok
}

func TestLingerIsBounded(t *testing.T) {
	for _, g := range []*Group{{}, {Linger: time.Minute, Engine: Goroutine}} {
		want := g.Linger
		if want == 0 {
			want = DefaultLinger
		}
		for name, prepare := range map[string]func(h *tap, client net.Conn){
			"silent": func(h *tap, client net.Conn) { io.ReadFull(client, make([]byte, 1)) },
			"paused": func(h *tap, client net.Conn) { h.Pause(); io.ReadFull(client, make([]byte, 1)) },
			"flood": func(h *tap, client net.Conn) {
				io.ReadFull(client, make([]byte, 1))
				go func() {
					for {
						time.Sleep(time.Second)
						if _, err := client.Write([]byte("x")); err != nil {
							return
						}
					}
				}()
			},
			"never reads": func(h *tap, client net.Conn) {},
		} {
			bubble(t, func(t *testing.T, h *tap, server, client net.Conn) {
				g.Adopt(&h.Conn, server, nil, h)
				synctest.Wait()
				begin := time.Now()
				h.send([]byte("x"), true)
				prepare(h, client)
				if err := <-h.closed; !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%s: Closed(%v)", name, err)
				}
				if took := time.Since(begin); took != want {
					t.Errorf("%s: closed after %v, want %v", name, took, want)
				}
				time.Sleep(3 * time.Second) // until the flood has noticed
			})
		}
	}
}

func TestPause(t *testing.T) {
	for _, leftover := range []string{"", "left"} {
		bubble(t, func(t *testing.T, h *tap, server, client net.Conn) {
			h.onReceive = func(p []byte) error { h.Pause(); return nil }
			new(Group).Adopt(&h.Conn, server, []byte(leftover), h)
			want := leftover
			go write(t, client, "onetwo")
			if leftover == "" {
				want = "onetwo"
			}
			synctest.Wait()
			if h.received() != want {
				t.Errorf("received %q before Resume, want %q", h.received(), want)
			}
			if h.users != 0 {
				t.Errorf("%d goroutines serve a paused connection, want none", h.users)
			}
			h.send([]byte("still sending"), false)
			wantRead(t, client, []byte("still sending"))
			h.Resume()
			h.Resume()
			synctest.Wait()
			if leftover != "" {
				if h.received() != "leftonetwo" {
					t.Errorf("received %q after Resume", h.received())
				}
				h.Resume()
			}
			client.Close()
			if err := <-h.closed; err != io.EOF {
				t.Errorf("Closed(%v)", err)
			}
		})
	}
}

// What a paused handler does not want is read and discarded once it has finished.
func TestFinishWhilePaused(t *testing.T) {
	bubble(t, func(t *testing.T, h *tap, server, client net.Conn) {
		h.onReceive = func(p []byte) error { h.Pause(); return nil }
		new(Group).Adopt(&h.Conn, server, []byte("left"), h)
		synctest.Wait()
		h.send(nil, true)
		synctest.Wait()
		write(t, client, "more")
		synctest.Wait()
		h.Resume() // too late: bytes are missing
		write(t, client, "and more")
		client.Close()
		if err := <-h.closed; err != nil {
			t.Errorf("Closed(%v)", err)
		}
		if h.received() != "left" {
			t.Errorf("received %q", h.received())
		}
	})
}

// An idle connection has one goroutine, whatever went before.
func TestIdle(t *testing.T) {
	bubble(t, func(t *testing.T, h *tap, server, client net.Conn) {
		new(Group).Adopt(&h.Conn, server, nil, h)
		for range 3 {
			write(t, client, "in")
			h.send([]byte("out"), false)
			wantRead(t, client, []byte("out"))
			time.Sleep(2 * time.Duration(idle)) // in the bubble; the reader starts afresh
			synctest.Wait()
			if h.byLoop() {
				if h.users != 0 || h.writing || h.tail != nil {
					t.Errorf("%d users, writing %v, tail %v", h.users, h.writing, h.tail)
				}
				continue
			}
			if g := h.engine.(*goroutine); h.users != 1 || h.writing || len(g.buf) != smallSize {
				t.Errorf("%d goroutines, writing %v, a buffer of %d", h.users, h.writing, len(g.buf))
			}
		}
		h.Close(nil)
		<-h.closed
	})
}

func TestFit(t *testing.T) {
	const s, m, l = smallSize, mediumSize, largeSize
	for _, tt := range []struct {
		why   string
		reads []int
		want  []int // the buffer after each
	}{
		{"heartbeats", []int{6, 6, 6}, []int{s, s, s}},
		{"a message a little larger, again and again", []int{s, 10, s + 10, s + 10}, []int{m, m, m, m}},
		{"then heartbeats", []int{s, 10, s + 10, 6, 6}, []int{m, m, m, m, s}},
		{"bulk", []int{s, m, l, l, l - 1, 6, 6}, []int{m, l, l, l, m, m, s}},
		{"exactly full, and nothing follows", []int{s, 6, 6}, []int{m, m, s}},
	} {
		r := new(reader)
		r.buf = r.small[:]
		for i, n := range tt.reads {
			if r.fit(n); len(r.buf) != tt.want[i] {
				t.Errorf("%s: a buffer of %d after read %d, want %d", tt.why, len(r.buf), i, tt.want[i])
			}
		}
	}
}
