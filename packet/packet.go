// Package packet holds the words that every layer of the server shares: a
// Socket.IO packet in a neutral form that belongs to no generation, and the
// target of a broadcast.
//
// Every grammar (internal/parser) reads its own text into a Packet and writes a
// Packet as its own text; everything between the parsers, the cluster's buses
// included, speaks only of Packets. The package has no behaviour.
package packet

// Type says what a packet is for. The zero value is no type.
type Type uint8

const (
	// Connect joins a namespace, or says that it was joined.
	Connect Type = iota + 1
	// Disconnect leaves a namespace; it never ends the connection by itself.
	Disconnect
	// Event carries a name and arguments.
	Event
	// Ack answers the event whose ID it repeats.
	Ack
	// ConnectError refuses a Connect.
	ConnectError
	// Text is an unnamed text message: revision 1's type 3, and what Engine.IO
	// alone carries.
	Text
	// JSON is an unnamed JSON message: revision 1's type 4.
	JSON
	// Binary is an unnamed binary message: Engine.IO alone.
	Binary
)

// String returns the type's name as the protocol documents write it.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "UNKNOWN"
}

var typeNames = [...]string{
	"UNKNOWN", "CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "MESSAGE", "JSON", "BINARY",
}

// A Packet is one Socket.IO packet. A decoded packet owns its memory, or shares
// memory that nobody writes to any more; it must not be changed.
type Packet struct {
	Type Type

	// Namespace begins with a slash in every generation that has a rule about it.
	// The main namespace is "/".
	Namespace string

	// ID is the acknowledgement id as its sender wrote it, in decimal digits: the
	// one asked for (Event, Text, JSON) or the one answered (Ack). Empty: none.
	ID string

	// AutoAck says that the receiving library, not the application, owes the
	// answer: revision 1's id without "+" (revision-1.md §6).
	AutoAck bool

	// Name is the event's name.
	Name string

	// Args are an event's or an answer's arguments. For Connect they are the auth
	// payload (none or one value), for ConnectError what is told to the client
	// (one object with "message"), for JSON the one value.
	Args Args

	// Data is what a Text or Binary message carries.
	Data []byte

	// Query is what revision 1's Connect carries behind its endpoint, from "?" on.
	Query string

	// Reason and Advice are the words of revision 1's error packet
	// (revision-1.md §5.1), such as "unauthorized" and "reconnect".
	Reason, Advice string
}

// Args is a list of JSON values in canonical form. The zero value is the empty
// list. Args are shared, never changed.
type Args struct {
	// JSON holds the values with commas between them and no brackets around them.
	// It is valid JSON text and valid UTF-8.
	JSON []byte

	// Attachments are the binary values, in the order of their positions.
	Attachments []Attachment
}

// An Attachment is a binary value. In the JSON text a literal null holds its place.
type Attachment struct {
	Pos  int // where in Args.JSON that null begins
	Data []byte
}

// A Target says which sockets of a namespace get a broadcast: the members of any
// of Rooms (all sockets, when Rooms is empty) that are in none of Except. A
// socket's id is the name of a room that only that socket is in.
type Target struct {
	Namespace string
	Rooms     []string
	Except    []string
}

// A ProtocolError says which rule of the wire a peer broke.
type ProtocolError struct {
	Generation string // such as "revision 1"; empty where a parser does not know it
	Rule       string // such as "event name is longer than 1024 bytes"
	Local      bool   // this side is at fault, not the peer
}

func (e *ProtocolError) Error() string {
	s := "socketio: "
	if e.Generation != "" {
		s += e.Generation + ": "
	}
	if e.Local {
		return s + "cannot send: " + e.Rule
	}
	return s + "peer broke the protocol: " + e.Rule
}
