package conn

import (
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
)

// Events in every order: several goroutines do to a connection whatever may be done to
// it. The tap watches the contract, -race the memory, and in the end everything must
// have been closed and no goroutine be left.
func TestDisorder(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 10
	}
	run(t, func(t *testing.T, m mode, _ *tap, server, client net.Conn) {
		server.Close()
		for range rounds {
			server, client := m.dial(t)
			disorder(t, server, client)
		}
	})
}

func disorder(t *testing.T, server, client net.Conn) {
	h := newTap(t)
	seed := rand.Uint64()
	h.own = seed%2 == 0
	h.onReceive = func([]byte) error { // one call at a time
		switch rand.IntN(20) {
		case 0:
			h.Pause()
		case 1:
			h.Pause()
			go h.Resume()
		case 2:
			h.send([]byte("answer"), false)
		case 3:
			return []error{nil, nil, errTest}[rand.IntN(3)]
		}
		return nil
	}
	actors := actors(h, server, client)
	var wg sync.WaitGroup
	rand.Shuffle(len(actors), func(i, j int) { actors[i], actors[j] = actors[j], actors[i] })
	for _, act := range actors {
		wg.Go(act)
	}
	stop := make(chan struct{})
	go func() { // whoever still waits for the other side is set free
		defer close(stop)
		if rand.IntN(2) == 0 {
			h.Close(errTest)
		}
		client.Close()
	}()
	wg.Wait()
	<-stop
	for { // a paused connection notices on Resume only, and may pause again
		h.Resume()
		select {
		case <-h.closed:
			return
		default:
			runtime.Gosched()
		}
	}
}

// actors are what happens at the same time.
func actors(h *tap, server, client net.Conn) []func() {
	return []func(){
		func() { new(Group).Adopt(&h.Conn, server, []byte("leftover")[:rand.IntN(9)], h) },
		func() {
			for range rand.IntN(20) {
				h.send(pattern(rand.IntN(1000)), false)
			}
			h.send(pattern(rand.IntN(2)), rand.IntN(2) == 0)
		},
		func() {
			for range rand.IntN(20) {
				if rand.IntN(2) == 0 {
					h.Pause()
				}
				h.Resume()
				h.Wake()
			}
			if rand.IntN(4) == 0 {
				h.Close(errTest)
			}
		},
		func() {
			for range rand.IntN(20) {
				if _, err := client.Write(pattern(rand.IntN(5000))); err != nil {
					break
				}
			}
			if rand.IntN(2) == 0 {
				closeWrite(client)
			}
		},
		func() { io.CopyN(io.Discard, client, int64(rand.IntN(10000))) },
	}
}
