// Package engineio is Engine.IO 4 alone: messages of text or bytes over polling and
// WebSocket, with heartbeats and upgrades, for programs that want no events, rooms
// or namespaces.
//
//	srv := engineio.NewServer(nil)
//	srv.OnMessage(func(s *engineio.Socket, m engineio.Message) { s.Send(m) })
//	http.Handle("/engine.io/", srv)
//
// Messages of one socket are handled one at a time, in the order in which they
// arrived; those of different sockets at once. A socket's inbox is bounded: when its
// handler falls behind, nothing more is read from it.
package engineio
