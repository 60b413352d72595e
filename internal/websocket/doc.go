// Package websocket holds the WebSocket protocol without connections: the handshake
// as a function of a request's fields, the frames of a server as bytes, and a
// Reader that turns bytes as they arrive into messages. No I/O, no goroutines, no
// clock.
//
// RFC 6455 is version 13. The drafts hybi-07 to hybi-12, versions 7 and 8, differ
// from it in the handshake only (websocket-drafts.md §4, §5), so the frame codec is
// one for all of them; each dialect's handshake has a file named after it.
//
// A server's use, where conn is whatever moves the bytes:
//
//	answer, refusal := websocket.Accept(nil, request)
//	… write the answer, or the refusal's status …
//	r := websocket.Reader{Limit: 1_000_000}
//	err := r.Feed(bytesThatArrived, func(op websocket.Opcode, payload []byte) error {
//		…
//	})
//	if e, ok := err.(*websocket.CloseError); ok {
//		… write websocket.AppendClose(nil, e.Code, e.Reason), and close …
//	}
package websocket
