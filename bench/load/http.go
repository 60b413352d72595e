package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// A response is an HTTP response as far as a load needs it.
type response struct {
	status int
	body   []byte
}

var crlf = []byte("\r\n")

// nextResponse cuts a response off data; ok is false while its end is missing.
// A response to an upgrade has no body.
func nextResponse(data []byte) (r response, rest []byte, ok bool, err error) {
	head, rest, found := bytes.Cut(data, []byte("\r\n\r\n"))
	if !found {
		return r, data, false, nil
	}
	status, fields, _ := bytes.Cut(head, crlf)
	if len(status) < 12 {
		return r, nil, false, fmt.Errorf("status line %q", status)
	}
	if r.status, err = strconv.Atoi(string(status[9:12])); err != nil {
		return r, nil, false, fmt.Errorf("status line %q", status)
	}
	if r.status == 101 {
		return r, rest, true, nil
	}
	length, chunked := bodyLength(fields)
	if chunked {
		body, tail, ok, err := unchunk(rest)
		if !ok || err != nil {
			return r, data, false, err
		}
		r.body = body
		return r, tail, true, nil
	}
	if length < 0 {
		return r, nil, false, errors.New("response without a length")
	}
	if len(rest) < length {
		return r, data, false, nil
	}
	r.body = rest[:length]
	return r, rest[length:], true, nil
}

// bodyLength finds Content-Length, or -1, and Transfer-Encoding.
func bodyLength(fields []byte) (length int, chunked bool) {
	length = -1
	for len(fields) > 0 {
		var line []byte
		line, fields, _ = bytes.Cut(fields, crlf)
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case len(name) == 14 && bytes.EqualFold(name, []byte("Content-Length")):
			length, _ = strconv.Atoi(string(value))
		case len(name) == 17 && bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		}
	}
	return length, chunked
}

// unchunk joins the chunks of a body.
func unchunk(data []byte) (body, rest []byte, ok bool, err error) {
	for {
		line, after, found := bytes.Cut(data, crlf)
		if !found {
			return nil, nil, false, nil
		}
		n, err := strconv.ParseUint(string(line), 16, 31)
		if err != nil {
			return nil, nil, false, fmt.Errorf("chunk size %q", line)
		}
		if uint64(len(after)) < n+2 {
			return nil, nil, false, nil
		}
		body = append(body, after[:n]...)
		data = after[n+2:]
		if n == 0 {
			return body, data, true, nil
		}
	}
}
