package websocket

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// unmask copies src to dst, which does not overlap it, and takes the mask off
// (RFC 6455 §5.3). It reports whether all of the result is ASCII, which costs
// nothing to learn here and spares most texts the check for UTF-8.
func unmask(dst, src []byte, key uint32) (ascii bool) {
	const highs = 0x8080808080808080
	n := len(src)
	dst = dst[:n]
	if n < 8 {
		var or byte
		for i, c := range src {
			c ^= byte(key >> (8 * (i & 3)))
			dst[i] = c
			or |= c
		}
		return or < 0x80
	}
	k := uint64(key)<<32 | uint64(key)
	var or uint64
	i := 0
	for ; i+32 <= n; i += 32 {
		s, d := src[i:i+32], dst[i:i+32]
		w0 := binary.LittleEndian.Uint64(s) ^ k
		w1 := binary.LittleEndian.Uint64(s[8:]) ^ k
		w2 := binary.LittleEndian.Uint64(s[16:]) ^ k
		w3 := binary.LittleEndian.Uint64(s[24:]) ^ k
		binary.LittleEndian.PutUint64(d, w0)
		binary.LittleEndian.PutUint64(d[8:], w1)
		binary.LittleEndian.PutUint64(d[16:], w2)
		binary.LittleEndian.PutUint64(d[24:], w3)
		or |= w0 | w1 | w2 | w3
	}
	for ; i+8 <= n; i += 8 {
		w := binary.LittleEndian.Uint64(src[i:]) ^ k
		binary.LittleEndian.PutUint64(dst[i:], w)
		or |= w
	}
	if i < n {
		// The last eight bytes once more, with the mask turned to where they begin.
		i = n - 8
		w := binary.LittleEndian.Uint64(src[i:]) ^ bits.RotateLeft64(k, -8*(i&3))
		binary.LittleEndian.PutUint64(dst[i:], w)
		or |= w
	}
	return or&highs == 0
}

// turn returns the mask as it stands n bytes later.
func turn(key uint32, n int) uint32 { return bits.RotateLeft32(key, -8*(n&3)) }

// checkText goes on checking a text of which b[:from] is known to be valid. It
// returns up to where it is valid now: the end, or the beginning of a character
// that is not all there yet.
func checkText(b []byte, from int) (valid int, ok bool) {
	end := len(b)
	for i := end - 1; i >= from && i >= end-3; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) { // false only for what may still become a character
				end = i
			}
			break
		}
	}
	return end, utf8.Valid(b[from:end])
}
