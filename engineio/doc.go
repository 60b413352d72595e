// Package engineio is Engine.IO 4 alone: messages of text or bytes over polling and
// WebSocket, with heartbeats and upgrades, for programs that want no events, rooms
// or namespaces.
//
//	srv := engineio.NewServer(nil)
//	srv.OnMessage(func(s *engineio.Socket, m engineio.Message) { s.Send(m) })
//	http.Handle("/engine.io/", srv)
//
// # Handlers
//
// For one socket OnConnect comes first, then OnMessage for each message in the order
// of arrival, and OnClose last; one at a time. Those of different sockets run at once.
// A handler may block: up to 256 messages or 1 MiB of its socket wait meanwhile, then
// nothing more is read from that client until there is room. A handler that waits for
// another message of its own socket waits for ever.
//
// A handler that panics has ended, and is logged with its stack; its socket lives,
// unless the handler was OnConnect's.
//
// # Sockets
//
// A *Socket is valid as a key of a map, and stands for the client from OnConnect to
// OnClose. It has no id: that of the session lets whoever knows it speak for the client.
package engineio
