package parser

import (
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"unicode/utf8"
	"unsafe"
)

// Next finds one value of a valid list (packet.Args.JSON): the value is
// list[from:to], and the search for the one behind it begins at next. Begin with
// i = 0, end when i reaches len(list). It trusts the text and only looks for its
// ends, several times faster than checking.
func Next(list []byte, i int) (from, to, next int) {
	from = skipBlanks(list, i)
	i = skipValid(list, from)
	to = i
	if i = skipBlanks(list, i); i < len(list) {
		i++ // the comma
	}
	return from, to, i
}

// Split appends the values of a valid list (packet.Args.JSON) to dst, without the
// blanks around them. They share the list's memory.
func Split(dst [][]byte, list []byte) [][]byte {
	for i := skipBlanks(list, 0); i < len(list); {
		var from, to int
		from, to, i = Next(list, i)
		dst = append(dst, list[from:to:to])
	}
	return dst
}

// Count returns the number of values of a valid list (packet.Args.JSON).
func Count(list []byte) (n int) {
	for i := skipBlanks(list, 0); i < len(list); n++ {
		_, _, i = Next(list, i)
	}
	return n
}

// skipValid returns the index behind the valid value that begins at text[i].
func skipValid(text []byte, i int) int {
	for level := 0; i < len(text); {
		switch text[i] {
		case '"':
			if i = skipValidString(text, i); level == 0 {
				return i
			}
		case '{', '[':
			level++
			i++
		case '}', ']':
			i++
			if level--; level == 0 {
				return i
			}
		case ',', ' ', '\n', '\r', '\t':
			if level == 0 { // behind a number or a word
				return i
			}
			i++
		default:
			i++
		}
	}
	return i
}

// skipValidString returns the index behind the valid string whose quote is text[i].
func skipValidString(text []byte, i int) int {
	i++
	for i < len(text) {
		if len(text)-i >= 8 {
			x := binary.LittleEndian.Uint64(text[i:])
			quote, slash := x^ones*'"', x^ones*'\\'
			marks := ((quote-ones)&^quote | (slash-ones)&^slash) & highs
			if marks == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(marks) / 8
		}
		switch text[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
		i++
	}
	return len(text)
}

// view returns b as a string without copying it. Decoders use it for the names in a
// message, which nobody writes to any more once it is handed over. Such a string
// keeps the whole message in memory: who stores one for long must clone it.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// unquote returns what a valid JSON string says: the memory of the token itself if
// it has no escapes. A lone surrogate, which no Go string can hold, becomes U+FFFD.
func unquote(token []byte) string {
	if len(token) < 2 {
		return ""
	}
	inner := token[1 : len(token)-1]
	for i := range inner {
		if inner[i] == '\\' {
			var s string
			// The token was checked, so there is no error to see.
			_ = json.Unmarshal(token, &s)
			return s
		}
	}
	return view(inner)
}

// AppendQuote appends s as a JSON string. It escapes what JSON demands, and U+2028
// and U+2029, which clients that read JSON with eval or parse lines cannot bear
// (revision-1.md §5.2). What is not UTF-8 becomes U+FFFD.
func AppendQuote(dst []byte, s string) []byte {
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(b); {
		if len(b)-i >= 8 {
			marks := odd(binary.LittleEndian.Uint64(b[i:]))
			if marks == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(marks) / 8
		}
		c, n := rune(b[i]), 1
		if c >= utf8.RuneSelf {
			c, n = utf8.DecodeRune(b[i:])
		}
		if c >= ' ' && c != '"' && c != '\\' && c != '\u2028' && c != '\u2029' && (c != utf8.RuneError || n > 1) {
			i += n
			continue
		}
		dst = append(dst, b[from:i]...)
		dst = appendEscape(dst, c)
		i += n
		from = i
	}
	dst = append(dst, b[from:]...)
	return append(dst, '"')
}

// appendEscape appends the escape of a rune that needs one.
func appendEscape(dst []byte, c rune) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', byte(c))
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	case utf8.RuneError:
		return utf8.AppendRune(dst, c)
	}
	return append(dst, '\\', 'u', hex[c>>12&15], hex[c>>8&15], hex[c>>4&15], hex[c&15])
}
