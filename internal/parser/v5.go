package parser

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sockeye-io/socketio/packet"
)

// V5 is the grammar of Socket.IO protocol revision 5 (Socket.IO 3.x and 4.x):
//
//	packet = type [attachments "-"] [namespace ","] [id] [JSON]
//
//	0{"token":"x"}                                    connect, with a payload
//	2["hello",1]                                      event
//	2/admin,7["hello",1]                              event that wants answer 7
//	3/admin,7["hi"]                                   that answer
//	51-["file",{"_placeholder":true,"num":0}]         event; one binary message follows
//
// (Socket.IO protocol 5, "Packet encoding"). A binary value lies in canonical
// arguments as null with an Attachment beside it, never as a placeholder.
//
// Where that document is silent, a packet is refused that socket.io-parser 4.2
// refuses ("invalid payload", "illegal attachments"), and besides: a signed or
// fractional number that JavaScript's Number reads, an event or answer without its
// array, and an attachment that not exactly one placeholder names, since an
// attachment named often would be multiplied by every relay.
var V5 Codec = v5{}

type v5 struct{}

const (
	v5Connect = iota + '0'
	v5Disconnect
	v5Event
	v5Ack
	v5ConnectError
	v5BinaryEvent
	v5BinaryAck
)

// reserved reports whether clients and servers use name for events of their own, so
// that it cannot come from a peer (Socket.IO protocol 5, "Event"; THREATS.md, "Packets").
func reserved(name string) bool {
	switch name {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}

// broken is the error of a peer who broke a rule.
func broken(rule string) error { return &packet.ProtocolError{Rule: rule} }

// unsayable is the error of a packet that a grammar has no words for.
func unsayable(rule string) error { return &packet.ProtocolError{Rule: rule, Local: true} }

// brokenJSON is broken for what a check found.
func brokenJSON(f fault) error {
	if f == tooDeep {
		return broken("JSON nests too deep")
	}
	return broken("payload is not valid JSON")
}

func (v5) Attachments(p *packet.Packet) []packet.Attachment { return p.Args.Attachments }

func (v5) AppendHead(dst []byte, p *packet.Packet) ([]byte, error) {
	head := dst
	binary := len(p.Args.Attachments) > 0
	switch {
	case p.Type == packet.Connect && !binary:
		dst = append(dst, v5Connect)
	case p.Type == packet.Disconnect && !binary:
		dst = append(dst, v5Disconnect)
	case p.Type == packet.ConnectError && !binary:
		dst = append(dst, v5ConnectError)
	case p.Type == packet.Event, p.Type == packet.Text, p.Type == packet.JSON:
		dst = append(dst, v5Event)
	case p.Type == packet.Ack && p.ID != "":
		dst = append(dst, v5Ack)
	default:
		return head, unsayable("revision 5 has no such " + p.Type.String() + " packet")
	}
	if binary {
		// BINARY_EVENT is EVENT + 3 and BINARY_ACK is ACK + 3.
		dst[len(dst)-1] += v5BinaryEvent - v5Event
		dst = strconv.AppendInt(dst, int64(len(p.Args.Attachments)), 10)
		dst = append(dst, '-')
	}
	if p.Namespace != "/" && p.Namespace != "" {
		if p.Namespace[0] != '/' || strings.IndexByte(p.Namespace, ',') >= 0 {
			return head, unsayable("revision 5 cannot write the namespace " + strconv.Quote(p.Namespace))
		}
		dst = append(dst, p.Namespace...)
		dst = append(dst, ',')
	}
	dst, err := appendV5Body(dst, p)
	if err != nil {
		return head, err
	}
	return dst, nil
}

// appendV5Body appends the id and the payload.
func appendV5Body(dst []byte, p *packet.Packet) ([]byte, error) {
	switch p.Type {
	case packet.Disconnect:
		return dst, nil
	case packet.Connect, packet.ConnectError:
		return append(dst, p.Args.JSON...), nil
	}
	dst = append(dst, p.ID...)
	dst = append(dst, '[')
	switch p.Type {
	case packet.Event:
		if reserved(p.Name) {
			return dst, unsayable("the event name " + p.Name + " is reserved")
		}
		dst = AppendQuote(dst, p.Name)
	case packet.Text:
		// Revision 1's unnamed messages are the event "message" in later
		// generations (ARCHITECTURE.md, decision 14).
		dst = append(dst, `"message",`...)
		dst = AppendQuote(dst, view(p.Data))
		return append(dst, ']'), nil
	case packet.JSON:
		dst = append(dst, `"message"`...)
	}
	if len(p.Args.JSON) > 0 && p.Type != packet.Ack {
		dst = append(dst, ',')
	}
	dst, err := appendPlaceholders(dst, &p.Args)
	return append(dst, ']'), err
}

// appendPlaceholders appends a's values with a placeholder for each attachment.
func appendPlaceholders(dst []byte, a *packet.Args) ([]byte, error) {
	if len(a.Attachments) == 0 {
		return append(dst, a.JSON...), nil
	}
	// In a packet without attachments such an object is data. In one with
	// attachments the receiver would put an attachment in its place or, if it
	// points nowhere, end the connection: a client must not be able to have that
	// done to others.
	if len(findPlaceholders(a.JSON)) > 0 {
		return dst, unsayable("a value looks like a placeholder beside attachments")
	}
	if !Placed(a) {
		return dst, unsayable("an attachment has no place")
	}
	at := 0
	for i := range a.Attachments {
		pos := a.Attachments[i].Pos
		dst = append(dst, a.JSON[at:pos]...)
		dst = append(dst, `{"_placeholder":true,"num":`...)
		dst = strconv.AppendInt(dst, int64(i), 10)
		dst = append(dst, '}')
		at = pos + len("null")
	}
	return append(dst, a.JSON[at:]...), nil
}

// Placed reports whether a null holds the place of each attachment, in order.
func Placed(a *packet.Args) bool {
	at := 0
	for i := range a.Attachments {
		pos := a.Attachments[i].Pos
		if pos < at || pos > len(a.JSON) || !bytes.HasPrefix(a.JSON[pos:], []byte("null")) {
			return false
		}
		at = pos + len("null")
	}
	return true
}

func (v5) NewDecoder(l *Limits) Decoder { return &v5Decoder{limits: l.orNone()} }

// A v5Decoder is two words while nothing is pending.
type v5Decoder struct {
	limits  *Limits
	pending *pending
}

func (d *v5Decoder) Due() bool { return d.pending != nil }

func (d *v5Decoder) Decode(data []byte, binary bool) (p packet.Packet, done bool, err error) {
	switch {
	case binary && d.pending != nil:
		return d.attach(data)
	case d.pending != nil:
		return p, false, broken("text while attachments are due")
	}
	p, rest, done, err := v5{}.Decode(d.limits, data, binary)
	if rest != nil {
		d.pending = rest.(*v5Decoder).pending
	}
	return p, done, err
}

func (v5) Decode(l *Limits, data []byte, binary bool) (p packet.Packet, rest Decoder, done bool, err error) {
	switch {
	case binary:
		return p, nil, false, broken("attachment without a packet")
	case len(data) == 0:
		return p, nil, false, broken("empty packet")
	}
	d := v5Decoder{limits: l.orNone()}
	kind, i, due := data[0], 1, 0
	if kind == v5BinaryEvent || kind == v5BinaryAck {
		if due, i, err = d.count(data); err != nil {
			return p, nil, false, err
		}
		kind -= v5BinaryEvent - v5Event
	}
	if i, err = d.head(&p, data, i); err != nil {
		return packet.Packet{}, nil, false, err
	}
	if err = d.payload(&p, kind, data, i); err != nil {
		return packet.Packet{}, nil, false, err
	}
	if due == 0 {
		return p, nil, true, nil
	}
	pending, err := newPending(p, due)
	if err == nil {
		rest = &v5Decoder{d.limits, pending}
	}
	return packet.Packet{}, rest, false, err
}

// count reads the number of attachments that a binary packet announces, and returns
// the index behind it. Nothing is allocated for them yet.
func (d *v5Decoder) count(data []byte) (n, next int, err error) {
	end := skipDigits(data, 1)
	if end == 1 || end == len(data) || data[end] != '-' {
		return 0, 0, broken("illegal attachments")
	}
	for _, c := range data[1:end] {
		if n = 10*n + int(c-'0'); n > 1<<20 {
			return 0, 0, broken("too many attachments")
		}
	}
	if n == 0 {
		return 0, 0, broken("illegal attachments")
	}
	if d.limits.Attachments > 0 && n > d.limits.Attachments {
		return 0, 0, broken("more than " + strconv.Itoa(d.limits.Attachments) + " attachments")
	}
	return n, end + 1, nil
}

// head reads namespace and id from data[i] on, and returns the index of the payload.
func (d *v5Decoder) head(p *packet.Packet, data []byte, i int) (int, error) {
	p.Namespace = "/"
	if i < len(data) && data[i] == '/' {
		// A query in a namespace is part of its name: revision 5 knows none.
		end := len(data)
		next := end
		if n := bytes.IndexByte(data[i:], ','); n >= 0 {
			end = i + n
			next = end + 1
		}
		if d.limits.Namespace > 0 && end-i > d.limits.Namespace {
			return 0, broken("namespace is longer than " + strconv.Itoa(d.limits.Namespace) + " bytes")
		}
		if !utf8.Valid(data[i:end]) {
			return 0, broken("namespace is not UTF-8")
		}
		if end-i > 1 {
			p.Namespace = view(data[i:end])
		}
		i = next
	}
	end := skipDigits(data, i)
	if d.limits.IDDigits > 0 && end-i > d.limits.IDDigits {
		return 0, broken("acknowledgement id is longer than " + strconv.Itoa(d.limits.IDDigits) + " digits")
	}
	p.ID = view(data[i:end])
	return end, nil
}

// payload reads what a packet of this kind carries, from data[i] on. The error
// "invalid payload" is socket.io-parser's, for the same cases.
func (d *v5Decoder) payload(p *packet.Packet, kind byte, data []byte, i int) error {
	first := byte(0)
	if i < len(data) {
		first = data[i]
	}
	switch kind {
	case v5Event:
		p.Type = packet.Event
		return d.list(p, data, i)
	case v5Ack:
		if p.Type = packet.Ack; p.ID == "" {
			return broken("acknowledgement without an id")
		}
		return d.list(p, data, i)
	case v5Disconnect:
		p.Type = packet.Disconnect
		if i < len(data) {
			return broken("invalid payload")
		}
	case v5Connect, v5ConnectError:
		p.Type = packet.Connect
		if kind == v5ConnectError {
			p.Type = packet.ConnectError
		}
		if i < len(data) && first != '{' && (first != '"' || kind == v5Connect) {
			return broken("invalid payload")
		}
		if i < len(data) {
			end, f := skipValue(data, i, d.limits.depth())
			if f == good && skipBlanks(data, end) != len(data) {
				f = badJSON
			}
			if f != good {
				return brokenJSON(f)
			}
			p.Args.JSON = data[i:end:end]
		}
	default:
		return broken("unknown packet type")
	}
	p.ID = "" // it would mean nothing
	return nil
}

// list reads an event's or an answer's array.
func (d *v5Decoder) list(p *packet.Packet, data []byte, i int) error {
	if i == len(data) || data[i] != '[' {
		return broken("invalid payload")
	}
	a, f := checkArray(data, i, d.limits.depth())
	if f == good && skipBlanks(data, a.end) != len(data) {
		f = badJSON
	}
	if f != good {
		return brokenJSON(f)
	}
	n, args := a.n, a.all
	if p.Type == packet.Event {
		if n == 0 {
			return broken("event without a name")
		}
		n, args = n-1, a.rest
		var err error
		if p.Name, err = eventName(data[a.first.from:a.first.to], d.limits.Name); err != nil {
			return err
		}
		if reserved(p.Name) {
			return broken("the event name " + p.Name + " is reserved")
		}
	}
	if d.limits.Args > 0 && n > d.limits.Args {
		return broken("more than " + strconv.Itoa(d.limits.Args) + " arguments")
	}
	if n > 0 {
		p.Args.JSON = data[args.from:args.to:args.to]
	}
	return nil
}

// eventName reads an event's name. A number, which socket.io-parser lets pass in a
// string's place, is named by its text; it is written as a string.
func eventName(token []byte, max int) (string, error) {
	name := ""
	switch c := token[0]; {
	case c == '"':
		// An escape is six bytes for at least one, or two for one.
		if max <= 0 || len(token)-2 <= 6*max {
			name = unquote(token)
		} else {
			name = view(token)
		}
	case c == '-' || isDigit(c):
		name = view(token)
	default:
		return "", broken("event name is not a string")
	}
	if max > 0 && len(name) > max {
		return "", broken("event name is longer than " + strconv.Itoa(max) + " bytes")
	}
	return name, nil
}
