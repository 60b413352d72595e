// Package parser holds the packet grammars: what a Socket.IO packet looks like as
// messages. A grammar is a pure function of its input; the only state, an event
// whose attachments are still to come, lives in a Decoder that the session owns,
// so that an attachment may arrive on the next transport.
//
// Memory: a message handed to Decode belongs to the decoder from then on. Nobody
// writes to it again, and packets share it.
package parser

import "github.com/sockeye-io/socketio/packet"

// A Codec is one packet grammar. A Codec has no state and may be used concurrently.
type Codec interface {
	// AppendHead appends the first message of p, which is text. It fails with a
	// *packet.ProtocolError (Local) if the grammar cannot say p.
	AppendHead(dst []byte, p *packet.Packet) ([]byte, error)

	// Attachments returns those attachments of p that follow the head as binary
	// messages of their own.
	Attachments(p *packet.Packet) []packet.Attachment

	// NewDecoder returns a decoder for one session.
	NewDecoder(l *Limits) Decoder

	// Decode is the Decode of a new decoder. If attachments are due, the rest goes to
	// the decoder that it returns: a session needs one only then.
	Decode(l *Limits, data []byte, binary bool) (p packet.Packet, rest Decoder, done bool, err error)
}

// A Decoder turns the messages of one session into packets. It is not safe for
// concurrent use.
type Decoder interface {
	// Decode takes the next message. It returns done == false and no error if the
	// message was good and gave no packet: attachments are due, or the grammar
	// says to ignore such a message (revision-1.md §5.2). An error is a
	// *packet.ProtocolError, and the session must end.
	Decode(data []byte, binary bool) (p packet.Packet, done bool, err error)

	// Due reports whether attachments of a packet are still to come.
	Due() bool
}

// Limits bound what a decoder accepts. A zero or negative field means no bound,
// except Depth, which is at most MaxDepth.
type Limits struct {
	Depth           int // nesting of JSON
	Args            int // arguments of an event or answer
	Name            int // bytes of an event's name
	Namespace       int // bytes of a namespace
	IDDigits        int // digits of an acknowledgement id
	Attachments     int // attachments of one packet
	AttachmentBytes int // their bytes together
}
