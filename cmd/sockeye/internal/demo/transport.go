package demo

import "github.com/sockeye-io/socketio"

// transportOf returns the name of the transport that s uses now.
func transportOf(s *socketio.Socket) string {
	if t, ok := any(s).(interface{ Transport() string }); ok {
		return t.Transport()
	}
	return s.Handshake().Transport
}
