package socketio_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio"
)

// TestIgnoreUnknownNamespaces: a server of 0.7 to 0.9 does not answer who wants to join
// what is not there ([T namespaces]); other generations are answered all the same.
func TestIgnoreUnknownNamespaces(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, &socketio.Options{Revision1: socketio.Revision1{IgnoreUnknownNamespaces: true}})
		s.Of("/known")
		c := s.connect(m)
		c.on("/unknown").join("")
		if !m.rev1 {
			c.want("/unknown refused " + m.refusal(`{"message":"Invalid namespace"}`))
		}
		c.on("/known").join("")
		c.want("/known connect")
		if m.rev1 { // events reach nobody either; revision 5's end the connection
			c.on("/unknown").emit("x", ``)
			c.silence()
		}
	})
}

// TestMatchOriginProtocol: where a proxy for TCP ends TLS, only the page's origin says
// so ([T websocket-match-origin]).
func TestMatchOriginProtocol(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for matching, scheme := range map[bool]string{true: "wss", false: "ws"} {
			s := serve(t, &socketio.Options{
				Origins:   []string{"https://example.com"},
				Revision1: socketio.Revision1{MatchOriginProtocol: matching},
			})
			nc, err := s.net.dial()
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			_, err = io.WriteString(nc, "GET /socket.io/1/websocket/unknown HTTP/1.1\r\nHost: example.com\r\nUpgrade: WebSocket\r\n"+
				"Connection: Upgrade\r\nOrigin: https://example.com\r\nSec-WebSocket-Key1: 18x 6]8vM;54 *(5:  {   U1]8  z [  8\r\n"+
				"Sec-WebSocket-Key2: 1_ tx7X d  <  nw  334J702) 7]o}` 0\r\n\r\nTm[K T2u")
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(bufio.NewReader(nc), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := res.Header.Get("Sec-Websocket-Location"); !strings.HasPrefix(got, scheme+"://example.com/") {
				t.Errorf("%t: location %q", matching, got)
			}
		}
	})
}
