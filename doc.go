// Package socketio serves Socket.IO clients of every generation: the browsers, phones
// and devices of 2011 and those of today, at once and in the same rooms.
//
//	srv := socketio.NewServer(nil)
//	socketio.On(srv, "chat", func(s *socketio.Socket, text string) {
//		s.Broadcast().Emit("chat", text)
//	})
//	http.Handle("/socket.io/", srv)
//	http.ListenAndServe(":3000", nil)
//
// A [Server] is an http.Handler. Whoever connects to it has a [Socket] in each
// [Namespace] that it joins; the server's own methods are those of the main namespace,
// "/", and [Server.Of] returns the others. Handlers are registered on namespaces,
// before clients come. The directory examples has complete programs for net/http, chi,
// gin and echo.
//
// # Events
//
// [On] registers a handler with a typed argument, and [Socket.Emit] sends an event to
// one client. [Reply] registers a handler whose result is the client's acknowledgement,
// and [Call] waits for a client's answer:
//
//	// socket.emit("sum", [1, 2], (sum) => …)
//	socketio.Reply(srv, "sum", func(s *socketio.Socket, n []float64) (float64, error) { … })
//
//	// socket.on("your name?", (answer) => answer("Ann"))
//	name, err := socketio.Call[string](ctx, s, "your name?")
//
// Arguments are what encoding/json makes of Go values, and []byte is binary. Several
// are a struct that embeds [Tuple], or [Args]. They stay JSON text until a handler types
// them: what is only passed on is never decoded. [Namespace.On] takes a [Handler] that
// decodes its Args by itself and may answer later, [Namespace.OnAny] one that sees
// every event. Revision 1's unnamed messages go to [Namespace.OnMessage];
// [Socket.Send] and [Socket.SendJSON] write them.
//
// # Rooms and broadcasts
//
// [Socket.Join] puts a socket into a room, and a socket's id is a room that only it is
// in. To, In, Except, Volatile and Local make a [Broadcast], a value that says who is
// meant; those of a Socket leave that socket out:
//
//	srv.Emit("news", "for everybody")
//	srv.To("lobby", "garden").Except("quiet").Emit("news", "for whom it concerns")
//	s.To("lobby").Emit("news", "for the others in the lobby")
//
// A broadcast is encoded once for each generation among its receivers.
//
// # Coming and going
//
// [Options].Authorize decides about a session in its first HTTP request,
// [Namespace.Use] about a socket that wants to join. [Namespace.OnConnect] is called
// with each that did, [Namespace.OnDisconnect] when it has left, with the reason.
// [Socket.Set] and [Socket.Get] keep values with it in between, [Socket.Handshake] says
// what the client is and [Socket.Transport] how it is connected now. Pages of other
// origins must be listed in Options.Origins.
//
// # Order and concurrency
//
// All methods may be called concurrently, from handlers too. Emitting never blocks.
//
//   - The events of one socket are handled one at a time, in the order in which they
//     arrived: OnConnect first, OnDisconnect last. Those of different sockets, also of
//     one client, run at once.
//   - What one goroutine emits reaches one receiver in order.
//   - All members of a room on one server see its broadcasts in one order.
//   - There is no order between rooms, nor between servers of a cluster.
//
// Acknowledgements are not events: a handler may wait for one of its own client. A
// handler that waits for another event of its own client waits for ever; it must do
// so in a goroutine of its own.
//
// A client whose handlers fall behind is not read any more until they catch up; one
// that does not read what it is sent is disconnected ("outbox full").
//
// # Cancellation
//
// [Socket.Context] ends when the socket leaves, whatever its handler is doing. If the
// client left or was lost, events that it had sent before are still handled, then
// OnDisconnect runs; work that must be finished in spite of it takes
// context.WithoutCancel. If the server threw it out, they are dropped. A panic in a
// handler ends that event and is logged.
//
// # Generations
//
//	name        clients     transports            what it cannot do
//	revision 1  0.7 – 0.9   websocket (hixie-76   binary: sent to it as
//	                        to RFC 6455),         {"base64":true,"data":"…"};
//	                        flashsocket,          auth payloads: it has the query;
//	                        htmlfile,             refusals say "unauthorized" only;
//	                        xhr-polling,          leaving "/" ends the connection
//	                        jsonp-polling
//	revision 5  3.x, 4.x    websocket, polling,   unnamed messages: they are the
//	                        upgrade between       event "message"
//
// # Ending
//
// [Server.Shutdown] loses nothing that was accepted and makes clients come back. Call
// it before http.Server.Shutdown, which waits for polls and knows nothing of
// WebSockets:
//
//	err := errors.Join(srv.Shutdown(ctx), httpServer.Shutdown(ctx))
package socketio
