package conntest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/sockeye-io/socketio/internal/conn"
)

// TestDescriptors: they are small, and what is given back is the next one's.
func TestDescriptors(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, k *Kernel) {
		p, err := k.NewPoller()
		if err != nil {
			t.Fatal(err)
		}
		var fds []int
		open := func() *Conn {
			server, client := k.Pipe()
			fd, err := server.Detach()
			if err != nil {
				t.Fatal(err)
			}
			if server.Kernel() != k {
				t.Error("another kernel")
			}
			fds = append(fds, fd)
			return client
		}
		for range 4 {
			open()
		}
		p.Close(5)
		p.Close(3)
		for range 3 {
			open()
		}
		if want := []int{3, 4, 5, 6, 3, 5, 7}; !slices.Equal(fds, want) {
			t.Errorf("descriptors %v, want %v", fds, want)
		}
		if k.Open() != 5 {
			t.Errorf("%d are open", k.Open())
		}
		for fd := 3; fd <= 7; fd++ {
			p.Close(fd)
		}
		p.Stop()
	})
}

// TestMistakes: each is reported, once.
func TestMistakes(t *testing.T) {
	for _, tt := range []struct {
		want string
		do   func(k *Kernel, p conn.Poller, fd int)
	}{
		{"Read of descriptor 3, which is closed", func(_ *Kernel, p conn.Poller, fd int) { p.Close(fd); p.Read(fd, nil) }},
		{"Write of descriptor 3, which is closed", func(_ *Kernel, p conn.Poller, fd int) { p.Close(fd); p.Write(fd, nil, true) }},
		{"Close of descriptor 3, which is closed", func(_ *Kernel, p conn.Poller, fd int) { p.Close(fd); p.Close(fd) }},
		{"CloseWrite of descriptor 3, which is closed", func(_ *Kernel, p conn.Poller, fd int) { p.Close(fd); p.CloseWrite(fd) }},
		{"Add of descriptor 3, which is closed", func(_ *Kernel, p conn.Poller, fd int) { p.Close(fd); p.Add(fd, 0, 0) }},
		{"Modify of descriptor 3, which is closed", func(_ *Kernel, p conn.Poller, fd int) {
			p.Add(fd, 0, 0)
			p.Close(fd)
			p.Modify(fd, 0, 0)
		}},
		{"Modify of descriptor 3, which is not registered", func(_ *Kernel, p conn.Poller, fd int) { p.Modify(fd, 0, 0) }},
		{"Add of descriptor 3, which is registered already", func(_ *Kernel, p conn.Poller, fd int) { p.Add(fd, 0, 0); p.Add(fd, 1, 0) }},
		{"Read of descriptor 0, which is closed", func(_ *Kernel, p conn.Poller, _ int) { p.Read(0, nil) }},
		{"Read of descriptor 99, which is closed", func(_ *Kernel, p conn.Poller, _ int) { p.Read(99, nil) }},
		{"Read of descriptor 4, which was not detached", func(k *Kernel, p conn.Poller, _ int) { k.Pipe(); p.Read(4, nil) }},
		{"Read of descriptor 3, which is another poller's", func(k *Kernel, p conn.Poller, fd int) {
			other, _ := k.NewPoller()
			other.Add(fd, 0, 0)
			p.Read(fd, nil)
		}},
		{"Close of descriptor 3, whose poller was stopped", func(_ *Kernel, p conn.Poller, fd int) { p.Stop(); p.Close(fd) }},
		{"Stop of a poller that was stopped", func(_ *Kernel, p conn.Poller, _ int) { p.Stop(); p.Stop() }},
		{"Wait without room", func(_ *Kernel, p conn.Poller, _ int) { p.Wait(nil) }},
		{"Wait is called while", func(_ *Kernel, p conn.Poller, _ int) {
			done := make(chan bool)
			go func() { p.Wait(make([]conn.Event, 1)); close(done) }()
			synctest.Wait()
			p.Wait(make([]conn.Event, 1))
			p.Stop()
			<-done
		}},
		{"Release without Hold", func(k *Kernel, _ conn.Poller, _ int) { k.Release() }},
	} {
		t.Run(tt.want, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var said []string
				k := New(&Options{Fail: func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }})
				server, _ := k.Pipe()
				p, fd := poll(t, k, server)
				tt.do(k, p, fd)
				if len(said) != 1 || !strings.Contains(said[0], tt.want) {
					t.Errorf("reported: %q", said)
				}
			})
		})
	}
}

// farm is a poller with n connections, all of which are wanted to read.
func farm(t *testing.T, k *Kernel, n int) (p conn.Poller, clients []*Conn) {
	t.Helper()
	p, err := k.NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		server, client := k.Pipe()
		fd, err := server.Detach()
		if err == nil {
			err = p.Add(fd, uint64(i), conn.Readable)
		}
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, client)
	}
	return p, clients
}

func stop(p conn.Poller, clients []*Conn) {
	for i := range clients {
		p.Close(firstFD + i)
		clients[i].Close()
	}
	p.Stop()
}

// TestFairness: small batches pass nobody over.
func TestFairness(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, k *Kernel) {
		p, clients := farm(t, k, 10)
		for _, c := range clients {
			c.Write([]byte("x"))
		}
		var count [10]int
		for range 30 {
			ready := make([]conn.Event, 3)
			n, err := p.Wait(ready)
			if n != 3 || err != nil {
				t.Fatalf("%d events, %v", n, err)
			}
			for _, e := range ready {
				count[e.Tag]++
			}
		}
		for i, n := range count {
			if n != 9 {
				t.Errorf("connection %d is reported %d times of 90", i, n)
			}
		}
		stop(p, clients)
	})
}

// journal says what is reported, until p is stopped. What has come is read each time,
// and the second connection wants to read again.
func journal(p conn.Poller) <-chan string {
	events := make(chan string, 1)
	go func() {
		defer close(events)
		ready := make([]conn.Event, 9)
		for {
			n, err := p.Wait(ready)
			if err != nil {
				return
			}
			s := ""
			for _, e := range ready[:n] {
				s += fmt.Sprint(e.Tag, format(e.Ready), " ")
			}
			p.Read(3, make([]byte, 9))
			p.Modify(4, 1, conn.Readable)
			events <- s
		}
	}()
	return events
}

// TestWait: it waits, durably, for whatever comes: data, another interest, a new
// descriptor, what is spurious, Stop.
func TestWait(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, k *Kernel) {
		p, clients := farm(t, k, 2)
		events := journal(p)
		for _, step := range []struct {
			want string
			do   func()
		}{
			{"", func() {}},
			{"0R ", func() { clients[0].Write([]byte("x")) }},
			{"1W ", func() { p.Modify(4, 1, conn.Writable) }},
			{"1R ", func() { k.Report(4, conn.Readable) }},
			{"", func() { k.Report(4, conn.Writable) }}, // which is not wanted
			{"", func() { k.Hold(); clients[0].Write([]byte("x")) }},
			{"", func() { p.Modify(3, 0, conn.Readable|conn.PeerDone); clients[0].Reset() }},
			{"0RPB ", k.Release},
		} {
			step.do()
			synctest.Wait()
			got := ""
			select {
			case got = <-events:
			default:
			}
			if got != step.want {
				t.Errorf("reported: %q, want %q", got, step.want)
			}
		}
		k.Hold() // it is broken, and so reported for ever
		synctest.Wait()
		p.Close(3)
		p.Close(4)
		clients[1].Close()
		p.Stop()
		for range events {
		}
		if _, err := p.Wait(make([]conn.Event, 1)); err == nil {
			t.Error("Wait after Stop")
		}
	})
}

// TestFaults: a call meets what it is told to.
func TestFaults(t *testing.T) {
	var next Fault
	bubble(t, Options{Faults: func(Op, int, int) Fault { return next }}, func(t *testing.T, k *Kernel) {
		with := func(f Fault, what string, want string, call func() string) {
			t.Helper()
			next = f
			if got := call(); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
			next = Fault{}
		}
		server, client := k.Pipe()
		with(Fault{Err: syscall.EMFILE}, "Detach", "EMFILE", func() string {
			if _, err := server.Detach(); errors.Is(err, syscall.EMFILE) {
				return "EMFILE"
			}
			return "no error"
		})
		if _, err := server.Write([]byte("1234567")); err != nil { // nothing has changed
			t.Error(err)
		}
		with(Fault{Err: syscall.EMFILE}, "NewPoller", "EMFILE", func() string {
			if _, err := k.NewPoller(); err == syscall.EMFILE {
				return "EMFILE"
			}
			return "no error"
		})
		p, fd := poll(t, k, server)
		with(Fault{Err: syscall.ENOMEM}, "Add", fmt.Sprint(error(syscall.ENOMEM)), func() string { return done(p.Add(fd, 7, 0)) })
		p.Add(fd, 7, conn.Readable)
		client.Write([]byte("12345"))
		read := func() string { return outcome(p.Read(fd, make([]byte, 9))) }
		write := func() string { return outcome(p.Write(fd, make([]byte, 9), false)) }
		with(Fault{Err: syscall.EAGAIN}, "Read", "EAGAIN", read)
		with(Fault{Max: 2}, "Read", "2", read)
		with(Fault{Max: 4}, "Write", "4", write)
		with(Fault{}, "Read", "3", read)
		with(Fault{Then: func() { client.Write([]byte("1")) }}, "Read", "EAGAIN", read)
		with(Fault{}, "Read", "1", read)
		with(Fault{Ready: conn.Readable | conn.Writable}, "Wait", "R", func() string {
			ready := make([]conn.Event, 1)
			p.Wait(ready)
			return format(ready[0].Ready)
		})
		with(Fault{Err: syscall.ECONNRESET}, "Write", "ECONNRESET", write)
		with(Fault{}, "Write", "EPIPE", write)
		with(Fault{}, "Read", "0", read)
		b := make([]byte, 20)
		if n, err := client.Read(b); n != 11 || err != nil { // it had arrived
			t.Errorf("the client reads %d, %v", n, err)
		}
		if _, err := client.Read(b); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the client reads %v", err)
		}
		client.Close()
		p.Close(fd)
		p.Stop()
	})
}

// TestLateEvents: what is closed when a batch has been reported may be another's before
// it is served.
func TestLateEvents(t *testing.T) {
	var p conn.Poller
	var once sync.Once
	bubble(t, Options{Faults: func(op Op, _, _ int) (f Fault) {
		if op == Wait {
			f.Then = func() { once.Do(func() { p.Close(3) }) }
		}
		return f
	}}, func(t *testing.T, k *Kernel) {
		var clients []*Conn
		p, clients = farm(t, k, 1)
		clients[0].Write([]byte("x"))
		ready := make([]conn.Event, 1)
		if n, err := p.Wait(ready); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		server, client := k.Pipe()
		fd, err := server.Detach()
		if fd != 3 || err != nil {
			t.Errorf("descriptor %d, %v", fd, err)
		}
		p.Add(3, 1, conn.Readable|conn.Writable)
		if n, err := p.Wait(ready); n != 1 || ready[0].Tag != 1 || err != nil {
			t.Errorf("%v, %d, %v", ready, n, err)
		}
		client.Close()
		stop(p, clients)
	})
}

// TestRandom: under all faults at once an echo of many connections is complete, and
// the same seed has the same faults.
func TestRandom(t *testing.T) {
	odds := Odds{Short: .5, Again: .2, Spurious: .3, Shuffle: .5, NoMemory: .1}
	for seed := range uint64(5) {
		var faults atomic.Int64
		random := Random(seed, odds)
		count := func(op Op, fd, n int) Fault {
			f := random(op, fd, n)
			if f.Err != 0 || f.Max != 0 || f.Ready != 0 || f.Shuffle != 0 {
				faults.Add(1)
			}
			return f
		}
		bubble(t, Options{Send: 700, Receive: 300, Faults: count}, func(t *testing.T, k *Kernel) {
			p, err := k.NewPoller()
			if err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			for i := range 20 {
				server, client := k.Pipe()
				fd, _ := server.Detach()
				for p.Add(fd, uint64(fd), conn.Readable|conn.PeerDone) != nil { // there is no memory
				}
				all.Go(func() { shout(t, client, seed<<8|uint64(i)) })
			}
			ended := make(chan bool)
			go func() { defer close(ended); echo(t, p) }()
			all.Wait()
			synctest.Wait()
			p.Stop()
			<-ended
		})
		if faults.Load() < 100 {
			t.Errorf("seed %d: %d faults", seed, faults.Load())
		}
	}
	a, b := Random(1, odds), Random(1, odds)
	for i := range 1000 {
		op, fd := Op(i%4), 3+i%7
		if a, b := a(op, fd, 100), b(op, fd, 100); a.Err != b.Err || a.Max != b.Max || a.Ready != b.Ready || a.Shuffle != b.Shuffle {
			t.Fatalf("%v of %d: %v and %v", op, fd, a, b)
		}
	}
}

// shout sends, and wants the same back.
func shout(t *testing.T, c *Conn, seed uint64) {
	defer c.Close()
	const n = 10_000
	out, in := rand.NewPCG(seed, 0), rand.NewPCG(seed, 0)
	go func() {
		for range n {
			if _, err := c.Write([]byte{byte(out.Uint64())}); err != nil {
				t.Error(err)
				return
			}
		}
		c.CloseWrite()
	}()
	b := make([]byte, 100)
	for got := 0; ; {
		m, err := c.Read(b)
		for _, x := range b[:m] {
			if x != byte(in.Uint64()) {
				t.Errorf("byte %d is another", got)
				return
			}
			got++
		}
		if err != nil {
			if got != n {
				t.Errorf("%d bytes, then %v", got, err)
			}
			return
		}
	}
}

// echo serves until the poller is stopped: what a loop would do, in the plainest way.
func echo(t *testing.T, p conn.Poller) {
	owed := map[int][]byte{}
	eof := map[int]bool{}
	ready := make([]conn.Event, 4)
	for {
		n, err := p.Wait(ready)
		if err != nil {
			return
		}
		for _, e := range ready[:n] {
			fd := int(e.Tag)
			b := make([]byte, 200)
			if e.Ready&conn.Readable != 0 && !eof[fd] && len(owed[fd]) < 1000 {
				n, err := p.Read(fd, b)
				owed[fd] = append(owed[fd], b[:n]...)
				eof[fd] = n == 0 && err == nil
			}
			if len(owed[fd]) > 0 {
				n, err := p.Write(fd, owed[fd], false)
				if owed[fd] = owed[fd][n:]; err != nil && err != syscall.EAGAIN {
					t.Error(err)
				}
			}
			in := conn.Ready(0)
			if len(owed[fd]) > 0 {
				in |= conn.Writable
			}
			switch {
			case eof[fd] && in == 0:
				p.Close(fd)
				delete(eof, fd)
				continue
			case !eof[fd] && len(owed[fd]) < 1000:
				in |= conn.Readable
			}
			if err := p.Modify(fd, e.Tag, in); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestErrorTypes: a Poller's errors are comparable with syscall's, a net.Conn's are of
// package net.
func TestErrorTypes(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, k *Kernel) {
		server, client := k.Pipe()
		server.Reset()
		_, err := client.Read(make([]byte, 1))
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "read" || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%#v", err)
		}
		client.Close()
	})
}
