package parser

import "github.com/sockeye-io/socketio/packet"

// Raw is the grammar of Engine.IO alone: a message is its own packet, Text or Binary,
// with no namespace. A Binary packet has no head: AppendHead appends nothing, and
// the packet is the one message that Attachments returns. Who sends packets must
// therefore leave the head out when Headless says so.
var Raw Codec = raw{}

// Headless reports whether p, in any grammar, is sent as its attachments only.
func Headless(p *packet.Packet) bool { return p.Type == packet.Binary }

type raw struct{}

func (raw) AppendHead(dst []byte, p *packet.Packet) ([]byte, error) {
	switch p.Type {
	case packet.Text:
		return append(dst, p.Data...), nil
	case packet.Binary:
		return dst, nil
	}
	return dst, unsayable("Engine.IO alone has no " + p.Type.String() + " packets")
}

func (raw) Attachments(p *packet.Packet) []packet.Attachment {
	if p.Type != packet.Binary {
		return nil
	}
	return []packet.Attachment{{Data: p.Data}}
}

func (raw) NewDecoder(*Limits) Decoder { return rawDecoder{} }

func (raw) Decode(_ *Limits, data []byte, binary bool) (p packet.Packet, rest Decoder, done bool, err error) {
	p, done, err = rawDecoder{}.Decode(data, binary)
	return p, nil, done, err
}

// A rawDecoder has no state, so it costs nothing.
type rawDecoder struct{}

func (rawDecoder) Decode(data []byte, binary bool) (packet.Packet, bool, error) {
	kind := packet.Text
	if binary {
		kind = packet.Binary
	}
	return packet.Packet{Type: kind, Data: data}, true, nil
}

func (rawDecoder) Due() bool { return false }
