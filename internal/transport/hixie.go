package transport

import (
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/internal/websocket"
)

// hixie is what a stream has in place of its reader if its client speaks one of the
// hixie drafts: few do, so it is not part of every stream.
type hixie struct {
	reader  websocket.HixieReader
	closing bool // the dialect has one
}

func newHixie(d *websocket.Dialect, limit int) *hixie {
	return &hixie{reader: websocket.HixieReader{Limit: limit}, closing: d != websocket.Hixie75}
}

// feed reads what came, in the stream's dialect.
func (t *stream) feed(p []byte, yield func(websocket.Opcode, []byte) error) error {
	if t.hixie != nil {
		return t.hixie.reader.Feed(p, yield)
	}
	return t.reader.Feed(p, yield)
}

// frame returns a text in the stream's dialect.
func (t *stream) frame(text []byte) []byte {
	if t.hixie != nil {
		return websocket.AppendHixie(nil, text)
	}
	return websocket.AppendFrame(nil, websocket.Text, text)
}

// closing returns the stream's goodbye in its dialect.
func (t *stream) closing(code int, reason string) []byte {
	switch {
	case t.hixie == nil:
		return websocket.AppendClose(nil, code, reason)
	case t.hixie.closing:
		return websocket.AppendHixieClose(nil)
	}
	return nil
}

// appendHixie appends the frames of a cast. They are not kept with it as those of RFC
// 6455 are: a message between two bytes costs no more than copying it. There is no
// binary form, and revision 1, the only one that is spoken so, has no binary message.
func appendHixie(out []byte, e *session.Encoded) []byte {
	for _, m := range e.Messages {
		out = websocket.AppendHixie(out, m.Data)
	}
	return out
}
