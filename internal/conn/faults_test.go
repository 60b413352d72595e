package conn_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
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
	g := new(conn.Group)
	g.Adopt(&h.Conn, server, nil, h)
	read := make(chan []byte, 1)
	wg.Go(func() {
		for rest := in; len(rest) > 0; {
			n := 1 + rand.IntN(len(rest))
			if _, err := client.Write(rest[:n]); err != nil {
				t.Error(err)
				return
			}
			rest = rest[n:]
		}
	})
	wg.Go(func() { // the client reads until the end
		all, err := io.ReadAll(client)
		if err != nil {
			t.Error(err)
		}
		read <- all
	})
	for rest := out; len(rest) > 0; {
		n := 1 + rand.IntN(len(rest))
		h.Out(rest[:n], weFirst && n == len(rest))
		rest = rest[n:]
		time.Sleep(time.Duration(rand.IntN(2)) * time.Millisecond)
	}
	synctest.Wait()
	if !weFirst {
		time.Sleep(time.Minute) // all has left, and then the client has no more to say
		client.CloseWrite()
	}
	got := <-read
	wg.Wait()
	client.Close()
	want := map[bool]error{true: nil, false: io.EOF}[weFirst]
	if err := <-h.Done(); err != want {
		t.Errorf("Closed(%v), want %v", err, want)
	}
	if !bytes.Equal(got, out) {
		t.Errorf("the client got %d bytes that differ from the %d that were sent", len(got), len(out))
	}
	if h.Got() != string(in) {
		t.Errorf("the handler got %d bytes that differ from the %d that were sent", len(h.Got()), len(in))
	}
	given(t, k)
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

// What happens at the same time is one event, and nothing of it is lost.
func TestOneWakeUp(t *testing.T) {
	var (
		data  = func(c *conntest.Conn) { _, _ = c.Write([]byte("data")) }
		fin   = func(c *conntest.Conn) { _ = c.CloseWrite() }
		reset = func(c *conntest.Conn) { _ = c.Reset() }
		drain = func(c *conntest.Conn) { go func() { _, _ = io.Copy(io.Discard, c) }() }
	)
	type steps []func(*conntest.Conn)
	for _, tt := range []struct {
		name             string
		do               steps
		blocked, paused  bool
		received         string
		want             error
		failed, leaving  bool // is a Sent, is told
		resumed          bool // to see the end
		receivedOnResume string
	}{
		{name: "data and end", do: steps{data, fin}, received: "data", want: io.EOF},
		{name: "data and reset", do: steps{data, reset}, received: "data", want: syscall.ECONNRESET},
		{name: "end and reset", do: steps{fin, reset}, want: io.EOF},
		{name: "blocked: data, room and end", blocked: true, do: steps{data, drain, fin}, received: "data", want: io.EOF},
		{name: "blocked: data, end and reset", blocked: true, do: steps{data, fin, reset}, want: syscall.EPIPE, failed: true},
		{name: "paused: data and end", paused: true, do: steps{data, fin}, leaving: true,
			resumed: true, receivedOnResume: "data", want: io.EOF},
		{name: "paused: reset", paused: true, do: steps{reset}, want: syscall.ECONNRESET},
		{name: "paused and blocked: reset", paused: true, blocked: true, do: steps{reset},
			want: syscall.ECONNRESET, failed: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := conntest.New(&conntest.Options{Fail: t.Errorf})
				server, client := k.Pipe()
				h := conn.NewTap(t, nil)
				if tt.paused {
					h.Pause()
				}
				new(conn.Group).Adopt(&h.Conn, server, nil, h)
				if tt.blocked {
					h.Out(bytesOf(1<<20), false)
				}
				synctest.Wait()
				k.Hold()
				for _, do := range tt.do {
					do(client)
				}
				synctest.Wait()
				k.Release()
				synctest.Wait()
				if tt.resumed {
					if h.Got() != "" || h.Left() != tt.leaving {
						t.Errorf("while paused: received %q, told %v", h.Got(), h.Left())
					}
					h.Resume()
					tt.received = tt.receivedOnResume
				}
				if err := <-h.Done(); !errors.Is(err, tt.want) {
					t.Errorf("Closed(%v), want %v", err, tt.want)
				}
				if tt.received != "" && h.Got() != tt.received {
					t.Errorf("received %q, want %q", h.Got(), tt.received)
				}
				if _, failed := h.Counts(); (len(failed) == 1) != tt.failed || len(failed) > 1 {
					t.Errorf("failed Sents: %v", failed)
				}
				client.Close()
				given(t, k)
			})
		})
	}
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
