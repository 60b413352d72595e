package parser

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/sockeye-io/socketio/packet"
)

// Rev1 is the grammar of protocol revision 1 (socket.io 0.7 to 0.9):
//
//	packet = type ":" [ id [ "+" ] ] ":" [ endpoint ] [ ":" data ]
//
//	1::/chat:?a=1                             connect
//	3:1::hello                                text; the library answers 1
//	5:4+:/chat:{"name":"e","args":[1]}        event; the application answers 4
//	6::/chat:4+["hi"]                         that answer
//	7::/private:2                             refused: unauthorized
//
// (revision-1.md §5.1). The main namespace is the empty endpoint. Heartbeats, noops
// and what ends a session belong to the link; here types 2 and 8 are ignored.
//
// The grammar has no binary. A binary value is written as the object
// {"base64":true,"data":"…"} in its place; the same object coming back stays an
// object (ARCHITECTURE.md, decision 13).
var Rev1 Codec = rev1{}

// Rev1NoBinary is Rev1, but refuses to write a binary value.
var Rev1NoBinary Codec = rev1{noBinary: true}

type rev1 struct{ noBinary bool }

// rev1Digits bounds an acknowledgement id (revision-1.md §5.2, "Recommended
// strictness"), whatever Limits.IDDigits says of the later generations.
const rev1Digits = 19

// The words of an error packet; their places are their numbers (revision-1.md §5.1).
var (
	reasons = [...]string{"transport not supported", "client not handshaken", "unauthorized"}
	advices = [...]string{"reconnect"}
)

func (rev1) NewDecoder(l *Limits) Decoder { return &rev1Decoder{limits: l.orNone()} }

type rev1Decoder struct{ limits *Limits }

func (*rev1Decoder) Due() bool { return false }

// A verdict is how reading a part of a packet went: kept, or to be ignored.
type verdict bool

const (
	keep   verdict = true
	ignore verdict = false
)

func (d *rev1Decoder) Decode(data []byte, binary bool) (p packet.Packet, done bool, err error) {
	p, _, done, err = rev1{}.Decode(d.limits, data, binary)
	return p, done, err
}

// Decode follows the verdicts of [V]: a packet that the grammar refuses is ignored
// and the session goes on; one beyond the limits on size, count and depth ends it
// (THREATS.md, "Revision 1 is measured by…").
func (rev1) Decode(l *Limits, data []byte, binary bool) (p packet.Packet, rest Decoder, done bool, err error) {
	d := rev1Decoder{limits: l.orNone()}
	if binary || len(data) == 0 || data[0] < '0' || data[0] > '8' {
		return p, nil, false, nil
	}
	if len(data) == 1 && data[0] == '0' {
		// The specification text and PocketIO write it so [V disconnect-03].
		return packet.Packet{Type: packet.Disconnect, Namespace: "/"}, nil, true, nil
	}
	body, v := d.head(&p, data)
	if !v {
		return packet.Packet{}, nil, false, nil
	}
	if v, err = d.body(&p, data[0], body); !v || err != nil {
		return packet.Packet{}, nil, false, err
	}
	if d.limits.Namespace > 0 && len(p.Namespace) > d.limits.Namespace {
		return packet.Packet{}, nil, false, broken("endpoint is longer than " + strconv.Itoa(d.limits.Namespace) + " bytes")
	}
	return p, nil, true, nil
}

// head reads type, id and endpoint, and returns the data behind them. Two colons are
// the least.
func (d *rev1Decoder) head(p *packet.Packet, data []byte) (body []byte, v verdict) {
	if len(data) < 3 || data[1] != ':' {
		return nil, ignore
	}
	i := skipDigits(data, 2)
	id := data[2:i]
	plus := i < len(data) && data[i] == '+'
	if plus {
		i++
	}
	if i == len(data) || data[i] != ':' || len(id) > rev1Digits {
		return nil, ignore
	}
	// A "+" without an id means nothing [V message-27].
	p.ID, p.AutoAck = view(id), len(id) > 0 && !plus
	endpoint := data[i+1:]
	if n := bytes.IndexByte(endpoint, ':'); n >= 0 {
		endpoint, body = endpoint[:n], endpoint[n+1:]
	}
	if !utf8.Valid(endpoint) {
		return nil, ignore
	}
	p.Namespace = "/"
	if len(endpoint) > 0 {
		p.Namespace = view(endpoint)
	}
	return body, keep
}

// body reads what a packet of this type carries.
func (d *rev1Decoder) body(p *packet.Packet, kind byte, body []byte) (verdict, error) {
	switch kind {
	case '3':
		p.Type, p.Data = packet.Text, body
		return verdict(utf8.Valid(body)), nil
	case '4':
		p.Type = packet.JSON
		return d.json(p, body)
	case '5':
		p.Type = packet.Event
		return d.event(p, body)
	}
	p.ID, p.AutoAck = "", false // it would mean nothing
	switch kind {
	case '0':
		p.Type = packet.Disconnect
	case '1':
		p.Type = packet.Connect
		return connect(p, body), nil
	case '6':
		p.Type = packet.Ack
		return d.ack(p, body)
	case '7':
		p.Type = packet.ConnectError
		reason, advice, _ := bytes.Cut(body, []byte("+"))
		advice, _, _ = bytes.Cut(advice, []byte("+"))
		p.Reason, p.Advice = word(reasons[:], reason), word(advices[:], advice)
	default: // 2 and 8: the link has no use for them on an endpoint either
		return ignore, nil
	}
	return keep, nil
}

// connect cuts the query off at "?", behind the endpoint as the reference writes it,
// or inside it as the specification text does (revision-1.md §15, "namespace query").
func connect(p *packet.Packet, body []byte) verdict {
	endpoint := p.Namespace
	for i := range len(endpoint) {
		if endpoint[i] == '?' {
			p.Namespace, p.Query = endpoint[:i], endpoint[i:]
			break
		}
	}
	if p.Namespace == "" {
		p.Namespace = "/"
	}
	if i := bytes.IndexByte(body, '?'); i >= 0 {
		p.Query = view(body[i:])
	}
	return verdict(utf8.ValidString(p.Query))
}

// word returns what the number of a reason or advice means; unknown ones mean
// nothing [V error-11, error-12].
func word(words []string, number []byte) string {
	if len(number) == 1 && isDigit(number[0]) && int(number[0]-'0') < len(words) {
		return words[number[0]-'0']
	}
	return ""
}

// judge turns what a check found into a verdict: depth is a limit, bad JSON is not.
func judge(f fault) (verdict, error) {
	if f == tooDeep {
		return ignore, brokenJSON(f)
	}
	return verdict(f == good), nil
}

func (d *rev1Decoder) json(p *packet.Packet, body []byte) (verdict, error) {
	from := skipBlanks(body, 0)
	to, f := skipValue(body, from, d.limits.depth())
	if f != good || skipBlanks(body, to) != len(body) {
		return judge(max(f, badJSON))
	}
	p.Args.JSON = body[from:to:to]
	return keep, nil
}

// ack reads an id, then "+" or nothing [V ack-11], then an array, null, false or
// nothing [V ack-05, ack-09].
func (d *rev1Decoder) ack(p *packet.Packet, body []byte) (verdict, error) {
	i := skipDigits(body, 0)
	if i == 0 || i > rev1Digits {
		return ignore, nil
	}
	p.ID = view(body[:i])
	if i < len(body) && body[i] == '+' {
		i++
	}
	if i == len(body) {
		return keep, nil
	}
	a, i, v, err := d.list(body, skipBlanks(body, i))
	if !v || err != nil || skipBlanks(body, i) != len(body) {
		return ignore, err
	}
	p.Args.JSON = a
	return keep, nil
}

// list reads an array, or null or false in its place, and returns its values and the
// index behind it.
func (d *rev1Decoder) list(text []byte, i int) ([]byte, int, verdict, error) {
	if i == len(text) {
		return nil, i, ignore, nil
	}
	if text[i] != '[' {
		end, f := skipScalar(text, i)
		empty := f == good && (text[i] == 'n' || text[i] == 'f')
		return nil, end, verdict(empty), nil
	}
	a, f := checkArray(text, i, d.limits.depth())
	if f != good {
		v, err := judge(f)
		return nil, a.end, v, err
	}
	if d.limits.Args > 0 && a.n > d.limits.Args {
		return nil, a.end, ignore, broken("more than " + strconv.Itoa(d.limits.Args) + " arguments")
	}
	if a.n == 0 {
		return nil, a.end, keep, nil
	}
	return text[a.all.from:a.all.to:a.all.to], a.end, keep, nil
}
