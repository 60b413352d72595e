package socketio_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/sockeye-io/socketio"
)

// TestEventOrder: the events of one socket are handled one at a time and in order,
// those of different sockets at once.
func TestEventOrder(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		s.Of("/other")
		const clients, events = 5, 300
		var meet sync.WaitGroup // all sockets are in a handler at once
		meet.Add(2 * clients)
		var all sync.WaitGroup
		for _, ns := range []*socketio.Namespace{s.Namespace, s.Of("/other")} {
			socketio.On(ns, "n", func(so *socketio.Socket, n int) {
				last, _ := so.Get("n").(int)
				if n != last+1 || so.Get("busy") != nil {
					t.Errorf("event %d follows %d", n, last)
				}
				so.Set("busy", true)
				if n == 1 {
					meet.Done()
					meet.Wait()
				}
				so.Set("n", n)
				so.Set("busy", nil)
				all.Done()
			})
		}
		for range clients {
			c := s.connect(m)
			c.on("/other").join("")
			c.want("/other connect")
			all.Add(2 * events)
			for i := range events {
				c.emit("n", fmt.Sprint(i+1))
				c.on("/other").emit("n", fmt.Sprint(i+1))
			}
		}
		all.Wait()
	})
}

// TestEmitOrder: what one goroutine emits reaches a receiver in its order, whatever
// others emit, and by whichever way.
func TestEmitOrder(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, &socketio.Options{MaxOutboxCasts: -1, MaxOutboxBytes: -1})
		c, so := crowd(t, s, m, 1)
		so[0].Join("room")
		const goroutines, emits = 8, 200
		var all sync.WaitGroup
		for g := range goroutines {
			all.Go(func() {
				for i := range emits {
					switch i % 4 {
					case 0:
						so[0].Emit("n", g, i)
					case 1:
						s.To("room").Emit("n", g, i)
					case 2:
						s.Emit("n", g, i)
					case 3:
						s.To("room", so[0].ID()).Except("none").Emit("n", g, i)
					}
				}
			})
		}
		var next [goroutines]int
		for range goroutines * emits {
			var g, i int
			if _, err := fmt.Sscanf(c[0].next().data, "[%d,%d]", &g, &i); err != nil || i != next[g] {
				t.Fatalf("goroutine %d: %d, want %d", g, i, next[g])
			}
			next[g]++
		}
		all.Wait()
		c[0].silence()
	})
}

// TestRoomOrder: all members of a room see its broadcasts in one order, whatever they
// speak, and whoever comes and goes.
func TestRoomOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &socketio.Options{MaxOutboxCasts: -1, MaxOutboxBytes: -1})
		var clients []*client
		for _, m := range modes {
			for range 2 {
				clients = append(clients, s.connect(m))
			}
		}
		guests := everybody(t, s, clients)
		const goroutines, emits = 8, 100
		var all sync.WaitGroup
		for g := range goroutines {
			all.Go(func() {
				for i := range emits {
					b := s.To("room")
					switch i % 3 {
					case 1:
						b = s.To("elsewhere", "room")
					case 2:
						b = s.In("room").Except("nobody")
					}
					b.Emit("n", g, i)
					if so := guests[(g+i)%len(guests)]; i%10 == 0 {
						so.Leave("elsewhere")
						so.Join("elsewhere")
					}
				}
			})
		}
		all.Wait()
		var want []string
		for n, c := range clients {
			var got []string
			for range goroutines * emits {
				got = append(got, c.next().data)
			}
			if n == 0 {
				want = got
			} else if strings.Join(got, "") != strings.Join(want, "") {
				t.Errorf("%s and %s see different orders", c.m.name, clients[0].m.name)
			}
			c.silence()
		}
	})
}

// everybody puts everybody into the room and returns the sockets.
func everybody(t *testing.T, s *site, clients []*client) (all []*socketio.Socket) {
	settle()
	s.SocketsJoin("room", "elsewhere")
	for so := range s.Sockets() {
		all = append(all, so)
	}
	if len(all) != len(clients) {
		t.Fatalf("%d sockets", len(all))
	}
	return all
}

// TestMixedRoom: one broadcast, in the words of each generation.
func TestMixedRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil)
		sender := s.connect(rev5WebSocket)
		socketio.On(s, "shout", func(so *socketio.Socket, a socketio.Args) { so.Broadcast().Emit("shout", a) })
		var clients []*client
		for _, m := range modes {
			clients = append(clients, s.connect(m))
		}
		settle()
		sender.out <- []frame{{data: `451-["shout","ü",{"_placeholder":true,"num":0}]`}, {data: "\x01", binary: true}}
		for _, c := range clients {
			want := "shout[\"ü\",<\x01>]"
			if c.m.rev1 {
				want = `shout["ü",{"base64":true,"data":"AQ=="}]`
			}
			c.want(want)
		}
		sender.silence()
	})
}

// TestChurn: everything at once, for the race detector: clients come, go, join, leave,
// emit and are thrown out.
func TestChurn(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		s.Of("/b")
		var in, out sync.WaitGroup
		s.OnConnect(func(so *socketio.Socket) error {
			in.Add(1)
			return so.Join("room", so.ID()[:1])
		})
		s.OnDisconnect(func(*socketio.Socket, string) { in.Done() })
		socketio.On(s, "e", func(so *socketio.Socket, n int) {
			so.To("room").Emit("e", n)
			if n%5 == 0 {
				so.Leave("room")
			}
		})
		for g := range 6 {
			out.Go(func() {
				for i := range 5 {
					c, err := s.tryDial(m)
					if err != nil {
						t.Error(err)
						return
					}
					c.join("")
					for n := range 10 {
						c.emit("e", fmt.Sprint(n))
					}
					switch (g + i) % 4 {
					case 0:
						c.close()
						c.ended()
					case 1:
						c.cut()
					case 2:
						c.on("/b").join("")
						c.leave()
					case 3:
						s.To("room").DisconnectSockets(true)
						s.SocketsJoin("x")
						s.SocketsLeave("x")
					}
				}
			})
		}
		out.Wait()
		s.DisconnectSockets(true)
		settle()
		s.Close()
		in.Wait()
		if s.Len() != 0 {
			t.Errorf("%d sockets are left", s.Len())
		}
	})
}
