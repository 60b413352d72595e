package transport

import (
	"encoding/binary"
	"net/http"
	"net/netip"
	"net/textproto"
	"slices"
	"strings"
)

// What only one client said is packed into a string: the length of its address in
// binary, the address, the header fields that are its own, one a line, and, after
// endOfFields, what of the URL is its own.

// endOfFields stands where no field can have it: net/http refuses NUL.
const endOfFields = "\x00"

// pack packs an address, the rest of a URL, and fields as packHeader returned them.
func pack(address netip.AddrPort, rest, fields string) string {
	var room [32]byte
	a, _ := address.AppendBinary(room[:0]) // never fails
	var length [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(length[:], uint64(len(a)))
	if rest != "" {
		rest = endOfFields + rest
	}
	return string(length[:n]) + string(a) + fields + rest
}

// cutAddress returns the address in binary, and what follows.
func cutAddress(packed string) (address, rest string) {
	length, n := binary.Uvarint([]byte(packed[:min(len(packed), binary.MaxVarintLen64)]))
	if n <= 0 {
		return "", "" // only a Peer that newPeer did not make
	}
	end := n + int(length)
	return packed[n:end], packed[end:]
}

func packedAddress(packed string) (address netip.AddrPort) {
	a, _ := cutAddress(packed)
	_ = address.UnmarshalBinary([]byte(a))
	return address
}

func unpack(packed string) (fields, rest string) {
	_, packed = cutAddress(packed)
	fields, rest, _ = strings.Cut(packed, endOfFields)
	return fields, rest
}

// cutURL cuts what is volatile off a request's target: what follows a query's first
// pair that is not the same for all clients.
func cutURL(target string) (head, rest string) {
	i := strings.IndexByte(target, '?') + 1
	if i == 0 {
		return target, ""
	}
	for i < len(target) {
		pair, _, _ := strings.Cut(target[i:], "&")
		name, _, _ := strings.Cut(pair, "=")
		if name != "EIO" && name != "transport" {
			break
		}
		i = min(i+len(pair)+1, len(target))
	}
	return target[:i], target[i:]
}

// common are the fields that many requests have alike. Others may hold a secret, a
// name or a number of the client's.
var common = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "Accept-Language": true, "Cache-Control": true,
	"Connection": true, "Content-Length": true, "Content-Type": true, "Dnt": true, "Origin": true,
	"Pragma": true, "Priority": true, "Sec-Ch-Ua": true, "Sec-Ch-Ua-Mobile": true, "Sec-Ch-Ua-Platform": true,
	"Sec-Fetch-Dest": true, "Sec-Fetch-Mode": true, "Sec-Fetch-Site": true, "Sec-Fetch-Storage-Access": true,
	"Sec-Gpc": true, "Sec-Websocket-Extensions": true, "Sec-Websocket-Protocol": true,
	"Sec-Websocket-Version": true, "Upgrade": true, "User-Agent": true, "Via": true,
	"X-Forwarded-Host": true, "X-Forwarded-Port": true, "X-Forwarded-Proto": true, "X-Requested-With": true,
}

// numbered are names that are written as a number, from 1.
var numbered = []string{"Sec-Websocket-Key", "Cookie", "X-Forwarded-For", "X-Real-Ip"}

// hidden are the fields that carry a browser user's authority.
var hidden = map[string]bool{"Cookie": true, "Authorization": true}

// packHeader writes h as lines: the common fields in an order that depends on nothing
// else, and the client's own.
func packHeader(h http.Header, hide bool) (shared, own string) {
	var room [48]string
	names := room[:0]
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	var c, o strings.Builder
	for _, name := range names {
		to := &o
		if common[name] {
			to = &c
		} else if hide && hidden[textproto.CanonicalMIMEHeaderKey(name)] {
			continue
		}
		for _, v := range h[name] {
			if to.Len() > 0 {
				to.WriteByte('\n')
			}
			if i := slices.Index(numbered, name); i >= 0 {
				to.WriteByte(byte(1 + i))
			} else {
				to.WriteString(name)
				to.WriteString(": ")
			}
			to.WriteString(v)
		}
	}
	return c.String(), o.String()
}

// unpackHeader adds lines of packHeader to h.
func unpackHeader(h http.Header, lines string) {
	for line := range strings.SplitSeq(lines, "\n") {
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ": ")
		if i := int(line[0]) - 1; i >= 0 && i < len(numbered) {
			name, value, ok = numbered[i], line[1:], true
		}
		if ok {
			h[name] = append(h[name], value)
		}
	}
}
