package session

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/packet"
)

type silent struct{}

func (silent) Opened(*Session)                       {}
func (silent) Message(*Session, packet.Packet) error { return nil }
func (silent) Leaving(*Session)                      {}
func (silent) Taken(*Session)                        {}
func (silent) Closed(*Session, Reason)               {}

// streams returns n sessions of Engine.IO 4 or revision 5 on streams, idle.
func streams(g *generation.Generation, n int) ([]*Session, []*fake) {
	cfg := testConfig(g, silent{})
	cfg.Limits.OutboxCasts, cfg.Limits.OutboxBytes = 1000, 4<<20
	sessions, fakes := make([]*Session, n), make([]*fake, n)
	for i := range sessions {
		sessions[i], fakes[i] = New(cfg, sec), new(fake)
		_ = sessions[i].Bind(sec, fakes[i])
		bring(sessions[i], fakes[i], nil)
	}
	return sessions, fakes
}

// bring takes until there is nothing, and returns the bytes of the frames.
func bring(s *Session, t *fake, batch []*Cast) (n int) {
	for {
		casts, status := s.TakeStream(t, batch[:0], 256<<10)
		if status == Wait {
			return n
		}
		for _, c := range casts {
			n += len(c.For(s.Generation()).Frames)
		}
		s.Done(sec, t, true)
	}
}

func BenchmarkSingle(b *testing.B) {
	sessions, fakes := streams(&generation.Revision5, 1)
	p := packet.Packet{Type: packet.Event, Namespace: "/", Name: "echo", Args: packet.Args{JSON: []byte(`"hello",{"a":1}`)}}
	batch := make([]*Cast, 0, 16)
	b.ReportAllocs()
	for b.Loop() {
		if t, _ := sessions[0].Push(NewSingle(p, false)); t != nil {
			t.Wake()
		}
		b.SetBytes(int64(bring(sessions[0], fakes[0], batch)))
	}
}

// BenchmarkSinglePoll is one message by one poll.
func BenchmarkSinglePoll(b *testing.B) {
	cfg := testConfig(&generation.Revision1, silent{})
	s := New(cfg, sec)
	p := packet.Packet{Type: packet.Event, Namespace: "/", Name: "echo", Args: packet.Args{JSON: []byte(`"hello",{"a":1}`)}}
	batch := make([]*Cast, 0, 16)
	poll := new(fake)
	b.ReportAllocs()
	for b.Loop() {
		_ = s.Poll(sec, poll, false)
		_, _ = s.TakePoll(poll, batch, 1000)
		t, _ := s.Push(NewSingle(p, false))
		t.Wake()
		_, _ = s.TakePoll(poll, batch, 1000)
		s.Done(sec, poll, true)
	}
}

// BenchmarkBroadcast is one cast to 1000 sessions.
func BenchmarkBroadcast(b *testing.B) {
	sessions, fakes := streams(&generation.Revision5, 1000)
	p := packet.Packet{Type: packet.Event, Namespace: "/", Name: "echo", Args: packet.Args{JSON: []byte(`"hello",{"a":1}`)}}
	batch := make([]*Cast, 0, 16)
	b.ReportAllocs()
	for b.Loop() {
		c := NewCast(p, false)
		for _, s := range sessions {
			if t, _ := s.Push(c); t != nil {
				t.Wake()
			}
		}
		for i, s := range sessions {
			bring(s, fakes[i], batch)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/receiver")
}

func BenchmarkReceive(b *testing.B) {
	for _, g := range []*generation.Generation{&generation.Revision5, &generation.Revision1, &generation.EngineIO4} {
		b.Run(g.Name, func(b *testing.B) {
			sessions, fakes := streams(g, 1)
			text := `42["echo","hello",{"a":1}]`
			if g == &generation.Revision1 {
				text = `5:::{"name":"echo","args":["hello",{"a":1}]}`
			}
			data := []byte(text)
			b.ReportAllocs()
			for b.Loop() {
				if err := sessions[0].Receive(sec, fakes[0], data, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestIdleSize says what an idle session costs, and that nobody made it dearer
// unawares.
func TestIdleSize(t *testing.T) {
	const most = 168 // what internal/transport has room for in a size class of the allocator
	if size := unsafe.Sizeof(Session{}); size > most {
		t.Errorf("a Session has %d bytes, more than %d", size, most)
	}
	for _, g := range []*generation.Generation{&generation.Revision5, &generation.Revision1} {
		const n = 2000
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		sessions, fakes := streams(g, n)
		for i, s := range sessions { // as after a burst
			for range 100 {
				_, _ = s.Push(text2cast(g, "x", false))
			}
			bring(s, fakes[i], nil)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		t.Logf("%s: Session %d bytes; with all it keeps, and a transport of %d: %d bytes",
			g.Name, unsafe.Sizeof(Session{}), unsafe.Sizeof(fake{}), (after.HeapAlloc-before.HeapAlloc)/n)
		runtime.KeepAlive(sessions)
		runtime.KeepAlive(fakes)
	}
}
