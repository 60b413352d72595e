package main

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/sockeye-io/socketio/internal/websocket"
)

// What a replay shows of answers that go on, and of the hixie drafts.

// A flow is the body of an answer that goes on.
type flow struct {
	chunked  bool
	chunk    []byte // what was not shown of the last chunk
	boundary string // of the parts of a multipart body, which each has its own
}

// goesOn reports whether res is the answer of htmlfile or xhr-multipart.
func goesOn(res *http.Response) bool {
	t, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return res.StatusCode == http.StatusOK && res.ContentLength < 0 &&
		(t == "text/html" || t == "multipart/x-mixed-replace")
}

// startFlow takes the head of res from b, and shows its fields.
func (p *peer) startFlow(b []byte, res *http.Response) []string {
	p.take(bytes.Index(b, []byte("\r\n\r\n")) + 4)
	_, params, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	p.flow = &flow{chunked: len(res.TransferEncoding) > 0, boundary: params["boundary"]}
	lines := p.fields(res)
	if p.flow.chunked {
		lines = append(lines, "Transfer-Encoding: chunked")
	}
	for i := range lines {
		lines[i] = p.flow.hide(lines[i])
	}
	return append(lines, "")
}

// more reports whether a chunk was not shown to its end.
func (f *flow) more() bool { return f != nil && len(f.chunk) > 0 }

// pieceEnd is where a script ends, or a part.
var pieceEnd = regexp.MustCompile(`</script> *|\n--[\w-]+\n|^--[\w-]+\n`)

// nextPiece shows a script or a part; it is in one chunk, which may have more of them.
func (p *peer) nextPiece(b []byte) []string {
	f := p.flow
	if !f.chunked {
		p.take(len(b))
		f.chunk = append(f.chunk, b...)
	} else if len(f.chunk) == 0 {
		line, rest, _ := bytes.Cut(b, []byte("\r\n"))
		n, err := strconv.ParseUint(string(line), 16, 20)
		if err != nil || uint64(len(rest)) < n+2 || string(rest[n:n+2]) != "\r\n" {
			p.take(len(b))
			return []string{"broken chunk: " + escape(b)}
		}
		p.take(len(line) + 2 + int(n) + 2)
		if n == 0 {
			p.flow = nil
			return []string{"last chunk"}
		}
		f.chunk = bytes.Clone(rest[:n])
	}
	end := len(f.chunk)
	if at := pieceEnd.FindIndex(f.chunk); at != nil {
		end = at[1]
	}
	piece := escape(f.chunk[:end])
	f.chunk = f.chunk[end:]
	return []string{"piece " + f.hide(piece)}
}

// hide writes the placeholder in the place of the boundary.
func (f *flow) hide(s string) string {
	if f.boundary == "" {
		return s
	}
	return strings.ReplaceAll(s, f.boundary, "{boundary}")
}

// hixieAnswer shows all of a handshake's answer: clients of these drafts compare it byte
// by byte (websocket-drafts.md §2).
func (p *peer) hixieAnswer(b []byte) []string {
	head, _, _ := bytes.Cut(b, []byte("\r\n\r\n"))
	p.take(len(head) + 4)
	p.websocket, p.hixie = true, true
	p.proof = bytes.Contains(head, []byte("\r\nSec-WebSocket-Location: "))
	return strings.Split(string(head), "\r\n")
}

// nextHixie shows a frame of the hixie drafts, or the sixteen bytes before the first.
func (p *peer) nextHixie(b []byte) []string {
	n, line := len(b), ""
	switch end := bytes.IndexByte(b, 0xff); {
	case p.proof && len(b) >= 16:
		p.proof = false
		n, line = 16, "raw "+escape(b[:16])
	case !p.proof && b[0] == 0 && end > 0:
		n, line = end+1, "text "+escape(b[1:end])
	case !p.proof && len(b) >= 2 && b[0] == 0xff && b[1] == 0:
		n, line = 2, "close"
	default:
		line = "raw " + escape(b)
	}
	p.take(n)
	return []string{strings.TrimRight(line, " ")}
}

// encodeHixie makes a client's frame of a line.
func encodeHixie(line string) ([]byte, error) {
	name, text, _ := strings.Cut(line, " ")
	payload, err := unescape(text)
	switch {
	case err != nil:
		return nil, err
	case name == "text":
		return websocket.AppendHixie(nil, payload), nil
	case name == "close":
		return websocket.AppendHixieClose(nil), nil
	case name == "raw":
		return payload, nil
	}
	return nil, fmt.Errorf("no frame is called %q", name)
}
