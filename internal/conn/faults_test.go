package conn_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/socketio/internal/conn"
	"github.com/sockeye-io/socketio/internal/conn/conntest"
)

// given checks that a kernel has everything back.
func given(t *testing.T, k *conntest.Kernel) {
	t.Helper()
	synctest.Wait()
	if n := k.Open(); n != 0 {
		t.Errorf("%d descriptors were not given back", n)
	}
	if n := k.Pollers(); n != 0 {
		t.Errorf("%d pollers were not stopped", n)
	}
}

// bytesOf returns n bytes, no part of which looks like another.
func bytesOf(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i ^ i>>8*3 ^ i>>16*7)
	}
	return p
}

// Whatever the kernel does that it may do, short reads and writes, EAGAIN when it had
// said otherwise, events for nothing and in any order: every byte arrives, in both
// directions, and the end is the one that the peers made.
func TestFaults(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	for seed := range uint64(rounds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { faulty(t, seed) })
		})
	}
}

func faulty(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	k := conntest.New(&conntest.Options{
		Send: 1 + r.IntN(4000), Receive: 1 + r.IntN(4000), Fail: t.Errorf,
		Faults: conntest.Random(seed, conntest.Odds{Short: .3, Again: .2, Spurious: .2, Shuffle: .5}),
	})
	server, client := k.Pipe()
	var wg sync.WaitGroup
	weFirst := r.IntN(2) == 0
	h := conn.NewTap(t, func(h *conn.Tap, _ []byte) error {
		if !weFirst && rand.IntN(4) == 0 { // who finishes while paused wants no more
			h.Pause()
			wg.Go(func() { time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond); h.Resume() })
		}
		return nil
	})
	if r.IntN(2) == 0 {
		h.Owned()
	}
	in, out := bytesOf(r.IntN(40_000)), bytesOf(1+r.IntN(40_000))
	new(conn.Group).Adopt(&h.Conn, server, nil, h)
	var got []byte
	wg.Go(func() {
		inPieces(in, func(p []byte, _ bool) {
			if _, err := client.Write(p); err != nil {
				t.Error(err)
			}
		})
	})
	read := make(chan struct{})
	go func() { // the client reads until the end
		defer close(read)
		var err error
		if got, err = io.ReadAll(client); err != nil {
			t.Error(err)
		}
	}()
	inPieces(out, func(p []byte, last bool) {
		h.Out(p, weFirst && last)
		time.Sleep(time.Duration(rand.IntN(2)) * time.Millisecond)
	})
	want := error(nil)
	if !weFirst {
		time.Sleep(time.Minute) // all has left, and then the client has no more to say
		client.CloseWrite()
		want = io.EOF
	}
	<-read
	wg.Wait()
	client.Close()
	if err := <-h.Done(); err != want {
		t.Errorf("Closed(%v), want %v", err, want)
	}
	if !bytes.Equal(got, out) || h.Got() != string(in) {
		t.Errorf("of %d bytes %d arrived at the client, of %d %d at the handler, or others", len(out), len(got), len(in), len(h.Got()))
	}
	given(t, k)
}

// inPieces calls f for p in pieces of any size.
func inPieces(p []byte, f func(piece []byte, last bool)) {
	for len(p) > 0 {
		n := 1 + rand.IntN(len(p))
		f(p[:n], n == len(p))
		p = p[n:]
	}
}

// A connection that breaks in the middle of any call is settled once, and given back.
func TestResets(t *testing.T) {
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			k := conntest.New(&conntest.Options{
				Send: 1 + r.IntN(400), Receive: 1 + r.IntN(400), Fail: t.Errorf,
				Faults: conntest.Random(seed, conntest.Odds{Short: .3, Again: .2, Spurious: .1, Reset: .05, NoMemory: .1}),
			})
			g := new(conn.Group)
			var taps []*conn.Tap
			for range 5 {
				server, client := k.Pipe()
				h := conn.NewTap(t, func(h *conn.Tap, p []byte) error { h.Out(p, false); return nil })
				taps = append(taps, h)
				g.Adopt(&h.Conn, server, []byte("left over"), h)
				go func() { _, _ = client.Write(bytesOf(2000)); _ = client.Reset() }()
				go func() { _, _ = io.Copy(io.Discard, client) }()
			}
			for i, h := range taps {
				if <-h.Done() == nil {
					t.Errorf("seed %d: connection %d ended without a reason", seed, i)
				}
			}
			given(t, k)
		})
	}
}

// A wakeUp is what happens to a connection at the same time, and what must come of it.
type wakeUp struct {
	name            string
	do              []func(*conntest.Conn)
	blocked, paused bool
	received        string
	want            error
	failed          bool // the Sent that is owed
	leaving         bool // it is told, and resumes to see the end
}

func wakeUps() []wakeUp {
	var (
		data  = func(c *conntest.Conn) { _, _ = c.Write([]byte("data")) }
		fin   = func(c *conntest.Conn) { _ = c.CloseWrite() }
		reset = func(c *conntest.Conn) { _ = c.Reset() }
		drain = func(c *conntest.Conn) { go func() { _, _ = io.Copy(io.Discard, c) }() }
	)
	type steps = []func(*conntest.Conn)
	return []wakeUp{
		{name: "data and end", do: steps{data, fin}, received: "data", want: io.EOF},
		{name: "data and reset", do: steps{data, reset}, received: "data", want: syscall.ECONNRESET},
		{name: "end and reset", do: steps{fin, reset}, want: io.EOF},
		{name: "blocked: data, room and end", blocked: true, do: steps{data, drain, fin}, received: "data", want: io.EOF},
		{name: "blocked: data, end and reset", blocked: true, do: steps{data, fin, reset}, want: syscall.EPIPE, failed: true},
		{name: "paused: data and end", paused: true, do: steps{data, fin}, leaving: true, received: "data", want: io.EOF},
		{name: "paused: reset", paused: true, do: steps{reset}, want: syscall.ECONNRESET},
		{name: "paused and blocked: reset", paused: true, blocked: true, do: steps{reset},
			want: syscall.ECONNRESET, failed: true},
	}
}

// What happens at the same time is one event, and nothing of it is lost.
func TestOneWakeUp(t *testing.T) {
	for _, w := range wakeUps() {
		t.Run(w.name, func(t *testing.T) { synctest.Test(t, w.test) })
	}
}

func (w *wakeUp) test(t *testing.T) {
	k := conntest.New(&conntest.Options{Fail: t.Errorf})
	server, client := k.Pipe()
	h := conn.NewTap(t, nil)
	if w.paused {
		h.Pause()
	}
	new(conn.Group).Adopt(&h.Conn, server, nil, h)
	if w.blocked {
		h.Out(bytesOf(1<<20), false)
	}
	synctest.Wait()
	k.Hold()
	for _, do := range w.do {
		do(client)
	}
	synctest.Wait()
	k.Release()
	synctest.Wait()
	if h.Left() != w.leaving {
		t.Errorf("told that the peer has finished: %v", h.Left())
	}
	if w.leaving {
		if h.Got() != "" {
			t.Errorf("received %q while paused", h.Got())
		}
		h.Resume()
	}
	if err := <-h.Done(); !errors.Is(err, w.want) {
		t.Errorf("Closed(%v), want %v", err, w.want)
	}
	if w.received != "" && h.Got() != w.received {
		t.Errorf("received %q, want %q", h.Got(), w.received)
	}
	if _, failed := h.Counts(); (len(failed) == 1) != w.failed || len(failed) > 1 {
		t.Errorf("failed Sents: %v", failed)
	}
	client.Close()
	given(t, k)
}

// An event that was reported before its connection ended is not the next one's, which
// has its descriptor and its place.
func TestStaleEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var between func()
		k := conntest.New(&conntest.Options{Fail: t.Errorf, Faults: func(op conntest.Op, fd, n int) (f conntest.Fault) {
			if op == conntest.Wait && between != nil {
				f.Then, between = between, nil
			}
			return f
		}})
		g := new(conn.Group)
		keeper, _ := adoptTap(t, g, k) // so that the loops stay
		for range 100 {
			old, oldClient := adoptTap(t, g, k)
			synctest.Wait()
			var fresh *conn.Tap
			var freshClient net.Conn
			between = func() { // the event of old has been reported, and was not served
				old.Close(io.ErrClosedPipe)
				<-old.Done()
				fresh, freshClient = adoptTap(t, g, k)
			}
			_, _ = oldClient.Write([]byte("x")) // the loop waits anew, and knows between
			synctest.Wait()
			_ = oldClient.(*conntest.Conn).Reset()
			synctest.Wait()
			if fresh == nil {
				t.Fatal("the event was not reported in time")
			}
			if _, err := freshClient.Write([]byte("new")); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if fresh.Got() != "new" {
				t.Fatalf("the new connection received %q", fresh.Got())
			}
			freshClient.Close()
			<-fresh.Done()
		}
		keeper.Close(nil)
		<-keeper.Done()
		given(t, k)
	})
}

func adoptTap(t *testing.T, g *conn.Group, k *conntest.Kernel) (*conn.Tap, net.Conn) {
	server, client := k.Pipe()
	h := conn.NewTap(t, nil)
	g.Adopt(&h.Conn, server, nil, h)
	return h, client
}

// A kernel that cannot serve a connection costs only that one.
func TestNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		add := syscall.ENOMEM
		k := conntest.New(&conntest.Options{Fail: t.Errorf, Faults: func(op conntest.Op, _, _ int) (f conntest.Fault) {
			if op == conntest.Add {
				f.Err = add
			}
			return f
		}})
		g := new(conn.Group)
		h, client := adoptTap(t, g, k)
		if err := <-h.Done(); !errors.Is(err, add) {
			t.Errorf("Closed(%v), want %v", err, add)
		}
		if _, err := client.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the client was left alone")
		}
		given(t, k)
	})
}

// What is left of one connection's bytes does not lie where the next one's are made.
func TestRestIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := conntest.New(&conntest.Options{Send: 100, Receive: 100, Fail: t.Errorf})
		g := new(conn.Group)
		var taps []*conn.Tap
		var clients []net.Conn
		for range 4 * runtime.GOMAXPROCS(0) {
			h, client := adoptTap(t, g, k)
			taps, clients = append(taps, h), append(clients, client)
		}
		synctest.Wait()
		for i, h := range taps {
			h.Out(bytes.Repeat([]byte{byte(i)}, 5000), false) // nobody reads yet
		}
		synctest.Wait()
		for i, client := range clients {
			got := make([]byte, 5000)
			if _, err := io.ReadFull(client, got); err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(got, []byte{byte(i)}); n != len(got) {
				t.Errorf("client %d got %d bytes of others", i, len(got)-n)
			}
			client.Close()
			<-taps[i].Done()
		}
		given(t, k)
	})
}

// A connection that has ever more to say makes room for others, and goes on.
func TestManyRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := conntest.New(&conntest.Options{Fail: t.Errorf})
		h, client := adoptTap(t, new(conn.Group), k)
		const rounds = 100
		n := 0
		h.OnSent(func(error) { // one call at a time
			if n++; n < rounds {
				h.Out([]byte("x"), false)
			}
		})
		h.Out([]byte("x"), false)
		if _, err := io.ReadFull(client, make([]byte, rounds)); err != nil {
			t.Fatal(err)
		}
		client.Close()
		<-h.Done()
		given(t, k)
	})
}

// What there is to say when the peer's end is read leaves before the end.
func TestEndWithAnswerDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h *conn.Tap
		reads := 0
		k := conntest.New(&conntest.Options{Fail: t.Errorf, Faults: func(op conntest.Op, _, _ int) (f conntest.Fault) {
			if op == conntest.Read {
				if reads++; reads == 1 {
					f.Then = func() { h.Out([]byte("last words"), false) } // the loop is serving
				}
			}
			return f
		}})
		server, client := k.Pipe()
		h = conn.NewTap(t, nil)
		new(conn.Group).Adopt(&h.Conn, server, nil, h)
		_ = client.CloseWrite()
		got, err := io.ReadAll(client)
		if string(got) != "last words" || err != nil {
			t.Errorf("the client got %q, %v", got, err)
		}
		if err := <-h.Done(); err != io.EOF {
			t.Errorf("Closed(%v)", err)
		}
		client.Close()
		given(t, k)
	})
}
