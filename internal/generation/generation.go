// Package generation has one short file for each generation of the protocol, with
// nothing in it but a value: which packet grammar, which link framing, who sends
// heartbeats, and the rules that differ. A rule of the wire that depends on the
// generation is a field here and is read where it applies; the version number
// itself is looked at in Match and nowhere else.
//
// When a third field would be read in combination with another, it becomes a method.
package generation

import (
	"github.com/sockeye-io/socketio/internal/framing"
	"github.com/sockeye-io/socketio/internal/parser"
)

// A Generation is one choice of grammar, framing and rules.
type Generation struct {
	// Name is how logs, errors and Options call the generation, such as "revision 1".
	Name string

	// Index numbers the generations of a server densely: a packet keeps its
	// encodings in a table by Index. Set by the server when it is made.
	Index int

	Codec   parser.Codec
	Strict  parser.Codec // as Codec, but refuses what it can only say in other words; nil: there is nothing
	Framing framing.Framing
	Beat    Beat
	Rules   Rules
	Bye     Byes
}

// A Bye is the last thing a client is told, as a whole link message; empty: nothing.
type Bye struct {
	Poll   string // in the body of the answer to a poll
	Stream string // on a stream
}

// Byes are the ways in which a session ends.
type Byes struct {
	// Kick: the application throws the client out, and it shall stay away.
	Kick Bye
	// Left: the client said that it leaves.
	Left Bye
	// Drain: the session is lost, by an error or because the server stops, and the
	// client may come back.
	Drain Bye
}

// Beat says in which direction heartbeats go.
type Beat struct {
	// OnPolls: heartbeats travel on every transport. Otherwise only on streams,
	// and a poll that nothing comes for is ended by a noop after the polling
	// duration, and the session after the close timeout without a new one
	// (revision-1.md §7.1).
	OnPolls bool

	// AnyTraffic: every frame from the peer proves that it is there. Otherwise
	// only the answer to the heartbeat does ([T websocket-heartbeat]).
	AnyTraffic bool
}

// Rules are the differences that are neither grammar nor framing.
type Rules struct {
	// PathHandshake: a session is made by an HTTP request of its own, and opened
	// by the first request on a transport (revision-1.md §4). Otherwise the first
	// request of a transport makes it (Engine.IO 4, "Handshake").
	PathHandshake bool

	// JoinsMain: opening a session joins the main namespace. Otherwise the client
	// asks for it (Socket.IO 5, "Connection to a namespace").
	JoinsMain bool

	// ReplacePoll: a second poll takes the place of a waiting one, which is
	// answered with a noop (revision-1.md §7.3). Otherwise it ends the session
	// (Engine.IO 4 test suite, "should close the session upon duplicate poll requests").
	ReplacePoll bool

	// ResumePoll: a poll whose client went away costs nothing. Otherwise it ends
	// the session (Engine.IO 4 test suite, "should close the session upon
	// cancelled polling request").
	ResumePoll bool

	// Upgrades: a polling session may move to a WebSocket by probing.
	Upgrades bool

	// ManyPosts: POSTs under way at once are handled in the order of arrival
	// (revision-1.md §8.1). Otherwise the second is refused.
	ManyPosts bool

	// EndByPacket: a Disconnect from the main namespace ends the session
	// (revision-1.md §7.5).
	EndByPacket bool

	// EarlyEvents: events for a namespace whose Connect is still being decided are
	// queued. Otherwise they end the connection.
	EarlyEvents bool

	// IgnoresUnknown: a Connect to a namespace that is not there is not answered, as
	// by servers of the time ([T namespaces]). Otherwise it is refused.
	IgnoresUnknown bool

	// ConnectAlone: on a stream nothing follows the answer to a Connect at once
	// (Socket.IO 5 test suite, whose client misses it; see session.HoldTime).
	ConnectAlone bool

	// CloseFrame: the server ends a WebSocket with a close frame. Otherwise with
	// the end of the TCP connection (revision-1.md §8.5).
	CloseFrame bool
}
