package session

import (
	"testing"

	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/packet"
)

// Socket.IO 5 test suite, "should allow connection to the main namespace": its client
// awaits the answer to a Connect, and then the event behind it, one after the other.
func TestConnectStandsAlone(t *testing.T) {
	connect := packet.Packet{Type: packet.Connect, Namespace: "/"}
	event := packet.Packet{Type: packet.Event, Namespace: "/", Name: "e"}
	greeted := func(t *testing.T, g *generation.Generation) (*rig, *fake) {
		b, ws := streaming(t, g)
		for _, p := range []packet.Packet{connect, event} {
			if _, err := b.Push(NewSingle(p, false)); err != nil {
				t.Fatal(err)
			}
		}
		return b, ws
	}
	take := func(t *testing.T, b *rig, ws *fake, want Status) {
		t.Helper()
		if got, status := b.take(ws); status != want {
			t.Fatalf("took %q, status %d, want %d", got, status, want)
		}
	}

	t.Run("let go", func(t *testing.T) {
		b, ws := greeted(t, &generation.Revision5)
		b.answer(ws, "40")
		take(t, b, ws, Hold)
		woken := ws.woken
		b.LetGo(new(fake)) // another stream's time
		if ws.woken != woken {
			t.Fatal("woken by a stranger")
		}
		b.LetGo(ws)
		if ws.woken != woken+1 {
			t.Fatal("not woken")
		}
		b.answer(ws, `42["e"]`)
	})
	t.Run("client heard", func(t *testing.T) {
		b, ws := greeted(t, &generation.Revision5)
		b.answer(ws, "40")
		woken := ws.woken
		b.recv(ws, "3") // whatever it is, it has read the answer
		if ws.woken != woken+1 {
			t.Fatal("not woken")
		}
		b.answer(ws, `42["e"]`)
	})
	t.Run("ending", func(t *testing.T) {
		b, ws := greeted(t, &generation.Revision5)
		b.answer(ws, "40")
		take(t, b, ws, Hold)
		b.End(b.now, Kick, ServerDisconnect)
		b.answer(ws, `42["e"]`)
		take(t, b, ws, Final)
	})
	t.Run("not in revision 1", func(t *testing.T) {
		b, ws := greeted(t, &generation.Revision1)
		b.answer(ws, "1::", `5:::{"name":"e"}`)
	})
}
