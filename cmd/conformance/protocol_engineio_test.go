package main

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sockeye-io/socketio/internal/websocket"
)

// TestEngineIOProtocol has a test for each case of the test suite of Engine.IO 4
// (github.com/socketio/engine.io-protocol, test-suite).
func TestEngineIOProtocol(t *testing.T) {
	runSuite(t, "/engine.io/", []suiteCase{
		{"handshake/HTTP long-polling/successfully opens a session", handshakePolling},
		{"handshake/HTTP long-polling/fails with an invalid 'EIO' query parameter", handshakePollingEIO},
		{"handshake/HTTP long-polling/fails with an invalid 'transport' query parameter", handshakePollingTransport},
		{"handshake/HTTP long-polling/fails with an invalid request method", handshakePollingMethod},
		{"handshake/WebSocket/successfully opens a session", handshakeWebSocket},
		{"handshake/WebSocket/fails with an invalid 'EIO' query parameter", handshakeWebSocketEIO},
		{"handshake/WebSocket/fails with an invalid 'transport' query parameter", handshakeWebSocketTransport},
		{"message/HTTP long-polling/sends and receives a payload containing one plain text packet", echoed("4hello")},
		{"message/HTTP long-polling/sends and receives a payload containing several plain text packets", echoed("4test1\x1e4test2\x1e4test3")},
		{"message/HTTP long-polling/sends and receives a payload containing plain text and binary packets", echoed("4hello\x1ebAQIDBA==")},
		{"message/HTTP long-polling/closes the session upon invalid packet format", invalidPayload},
		{"message/HTTP long-polling/closes the session upon duplicate poll requests", duplicatePolls},
		{"message/WebSocket/sends and receives a plain text packet", webSocketText},
		{"message/WebSocket/sends and receives a binary packet", webSocketBinary},
		{"message/WebSocket/closes the session upon invalid packet format", webSocketInvalid},
		{"heartbeat/HTTP long-polling/sends ping,pong packets", heartbeatPolling},
		{"heartbeat/HTTP long-polling/closes the session upon ping timeout", heartbeatPollingTimeout},
		{"heartbeat/WebSocket/sends ping,pong packets", heartbeatWebSocket},
		{"heartbeat/WebSocket/closes the session upon ping timeout", heartbeatWebSocketTimeout},
		{"close/HTTP long-polling/forcefully closes the session", closePolling},
		{"close/WebSocket/forcefully closes the session", closeWebSocket},
		{"upgrade/successfully upgrades from HTTP long-polling to WebSocket", upgradeEngineIO},
		{"upgrade/ignores HTTP requests with same sid after upgrade", upgradeThenHTTP},
		{"upgrade/ignores WebSocket connection with same sid after upgrade", upgradeThenWebSocket},
	})
}

// echoed returns a test that posts a payload, and polls it back. A poll takes what is
// there, so that more than one may be needed.
func echoed(payload string) func(*site) {
	return func(s *site) {
		sid := s.poll()
		s.answered("POST", sid, payload, 200, "ok")
		var got string
		for len(got) < len(payload) {
			status, body := s.do("GET", sid, "")
			if got += body; status != 200 || body == "" || !strings.HasPrefix(payload, got) {
				s.Fatalf("GET: %d %q, want %q", status, got, payload)
			}
			if got != payload {
				got += "\x1e"
			}
		}
	}
}

func invalidPayload(s *site) {
	sid := s.poll()
	s.answered("POST", sid, "abc", 400, "")
	s.answered("GET", sid, "", 400, `{"code":1,"message":"Session ID unknown"}`)
}

func duplicatePolls(s *site) {
	sid := s.poll()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.answered("GET", sid, "", 200, "1")
	}()
	synctest.Wait()
	s.answered("GET", sid+"&t=burst", "", 400, "")
	<-done
	s.answered("GET", sid, "", 400, `{"code":1,"message":"Session ID unknown"}`)
}

func webSocketText(s *site) { s.alive(s.open()) }

func webSocketBinary(s *site) {
	w := s.open()
	if err := w.WriteBinary([]byte{1, 2, 3, 4}); err != nil {
		s.Fatal(err)
	}
	op, payload, err := w.Next()
	if op != websocket.Binary || string(payload) != "\x01\x02\x03\x04" || err != nil {
		s.Errorf("got %d %q, %v", op, payload, err)
	}
}

func webSocketInvalid(s *site) {
	w := s.open()
	w.send("abc")
	w.ended()
}

func upgradeEngineIO(s *site) {
	sid := s.poll()
	w := s.dial("transport=websocket&" + sid[strings.Index(sid, "sid="):])
	w.send("2probe")
	w.expect("3probe")
	s.answered("GET", sid, "", 200, "6") // so that no poll is in the way of the upgrade
	w.send("5", "4hello")
	w.expect("4hello")
}
