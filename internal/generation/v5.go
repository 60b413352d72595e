package generation

import (
	"github.com/sockeye-io/socketio/internal/framing"
	"github.com/sockeye-io/socketio/internal/parser"
)

// Revision5 is Socket.IO 3.x and 4.x: packets of revision 5 over Engine.IO 4.
var Revision5 = Generation{
	Name:    "revision 5",
	Codec:   parser.V5,
	Framing: framing.V4{},
	Beat:    Beat{OnPolls: true, AnyTraffic: true},
	Rules:   Rules{Upgrades: true, CloseFrame: true, ConnectAlone: true},
	Bye:     engineIOByes,
}

// EngineIO4 is Engine.IO 4 alone.
var EngineIO4 = Generation{
	Name:    "Engine.IO 4",
	Codec:   parser.Raw,
	Framing: framing.V4{},
	Beat:    Beat{OnPolls: true, AnyTraffic: true},
	Rules:   Rules{Upgrades: true, CloseFrame: true},
	Bye:     engineIOByes,
}

// A poll that waits while the session ends is answered with "close"; one whose
// client sent "close" itself, with "noop" (Engine.IO 4 test suite, "forcefully
// closes the session"). A WebSocket simply closes.
var engineIOByes = Byes{
	Kick:  Bye{Poll: "1"},
	Left:  Bye{Poll: "6"},
	Drain: Bye{Poll: "1"},
}
