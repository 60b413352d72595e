// Package framing holds the link framings: how packets travel as messages of a
// WebSocket, and as the bodies of HTTP requests and answers. Pure functions.
//
// Memory: frames that a parser returns share its input, which nobody may write to
// any more.
package framing

// A Kind says what a frame is for. The zero value is no kind.
type Kind uint8

const (
	Open    Kind = iota + 1 // Engine.IO 0: the handshake
	Close                   // Engine.IO 1; revision 1's 0:: on the main socket
	Ping                    // Engine.IO 2; revision 1's 2:: from the server
	Pong                    // Engine.IO 3; revision 1's 2:: from the client
	Message                 // Engine.IO 4; every other packet of revision 1
	Upgrade                 // Engine.IO 5
	Noop                    // Engine.IO 6; revision 1's 8::
)

// A Frame is one unit of a link: a whole message of a WebSocket, or one part of a
// payload.
type Frame struct {
	Kind   Kind
	Binary bool
	Data   []byte // without the link's own header
}

// An Encoded is a frame as a sender has it ready: with its link header if it is
// text; bare if it is binary.
type Encoded struct {
	Data   []byte
	Binary bool
	Units  int // length in UTF-16 code units, for framings that count so; 0: count them
}

// A Framing is one link framing. It has no state and may be used concurrently.
type Framing interface {
	// AppendText appends a text frame: the header of kind, then data.
	AppendText(dst []byte, kind Kind, data []byte) []byte

	// Parse reads one message of a stream transport. An error is a
	// *packet.ProtocolError, and the session must end.
	Parse(data []byte, binary bool) (Frame, error)

	// AppendPayload appends the body of an HTTP answer that carries msgs.
	AppendPayload(dst []byte, msgs []Encoded) []byte

	// ParsePayload reads the body of an HTTP request and calls yield for each
	// frame until yield returns an error, which it returns. More than max frames
	// (0: no bound) are an error of the payload, known before the first yield.
	ParsePayload(body []byte, max int, yield func(Frame) error) error
}
