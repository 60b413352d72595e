package storm

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio"
	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

func ping(payload string) wstest.Frame {
	return wstest.Frame{Op: websocket.Ping, Payload: []byte(payload)}
}

// piecemeal writes bytes one by one: a segment each, as far as the kernel has it.
func (c *client) piecemeal(b []byte) error {
	for i := range b {
		if _, err := c.Write(b[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// largest returns an event whose packet has exactly size bytes.
func (c *client) largest(size int) (packet, args string) {
	args = `"` + strings.Repeat("é", (size-len(c.event("", "", "echo", `""`)))/2) + `"`
	if len(c.event("", "", "echo", args)) < size {
		args = args[:len(args)-1] + `x"`
	}
	return c.event("", "", "echo", args), args
}

// TestPiecemeal: the largest message that is allowed arrives whole in pieces of one
// byte, and one with one byte more is refused.
func TestPiecemeal(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		size := sized(100_000, 20_000)
		s := serve(t, engine, socketio.Options{MaxPayload: size, PingInterval: patience, PingTimeout: patience}, nil)
		registerEcho(s)
		before := measure()
		for _, tt := range []struct {
			name string
			rev1 bool
			send func(c *client, size int) (frames []wstest.Frame, args string)
		}{
			{"text to revision 1", true, wholeText},
			{"text to revision 5", false, wholeText},
			{"fragments, and pings between", false, fragments},
			{"binary", false, wholeBinary},
		} {
			t.Run(tt.name, func(t *testing.T) {
				c, err := join(s.addr, tt.rev1)
				must(t, err)
				defer c.Close()
				frames, args := tt.send(c, size)
				must(t, c.piecemeal(wstest.Frames(frames...)))
				m, err := c.until("echo", "pong")
				must(t, err)
				if strings.Contains(args, "_placeholder") {
					m, err = c.next() // the attachment
					must(t, err)
					args = string(frames[1].Payload)
				}
				if m.args != args {
					t.Errorf("%d bytes came back of %d, or other ones", len(m.args), len(args))
				}
				frames, _ = tt.send(c, size+1)
				// The header says it already, and the rest may meet a closed connection.
				_ = c.piecemeal(wstest.Frames(frames...))
				if m, err := c.until("close", "pong"); err != nil || m.args != "1009" {
					t.Errorf("one byte more: got %v, %v; want 1009", m, err)
				}
			})
		}
		s.settled(before)
	})
}

func wholeText(c *client, size int) ([]wstest.Frame, string) {
	packet, args := c.largest(size)
	return []wstest.Frame{{Op: websocket.Text, Payload: []byte(packet)}}, args
}

func fragments(c *client, size int) (frames []wstest.Frame, args string) {
	packet, args := c.largest(size)
	const each = 1013 // not a divisor, and characters are cut
	for at := 0; at < len(packet); at += each {
		end := min(at+each, len(packet))
		f := wstest.Frame{Op: websocket.Continuation, Payload: []byte(packet[at:end]), More: end < len(packet)}
		if at == 0 {
			f.Op = websocket.Text
		}
		frames = append(frames, f)
		if f.More {
			frames = append(frames, ping(fmt.Sprint(at)))
		}
	}
	return frames, args
}

func wholeBinary(_ *client, size int) ([]wstest.Frame, string) {
	return []wstest.Frame{
		{Op: websocket.Text, Payload: []byte(`451-["echo",{"_placeholder":true,"num":0}]`)},
		{Op: websocket.Binary, Payload: bytes.Repeat([]byte{0, 1, 0xFF}, size/3+1)[:size]},
	}, `{"_placeholder":true,"num":0}`
}
