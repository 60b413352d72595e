package framing

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strconv"
)

// What revision 1 puts around payloads where a browser must take them for a script or
// a part of a page, and around those that a form sends (revision-1.md §8.3, §8.4, §8.7).

// AppendJSONP appends the script that hands a payload to the page's callback n.
func AppendJSONP(dst []byte, n uint64, payload []byte) []byte {
	dst = appendCallback(dst, n)
	return append(appendString(dst, payload, false), ");"...)
}

// AppendJSONPError appends the script that hands an error to the page's callback n
// ([T handshake-refused]).
func AppendJSONPError(dst []byte, n uint64, text string) []byte {
	dst = append(appendCallback(dst, n), "new Error("...)
	return append(appendString(dst, []byte(text), false), "));"...)
}

func appendCallback(dst []byte, n uint64) []byte {
	return append(strconv.AppendUint(append(dst, "io.j["...), n, 10), "]("...)
}

// HTMLFileHead is the first part of an htmlfile's page, with as many blanks as it
// takes until Internet Explorer shows something: 256 bytes ([T htmlfile]).
var HTMLFileHead = func() []byte {
	const head = "<html><body><script>var _ = function (msg) { parent.s._(msg, document); };</script>"
	return append([]byte(head), bytes.Repeat([]byte{' '}, 256-len(head))...)
}()

// AppendHTMLFile appends the script that hands one packet to the page around an
// htmlfile.
func AppendHTMLFile(dst, packet []byte) []byte {
	dst = append(dst, "<script>_("...)
	if len(packet) > 0 && (packet[0] == '4' || packet[0] == '5' || packet[0] == '6') {
		packet = hideSlashes(packet)
	}
	return append(appendString(dst, packet, true), ");</script>"...)
}

// hideSlashes writes each slash in JSON that a backslash precedes without being its
// escape as \u002f: clients since 0.9.15 take a backslash before a slash away
// (revision-1.md §8.4), which would change what the JSON means.
func hideSlashes(packet []byte) []byte {
	if !bytes.Contains(packet, []byte(`\/`)) {
		return packet
	}
	out := make([]byte, 0, len(packet)+16)
	escaped := false // the byte before is a backslash that escapes this one
	for i, c := range packet {
		if c == '/' && !escaped && i > 0 && packet[i-1] == '\\' {
			out = append(out, `\u002f`...)
			continue
		}
		escaped = c == '\\' && !escaped
		out = append(out, c)
	}
	return out
}

// MultipartBegin appends what comes before the first part of an xhr-multipart answer
// with this boundary, and AppendPart a part with one packet. Each part ends with the
// boundary, since a browser hands it out only then ([T v06-xhr-multipart]).
func MultipartBegin(dst []byte, boundary string) []byte {
	return append(append(append(dst, "--"...), boundary...), '\n')
}

// AppendPart: see MultipartBegin.
func AppendPart(dst []byte, boundary string, packet []byte) []byte {
	dst = append(append(dst, "Content-Type: text/plain\n\n"...), packet...)
	return MultipartBegin(append(dst, '\n'), boundary)
}

// appendString appends a JavaScript string literal of text, which is UTF-8. It escapes
// what JSON.stringify does, U+2028 and U+2029, which were line ends in literals before
// 2019 (clients.md 1), and inside a page what an HTML parser would take for more than
// text: every slash, as the reference does, and a "<" that begins a comment or, within
// one, a script, for the rest of the page would be part of it (HTML, "script data
// double escaped state").
func appendString(dst, text []byte, page bool) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = appendControl(dst, c)
		case c == '/' && (page || i > 0 && text[i-1] == '<'):
			dst = append(dst, '\\', '/')
		case c == '<' && page && i+1 < len(text) && (text[i+1] == '!' || text[i+1]|0x20 == 's'):
			dst = append(dst, `\u003c`...)
		case c == 0xE2 && i+2 < len(text) && text[i+1] == 0x80 && text[i+2]|1 == 0xA9:
			dst = append(dst, `\u202`...)
			dst = append(dst, '8'+text[i+2]&1)
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

func appendControl(dst []byte, c byte) []byte {
	switch c {
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	}
	return hex.AppendEncode(append(dst, `\u00`...), []byte{c})
}

// ParseForm returns the payload in the body of a jsonp-polling POST: the field d of a
// form, in either of its two shapes (revision-1.md §8.3). A string literal is what
// clients since 0.8.6 write; what older ones write was a payload before the browser
// made each line end two characters of it. Not ok: it is neither.
func ParseForm(body []byte) (payload []byte, ok bool) {
	for pair := range bytes.SplitSeq(body, []byte{'&'}) {
		value, found := bytes.CutPrefix(pair, []byte("d="))
		if !found {
			continue
		}
		text, err := url.QueryUnescape(string(value))
		if err != nil {
			return nil, false
		}
		payload = []byte(text)
		if len(payload) == 0 || payload[0] != '"' {
			return bytes.ReplaceAll(payload, []byte("\r\n"), []byte("\n")), true
		}
		var literal string
		if json.Unmarshal(payload, &literal) != nil {
			return nil, false
		}
		return []byte(literal), true
	}
	return nil, false
}
