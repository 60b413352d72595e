package main

import (
	"strings"
	"testing"

	"github.com/sockeye-io/socketio/internal/websocket"
)

// TestSocketIOProtocol has a test for each case of the test suite of Socket.IO 5
// (github.com/socketio/socket.io-protocol, test-suite).
func TestSocketIOProtocol(t *testing.T) {
	runSuite(t, "/socket.io/", []suiteCase{
		{"Engine.IO protocol/handshake/HTTP long-polling/should successfully open a session", handshakePolling},
		{"Engine.IO protocol/handshake/HTTP long-polling/should fail with an invalid 'EIO' query parameter", handshakePollingEIO},
		{"Engine.IO protocol/handshake/HTTP long-polling/should fail with an invalid 'transport' query parameter", handshakePollingTransport},
		{"Engine.IO protocol/handshake/HTTP long-polling/should fail with an invalid request method", handshakePollingMethod},
		{"Engine.IO protocol/handshake/WebSocket/should successfully open a session", handshakeWebSocket},
		{"Engine.IO protocol/handshake/WebSocket/should fail with an invalid 'EIO' query parameter", handshakeWebSocketEIO},
		{"Engine.IO protocol/handshake/WebSocket/should fail with an invalid 'transport' query parameter", handshakeWebSocketTransport},
		{"Engine.IO protocol/heartbeat/HTTP long-polling/should send ping,pong packets", heartbeatPolling},
		{"Engine.IO protocol/heartbeat/HTTP long-polling/should close the session upon ping timeout", heartbeatPollingTimeout},
		{"Engine.IO protocol/heartbeat/WebSocket/should send ping,pong packets", heartbeatWebSocket},
		{"Engine.IO protocol/heartbeat/WebSocket/should close the session upon ping timeout", heartbeatWebSocketTimeout},
		{"Engine.IO protocol/close/HTTP long-polling/should forcefully close the session", closePolling},
		{"Engine.IO protocol/close/WebSocket/should forcefully close the session", closeWebSocket},
		{"Engine.IO protocol/upgrade/should successfully upgrade from HTTP long-polling to WebSocket", upgradeSocketIO},
		{"Engine.IO protocol/upgrade/should ignore HTTP requests with same sid after upgrade", upgradeThenHTTP},
		{"Engine.IO protocol/upgrade/should ignore WebSocket connection with same sid after upgrade", upgradeThenWebSocket},
		{"Socket.IO protocol/connect/should allow connection to the main namespace", joined("40", "/", "{}")},
		{"Socket.IO protocol/connect/should allow connection to the main namespace with a payload", joined(`40{"token":"123"}`, "/", `{"token":"123"}`)},
		{"Socket.IO protocol/connect/should allow connection to a custom namespace", joined("40/custom,", "/custom", "{}")},
		{"Socket.IO protocol/connect/should allow connection to a custom namespace with a payload", joined(`40/custom,{"token":"abc"}`, "/custom", `{"token":"abc"}`)},
		{"Socket.IO protocol/connect/should disallow connection to an unknown namespace", unknownNamespace},
		{"Socket.IO protocol/connect/should disallow connection with an invalid handshake", invalidConnect},
		{"Socket.IO protocol/connect/should close the connection if no handshake is received", noConnect},
		{"Socket.IO protocol/disconnect/should disconnect from the main namespace", leaveMain},
		{"Socket.IO protocol/disconnect/should connect then disconnect from a custom namespace", leaveCustom},
		{"Socket.IO protocol/message/should send a plain-text packet", plainText},
		{"Socket.IO protocol/message/should send a packet with binary attachments", attachments("452-[\"message\",", "452-[\"message-back\",")},
		{"Socket.IO protocol/message/should send a plain-text packet with an ack", plainTextAck},
		{"Socket.IO protocol/message/should send a packet with binary attachments and an ack", attachments("452-789[\"message-with-ack\",", "462-789[")},
		{"Socket.IO protocol/message/should close the connection upon invalid format (unknown packet type)", broken("4abc")},
		{"Socket.IO protocol/message/should close the connection upon invalid format (invalid payload format)", broken("42{}")},
		{"Socket.IO protocol/message/should close the connection upon invalid format (invalid ack id)", broken(`42abc["message-with-ack",1,"2",{"3":[false]}]`)},
	})
}

func upgradeSocketIO(s *site) {
	_, w := s.upgraded()
	s.alive(w)
}

// connected joins the main namespace by WebSocket.
func (s *site) connected() ws {
	s.Helper()
	w := s.open()
	w.join("40", "/", "{}")
	return w
}

// join sends a CONNECT and checks the answer, and the app's event with the payload.
func (w ws) join(packet, namespace, auth string) {
	w.s.Helper()
	prefix := ""
	if namespace != "/" {
		prefix = namespace + ","
	}
	w.send(packet)
	if p := w.text(); !strings.HasPrefix(p, "40"+prefix+`{"sid":"`) || !strings.HasSuffix(p, `"}`) {
		w.s.Errorf("connect: %q", p)
	}
	w.expect("42" + prefix + `["auth",` + auth + "]")
}

func joined(packet, namespace, auth string) func(*site) {
	return func(s *site) { s.open().join(packet, namespace, auth) }
}

func unknownNamespace(s *site) {
	w := s.open()
	w.send("40/random")
	w.expect(`44/random,{"message":"Invalid namespace"}`)
}

func invalidConnect(s *site) {
	w := s.open()
	w.send("4abc")
	w.ended()
}

func noConnect(s *site) { s.open().ended() }

func leaveMain(s *site) {
	w := s.connected()
	w.send("41")
	w.expect("2") // and the connection goes on
}

func leaveCustom(s *site) {
	w := s.connected()
	w.expect("2")
	w.join("40/custom", "/custom", "{}")
	w.send("41/custom", `42["message","message to main namespace"]`)
	w.expect(`42["message-back","message to main namespace"]`)
}

func plainText(s *site) {
	w := s.connected()
	w.send(`42["message",1,"2",{"3":[true]}]`)
	w.expect(`42["message-back",1,"2",{"3":[true]}]`)
}

func plainTextAck(s *site) {
	w := s.connected()
	w.send(`42456["message-with-ack",1,"2",{"3":[false]}]`)
	w.expect(`43456[1,"2",{"3":[false]}]`)
}

// attachments returns a test that sends two binary values and gets them back.
func attachments(send, want string) func(*site) {
	const values = `{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`
	return func(s *site) {
		w := s.connected()
		w.send(send + values)
		for _, b := range []string{"\x01\x02\x03", "\x04\x05\x06"} {
			if err := w.WriteBinary([]byte(b)); err != nil {
				s.Fatal(err)
			}
		}
		w.expect(want + values)
		for _, b := range []string{"\x01\x02\x03", "\x04\x05\x06"} {
			op, payload, err := w.Next()
			if op != websocket.Binary || string(payload) != b || err != nil {
				s.Errorf("got %d %q, %v, want %q", op, payload, err, b)
			}
		}
	}
}

func broken(packet string) func(*site) {
	return func(s *site) {
		w := s.connected()
		w.send(packet)
		w.ended()
	}
}
