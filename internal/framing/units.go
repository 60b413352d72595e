package framing

import (
	"encoding/binary"
	"math/bits"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// Units returns the length of b, which is valid UTF-8, in UTF-16 code units: what
// JavaScript calls the length of a string. One for each character, two for those
// above U+FFFF, which take four bytes in UTF-8.
func Units(b []byte) int {
	n := len(b)
	units := n
	for len(b) >= 32 {
		w0 := binary.LittleEndian.Uint64(b)
		w1 := binary.LittleEndian.Uint64(b[8:])
		w2 := binary.LittleEndian.Uint64(b[16:])
		w3 := binary.LittleEndian.Uint64(b[24:])
		if (w0|w1|w2|w3)&highs != 0 {
			units += excess(w0) + excess(w1) + excess(w2) + excess(w3)
		}
		b = b[32:]
	}
	for len(b) >= 8 {
		units += excess(binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	for _, c := range b {
		units += unitsOf(c) - 1
	}
	return units
}

// excess returns by how much the units of the eight bytes in w exceed eight.
func excess(w uint64) int {
	if w&highs == 0 {
		return 0
	}
	// A byte 10xxxxxx continues a character; a byte 1111xxxx begins one of two units.
	continues := w >> 7 & ^(w >> 6) & ones
	begins := w >> 7 & (w >> 6) & (w >> 5) & (w >> 4) & ones
	return bits.OnesCount64(begins) - bits.OnesCount64(continues)
}

// unitsOf returns the units of a character, attributed to its first byte c.
func unitsOf(c byte) int {
	switch {
	case c < 0x80:
		return 1
	case c < 0xC0:
		return 0
	case c < 0xF0:
		return 1
	}
	return 2
}

// offset returns where in b, which is valid UTF-8, the given number of units ends.
// It fails if b is shorter, or that is inside a surrogate pair.
func offset(b []byte, units int) (end int, ok bool) {
	i := 0
	// Eight bytes never have more than nine units: seven characters and the
	// beginning of one with two.
	for units >= 9 && len(b)-i >= 8 {
		units -= 8 + excess(binary.LittleEndian.Uint64(b[i:]))
		i += 8
	}
	for ; i < len(b); i++ {
		n := unitsOf(b[i])
		if n > units {
			break // also with 0 units left, where only continuation bytes go on
		}
		units -= n
	}
	return i, units == 0
}

// grow makes room for n more bytes behind dst.
func grow(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	return append(make([]byte, 0, len(dst)+n), dst...)
}
