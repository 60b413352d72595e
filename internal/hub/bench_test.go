package hub

import (
	"fmt"
	"testing"

	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/packet"
)

// BenchmarkFanOut broadcasts to 1,000 sessions of all generations: the cost per
// broadcast, encoding and taking included, sockets' I/O not.
func BenchmarkFanOut(b *testing.B) {
	const sessions = 1000
	r := newRig(nil)
	ns := r.Namespace("/")
	var wires []*wire
	for i := range sessions {
		w, s := r.connect(b, i)
		wires = append(wires, w)
		_ = s.Join("room")
		_ = s.Join(fmt.Sprint("half ", i%2))
	}
	p := packet.Packet{Type: packet.Event, Name: "news", Args: packet.Args{JSON: []byte(`{"a":"hello","b":[1,2,3]}`)}}
	for name, to := range map[string]Broadcast{
		"room":     {Rooms: []string{"room"}},
		"everyone": {},
		"but one":  {Skip: wires[0].sess.User.(*Client).sockets},
		"2 rooms":  {Rooms: []string{"half 0", "half 1"}},
		"except":   {Except: []string{"nobody"}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := ns.Broadcast(p, to); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for _, w := range wires {
		w.sess.Lost(w, session.TransportClose)
	}
}

// BenchmarkEvent reads, dispatches and handles an event, whose answer is an event.
func BenchmarkEvent(b *testing.B) {
	for i := range 2 {
		r := newRig(nil)
		done := make(chan struct{}, 1)
		r.Namespace("/").HandleEvent("e", func(e *Event) {
			_ = e.Socket().Emit("back", e.Packet.Args, false)
			done <- struct{}{}
		})
		w, _ := r.connect(b, i)
		event := w.event("e")
		b.Run(w.g.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.receive(b, event)
				<-done
			}
		})
		w.sess.Lost(w, session.TransportClose)
	}
}

// BenchmarkJoinLeave joins and leaves a room.
func BenchmarkJoinLeave(b *testing.B) {
	r := newRig(nil)
	w, s := r.connect(b, 0)
	b.ReportAllocs()
	for b.Loop() {
		_ = s.Join("room")
		s.Leave("room")
	}
	w.sess.Lost(w, session.TransportClose)
}
