package websocket

import (
	"encoding/binary"
	"strconv"
	"unicode/utf8"
)

// Status codes of close frames (RFC 6455 §7.4.1, and the registry it set up).
const (
	CloseNormal         = 1000
	CloseGoingAway      = 1001
	CloseProtocolError  = 1002
	CloseUnsupported    = 1003
	CloseNoStatus       = 1005 // stands for a close frame without a code; never sent
	CloseAbnormal       = 1006 // stands for a connection that ended without one; never sent
	CloseInvalidData    = 1007
	ClosePolicy         = 1008
	CloseTooBig         = 1009
	CloseInternal       = 1011
	CloseServiceRestart = 1012
	CloseTryAgainLater  = 1013
)

// A CloseError says that the peer broke the protocol and with what close frame the
// connection must end.
type CloseError struct {
	Code   int
	Reason string
}

func (e *CloseError) Error() string {
	return "websocket: " + e.Reason + " (close code " + strconv.Itoa(e.Code) + ")"
}

func fail(code int, reason string) error { return &CloseError{Code: code, Reason: reason} }

// ParseClose splits the payload of a close frame that a Reader handed out.
func ParseClose(payload []byte) (code int, reason []byte) {
	if len(payload) < 2 {
		return CloseNoStatus, nil
	}
	return int(binary.BigEndian.Uint16(payload)), payload[2:]
}

// checkClose checks the payload of a close frame.
func checkClose(payload []byte) error {
	if len(payload) == 0 {
		return nil
	}
	// A body has at least the two bytes of its code: RFC 6455 §5.5.1.
	if len(payload) == 1 {
		return fail(CloseProtocolError, "close frame with half a code")
	}
	code, reason := ParseClose(payload)
	if !validCode(code) {
		return fail(CloseProtocolError, "close code that must not be sent")
	}
	if !utf8.Valid(reason) {
		return fail(CloseInvalidData, "close reason is not UTF-8")
	}
	return nil
}

// validCode reports whether a peer may send code (RFC 6455 §7.4). Those below 3000
// are for the protocol: 1004 is reserved, 1005, 1006 and 1015 only stand for
// something, 1012 to 1014 were registered later. Above are libraries' and
// applications' own.
func validCode(code int) bool {
	switch {
	case code >= 3000:
		return code <= 4999
	case code >= 1007:
		return code <= 1014
	}
	return code >= 1000 && code <= 1003
}
