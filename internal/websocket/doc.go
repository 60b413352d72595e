// Package websocket holds the WebSocket protocol without connections: handshakes as
// functions of a request's fields, the frames of a server as bytes, and readers that
// turn bytes as they arrive into messages. No I/O, no goroutines, no clock.
//
// Five dialects of it were spoken in browsers (websocket-drafts.md §1), and Accept
// tells them apart:
//
//	hixie-75            handshake and frames: hixie.go, hixieframe.go
//	hixie-76 = hybi-00  the same, with keys and a proof; what Flash players speak
//	hybi-07 to hybi-12  as RFC 6455, but for the name of a field
//	RFC 6455            handshake: rfc6455.go; frames: frame.go, reader.go, mask.go
//
// A server's use, where conn is whatever moves the bytes:
//
//	answer, refusal := websocket.Accept(nil, request, websocket.Hybi08, websocket.RFC6455)
//	… write answer.Head, or the refusal's status …
//	r := websocket.Reader{Limit: 1_000_000} // a HixieReader if answer.Dialect.Hixie()
//	err := r.Feed(bytesThatArrived, func(op websocket.Opcode, payload []byte) error {
//		…
//	})
//	if e, ok := err.(*websocket.CloseError); ok {
//		… write websocket.AppendClose(nil, e.Code, e.Reason), and close …
//	}
package websocket
