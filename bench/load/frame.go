package load

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// WebSocket opcodes, RFC 6455 section 5.2.
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// The key of every frame: a client must mask (RFC 6455 section 5.3), and a
// server's work does not depend on the key.
var maskKey = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// appendFrame appends a client's frame.
func appendFrame(dst []byte, opcode byte, payload []byte) []byte {
	dst = append(dst, 0x80|opcode)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = append(dst, 0x80|126)
		dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	default:
		dst = append(dst, 0x80|127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	dst = append(dst, maskKey[:]...)
	for i, b := range payload {
		dst = append(dst, b^maskKey[i&3])
	}
	return dst
}

func textFrame(payload string) []byte {
	return appendFrame(nil, opText, []byte(payload))
}

// nextFrame cuts a server's frame off data; ok is false while its end is
// missing.
func nextFrame(data []byte) (opcode byte, payload, rest []byte, ok bool, err error) {
	if len(data) < 2 {
		return 0, nil, data, false, nil
	}
	if data[0]&0xf0 != 0x80 {
		return 0, nil, nil, false, fmt.Errorf("frame begins with %#x: a fragment or an extension", data[0])
	}
	head, n := 2, int(data[1])
	switch {
	case n > 127:
		return 0, nil, nil, false, errors.New("masked frame from a server")
	case n == 126:
		if head = 4; len(data) < head {
			return 0, nil, data, false, nil
		}
		n = int(binary.BigEndian.Uint16(data[2:]))
	case n == 127:
		if head = 10; len(data) < head {
			return 0, nil, data, false, nil
		}
		n = int(binary.BigEndian.Uint64(data[2:]) & (1<<31 - 1))
	}
	if len(data) < head+n {
		return 0, nil, data, false, nil
	}
	return data[0] & 15, data[head : head+n], data[head+n:], true, nil
}
