package parser

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"unicode/utf8"
)

// MaxDepth is how deep a JSON value may nest, and what Limits.Depth means when it
// says nothing or more. The brackets of the packet itself do not count, so a value
// that one generation may send can be relayed to every other (THREATS.md, "Default
// limits").
const MaxDepth = 128

var (
	// ErrJSON says that a text is not one JSON value, or not UTF-8.
	ErrJSON = errors.New("not valid JSON")
	// ErrDepth says that a JSON value nests too deep.
	ErrDepth = errors.New("JSON nests too deep")
)

// A fault is what a check found. It is an integer because checks return it at every
// step.
type fault uint8

const (
	good fault = iota
	badJSON
	tooDeep
)

func (f fault) err() error {
	switch f {
	case good:
		return nil
	case tooDeep:
		return ErrDepth
	}
	return ErrJSON
}

// depth returns the nesting that l allows.
func (l *Limits) depth() int {
	if l.Depth <= 0 || l.Depth > MaxDepth {
		return MaxDepth
	}
	return l.Depth
}

// orNone returns l, or what nil means: no bounds.
func (l *Limits) orNone() *Limits {
	if l == nil {
		return new(Limits)
	}
	return l
}

// Check reports whether text is one JSON value, with or without blanks around it,
// whose strings are UTF-8 and that nests at most depth levels (0: MaxDepth). The
// error is ErrJSON or ErrDepth.
//
// Text is judged, not meaning: an escaped lone surrogate and a number that no
// machine type holds are valid, and are relayed as they are.
func Check(text []byte, depth int) error {
	l := Limits{Depth: depth}
	i, f := skipValue(text, skipBlanks(text, 0), l.depth())
	if f == good && skipBlanks(text, i) != len(text) {
		f = badJSON
	}
	return f.err()
}

// CheckList is Check for values with commas between them, as packet.Args holds
// them, and counts them. The empty text is the empty list.
func CheckList(text []byte, depth int) (n int, err error) {
	l := Limits{Depth: depth}
	i := skipBlanks(text, 0)
	if i == len(text) {
		return 0, nil
	}
	for {
		var f fault
		if i, f = skipValue(text, skipBlanks(text, i), l.depth()); f != good {
			return n, f.err()
		}
		n++
		if i = skipBlanks(text, i); i == len(text) {
			return n, nil
		}
		if text[i] != ',' {
			return n, ErrJSON
		}
		i++
	}
}

// A span is text[from:to].
type span struct{ from, to int }

// An array says where things lie in the text of an array.
type array struct {
	n     int  // how many values there are
	first span // the first of them
	rest  span // from the second to the last
	all   span // from the first to the last
	end   int  // behind the closing bracket
}

// checkArray checks the array that begins at text[i], each of whose values may nest
// depth levels.
func checkArray(text []byte, i, depth int) (array, fault) {
	var a array
	i = skipBlanks(text, i+1)
	if i < len(text) && text[i] == ']' {
		a.end = i + 1
		return a, good
	}
	for {
		from := i
		to, f := skipValue(text, i, depth)
		if f != good {
			return a, f
		}
		switch a.n++; a.n {
		case 1:
			a.first = span{from, to}
		case 2:
			a.rest.from = from
		}
		if i = skipBlanks(text, to); i == len(text) {
			return a, badJSON
		}
		switch text[i] {
		case ',':
			i = skipBlanks(text, i+1)
		case ']':
			a.all = span{a.first.from, to}
			if a.n > 1 {
				a.rest.to = to
			}
			a.end = i + 1
			return a, good
		default:
			return a, badJSON
		}
	}
}

// skipBlanks returns the index of the first byte at or after i that is no blank
// (RFC 8259, section 2: "Insignificant whitespace").
func skipBlanks(text []byte, i int) int {
	for i < len(text) && text[i] <= ' ' && (text[i] == ' ' || text[i] == '\n' || text[i] == '\r' || text[i] == '\t') {
		i++
	}
	return i
}

// skipValue checks the value that begins at text[i] and returns the index behind it.
func skipValue(text []byte, i, depth int) (int, fault) {
	if i >= len(text) {
		return i, badJSON
	}
	switch text[i] {
	case '"':
		return skipString(text, i)
	case '{', '[':
		return skipNested(text, i, depth)
	}
	return skipScalar(text, i)
}

// levels are the objects and arrays that are open, one bit for each.
type levels struct {
	objects [MaxDepth / 64]uint64
	n       int
}

func (l *levels) push(object bool) {
	bit := uint64(1) << (l.n % 64)
	if object {
		l.objects[l.n/64%len(l.objects)] |= bit
	} else {
		l.objects[l.n/64%len(l.objects)] &^= bit
	}
	l.n++
}

// pop closes the innermost level and reports whether the one around it, if there is
// one, is an object.
func (l *levels) pop() bool {
	l.n--
	around := uint(l.n - 1)
	return l.objects[around/64%uint(len(l.objects))]>>(around%64)&1 == 1
}

// skipNested is skipValue for objects and arrays. It does not recurse, so depth costs
// no stack.
func skipNested(text []byte, i, depth int) (int, fault) {
	var open levels
	var object bool // the innermost level is
	var f fault
value:
	if i = skipBlanks(text, i); i >= len(text) {
		return i, badJSON
	}
	switch c := text[i]; c {
	case '"':
		i, f = skipString(text, i)
	case '{', '[':
		if open.n == depth {
			return i, tooDeep
		}
		object = c == '{'
		open.push(object)
		i = skipBlanks(text, i+1)
		if i < len(text) && text[i] == c+2 { // in ASCII ] is [ + 2 and } is { + 2
			goto shut
		}
		if object {
			goto key
		}
		goto value
	default:
		i, f = skipScalar(text, i)
	}
	if f != good {
		return i, f
	}
after:
	if i = skipBlanks(text, i); i >= len(text) {
		return i, badJSON
	}
	switch c := text[i]; {
	case c == ',' && object:
		i = skipBlanks(text, i+1)
		goto key
	case c == ',':
		i++
		goto value
	case c == '}' && object, c == ']' && !object:
		goto shut
	}
	return i, badJSON
key:
	if i, f = skipKey(text, i); f != good {
		return i, f
	}
	goto value
shut:
	i++
	if object = open.pop(); open.n > 0 {
		goto after
	}
	return i, good
}

// skipKey checks a member's name and its colon.
func skipKey(text []byte, i int) (int, fault) {
	if i >= len(text) || text[i] != '"' {
		return i, badJSON
	}
	i, f := skipString(text, i)
	if f != good {
		return i, f
	}
	if i = skipBlanks(text, i); i >= len(text) || text[i] != ':' {
		return i, badJSON
	}
	return i + 1, good
}

const (
	ones  = 0x0101010101010101 // a byte times ones is that byte eight times
	highs = 0x8080808080808080
)

// odd marks with their top bit those of eight bytes that a string's text cannot
// simply contain: quotes, backslashes, controls, and everything beyond ASCII. Only
// the lowest mark is exact, since subtraction borrows upwards.
func odd(x uint64) uint64 {
	quote := x ^ ones*'"'
	slash := x ^ ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash | (x-ones*' ')&^x | x) & highs
}

// skipString checks the string whose quote is text[i].
func skipString(text []byte, i int) (int, fault) {
	i++
	for {
		for len(text)-i >= 8 {
			marks := odd(binary.LittleEndian.Uint64(text[i:]))
			if marks != 0 {
				i += bits.TrailingZeros64(marks) / 8
				break
			}
			i += 8
		}
		if i >= len(text) {
			return i, badJSON
		}
		switch c := text[i]; {
		case c == '"':
			return i + 1, good
		case c == '\\':
			n := escapeLen(text[i:])
			if n == 0 {
				return i, badJSON
			}
			i += n
		case c < ' ':
			return i, badJSON
		case c < utf8.RuneSelf:
			i++
		default:
			n := skipUTF8(text[i:])
			if n == 0 {
				return i, badJSON
			}
			i += n
		}
	}
}

// skipUTF8 returns the length of the text beyond ASCII that b begins with, 0 if it is
// not UTF-8. Such text comes in runs.
func skipUTF8(b []byte) int {
	i := 0
	for i < len(b) && b[i] >= utf8.RuneSelf {
		switch c := b[i]; {
		case c-0xc2 < 0xe0-0xc2 && len(b)-i >= 2 && isMore(b[i+1]):
			i += 2
		case c-0xe1 < 0xed-0xe1 && len(b)-i >= 3 && isMore(b[i+1]) && isMore(b[i+2]):
			i += 3
		default: // leads whose followers are restricted, and what is wrong
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n == 1 {
				return 0
			}
			i += n
		}
	}
	return i
}

// isMore reports whether c continues a character.
func isMore(c byte) bool { return c&0xc0 == 0x80 }

// escapeLen returns the length of the escape that b begins with, 0 if it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) >= 6 && isHex(b[2]) && isHex(b[3]) && isHex(b[4]) && isHex(b[5]) {
			return 6
		}
	}
	return 0
}

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c|' ' && c|' ' <= 'f'
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// skipScalar checks a number, true, false or null.
func skipScalar(text []byte, i int) (int, fault) {
	word := ""
	switch text[i] {
	case 't':
		word = "true"
	case 'f':
		word = "false"
	case 'n':
		word = "null"
	default:
		return skipNumber(text, i)
	}
	if len(text)-i >= len(word) && string(text[i:i+len(word)]) == word {
		return i + len(word), good
	}
	return i, badJSON
}

// skipNumber checks a number (RFC 8259, section 6). It is text: no range applies.
func skipNumber(text []byte, i int) (int, fault) {
	if text[i] == '-' {
		i++
	}
	from := i
	i = skipDigits(text, i)
	if i == from || text[from] == '0' && i > from+1 {
		return i, badJSON
	}
	if i < len(text) && text[i] == '.' {
		from = i + 1
		if i = skipDigits(text, from); i == from {
			return i, badJSON
		}
	}
	if i < len(text) && text[i]|' ' == 'e' {
		i++
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		from = i
		if i = skipDigits(text, from); i == from {
			return i, badJSON
		}
	}
	return i, good
}

func skipDigits(text []byte, i int) int {
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	return i
}
