package socketio_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/sockeye-io/socketio"
)

// TestMessages: revision 1's unnamed messages, with a handler of their own.
func TestMessages(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		j := newJournal(t)
		s.OnMessage(func(so *socketio.Socket, msg *socketio.Message) {
			j.add("text %v %q %s needs %v", msg.IsText(), msg.Text(), msg.Args(), msg.NeedsAck())
			if msg.NeedsAck() {
				msg.Ack("mine")
			}
			if msg.IsText() {
				so.Send(msg.Text())
			} else {
				so.SendJSON(msg.Args())
			}
		})
		socketio.On(s, "message", func(*socketio.Socket, socketio.Args) { j.add("event") })
		c := s.connect(m)
		c.raw("3:::h\"i")
		j.want(`text true "h\"i" ["h\"i"] needs false`)
		c.want(`text h"i`)
		c.raw(`4:::{"a":[1]}`)
		j.want(`text false "{\"a\":[1]}" [{"a":[1]}] needs false`)
		c.want(`json {"a":[1]}`)
		c.raw("3:1::x") // the library answers by itself (revision-1.md §6)
		j.want(`text true "x" ["x"] needs false`)
		c.want("ack 1[]", "text x")
		c.raw("3:2+::y")
		j.want(`text true "y" ["y"] needs true`)
		c.want(`ack 2["mine"]`, "text y")
		c.emit("message", `1`) // an event of that name is none of them
		j.want("event")
	}, not("it has no unnamed messages", rev5Modes...))
}

// TestMessagesAsEvents: without OnMessage they are the event "message".
func TestMessagesAsEvents(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		j := newJournal(t)
		s.OnAny(func(_ *socketio.Socket, e *socketio.Event) { j.add("any %s", e.Name()) })
		socketio.On(s, "message", func(_ *socketio.Socket, a socketio.Args) { j.add("message %s", a) })
		c := s.connect(m)
		c.raw("3:::hi")
		j.want("any message", `message ["hi"]`)
		c.raw(`4:::{"a":1}`)
		j.want("any message", `message [{"a":1}]`)
		c.raw(`4:7+::null`)
		j.want("any message", `message [null]`)
	}, not("it has no unnamed messages", rev5Modes...))
}

// TestSend: what is sent unnamed is the event "message" in later generations.
func TestSend(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		c := s.connect(m)
		so := only(t, s.Namespace)
		text, json := `text a"b`, `json {"a":1}`
		if !m.rev1 {
			text, json = `message["a\"b"]`, `message[{"a":1}]`
		}
		v := map[string]int{"a": 1}
		for _, send := range []struct {
			text func(string) error
			json func(any) error
		}{
			{so.Send, so.SendJSON}, {s.Send, s.SendJSON}, {s.To(so.ID()).Send, s.To(so.ID()).SendJSON},
		} {
			if err := send.text(`a"b`); err != nil {
				t.Error(err)
			}
			if err := send.json(v); err != nil {
				t.Error(err)
			}
			c.want(text, json)
			if send.json(func() {}) == nil || send.json(socketio.Args{JSON: []byte("1,2")}) == nil || send.json(socketio.Args{}) == nil {
				t.Error("what is no JSON value is sent")
			}
		}
		settle()
		so.Volatile().Send("v")
		c.next()
		settle()
		so.Volatile().SendJSON(v)
		c.want(json)
		c.silence()
	})
}

// TestBinary: attachments both ways; to revision 1 as an object (decision 13).
func TestBinary(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		c := s.connect(m)
		so := only(t, s.Namespace)
		type pic struct {
			Name string          `json:"name"`
			Data socketio.Binary `json:"data"`
		}
		b := []byte{1, 2, 0xff}
		for _, emit := range []func(string, ...any) error{so.Emit, s.Emit} {
			if err := emit("pic", "a", b, pic{"x", b}, map[string]any{"k": b}); err != nil {
				t.Fatal(err)
			}
			bin := "<\x01\x02\xff>"
			if m.rev1 {
				bin = `{"base64":true,"data":"AQL/"}`
			}
			c.want(`pic["a",` + bin + `,{"name":"x","data":` + bin + `},{"k":` + bin + `}]`)
		}
	})
}

// TestRefuseBinary: the alternative leaves the packet out, and nothing else, for
// revision 1 only (decision 13).
func TestRefuseBinary(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, &socketio.Options{Revision1: socketio.Revision1{RefuseBinary: true}})
		c := s.connect(m)
		so := only(t, s.Namespace)
		for _, emit := range []func(string, ...any) error{so.Emit, s.Emit} {
			if err := emit("pic", []byte{1}); err != nil {
				t.Fatal(err)
			}
			if err := emit("word", "a"); err != nil {
				t.Fatal(err)
			}
			if !m.rev1 {
				c.want("pic[<\x01>]")
			}
			c.want(`word["a"]`)
		}
	})
}

// TestBinaryFromClient: attachments may come in any batch, and go back as they came.
func TestBinaryFromClient(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		type upload struct {
			socketio.Tuple
			Name string
			Data []byte
			Meta struct{ Icon []byte }
		}
		got := make(chan upload, 1)
		socketio.Reply(s, "upload", func(_ *socketio.Socket, u upload) (socketio.Args, error) {
			got <- u
			return socketio.Args{}, nil
		})
		socketio.Reply(s, "back", func(_ *socketio.Socket, a socketio.Args) (socketio.Args, error) { return a, nil })
		c := s.connect(m)
		const args = `"f",{"_placeholder":true,"num":0},{"Icon":{"_placeholder":true,"num":1}}]`
		attach := []frame{{"\x00\x01", true}, {"\xfe", true}}
		c.out <- append([]frame{{data: `452-7["upload",` + args}}, attach...)
		if u := <-got; u.Name != "f" || !bytes.Equal(u.Data, []byte{0, 1}) || !bytes.Equal(u.Meta.Icon, []byte{0xfe}) {
			t.Errorf("got %v", u)
		}
		c.want("ack 7[]")
		c.raw(`452-8["back",` + args)
		c.out <- slices.Clone(attach[:1])
		c.out <- slices.Clone(attach[1:])
		c.want("ack 8[\"f\",<\x00\x01>,{\"Icon\":<\xfe>}]")
	}, not("it has no binary", rev1Modes...))
}
