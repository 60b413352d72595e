package generation

import (
	"github.com/sockeye-io/socketio/internal/framing"
	"github.com/sockeye-io/socketio/internal/parser"
)

// Revision1 is Socket.IO 0.7 to 0.9.
var Revision1 = Generation{
	Name:    "revision 1",
	Codec:   parser.Rev1,
	Strict:  parser.Rev1NoBinary,
	Framing: framing.Rev1{},
	Rules: Rules{
		PathHandshake: true,
		JoinsMain:     true,
		ReplacePoll:   true,
		ResumePoll:    true,
		ManyPosts:     true,
		EndByPacket:   true,
		EarlyEvents:   true,
	},
	Bye: Byes{
		// 0:: is what makes a client stay away; it is answered in kind
		// (revision-1.md §7.5, [T websocket-kick], [T disconnect-by-client]).
		Kick: Bye{Poll: "0::", Stream: "0::"},
		Left: Bye{Poll: "0::", Stream: "0::"},
		// "client not handshaken, reconnect": it comes back ([T xhr-polling-bad-session]).
		Drain: Bye{Poll: "7:::1+0"},
	},
}
