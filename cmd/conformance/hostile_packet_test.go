package main

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// What a packet costs its sender.
type cost int

const (
	nothing cost = iota // ignored, or answered: the session goes on
	session             // the session's end
)

// A hostilePacket is what a client sends after it has joined the main namespace.
type hostilePacket struct {
	name    string
	packets []string // those that begin with NUL are binary
	cost    cost
	answer  string // if not empty, the first thing that comes back
}

// deep nests one level more than values may.
var deep = strings.Repeat("[", 129) + strings.Repeat("]", 129)

// packets5: THREATS.md, "Packets", for revision 5.
var packets5 = []hostilePacket{
	{"unknown link type", []string{"9"}, session, ""},
	{"no packet", []string{""}, session, ""},
	{"unknown type", []string{"47"}, session, ""},
	{"no type", []string{"4"}, session, ""},
	{"open from a client", []string{"0{}"}, session, ""},
	{"ping from a client", []string{"2"}, session, ""},
	{"refusal from a client", []string{`44{"message":"no"}`}, session, ""},
	{"broken JSON", []string{`42["message",`}, session, ""},
	{"two values", []string{`42["message"]["message"]`}, session, ""},
	{"deep JSON", []string{`42["message",` + deep + `]`}, session, ""},
	{"deep and open", []string{`42["message",` + strings.Repeat("[", 90_000)}, session, ""},
	{"deep acknowledgement", []string{`431[` + deep + `]`}, session, ""},
	{"deep auth payload", []string{`40/custom,{"a":` + deep + `}`}, session, ""},
	{"wide", []string{`42["message"` + strings.Repeat(",1", 1025) + `]`}, session, ""},
	{"an object", []string{`42{"0":"message","length":1}`}, session, ""},
	{"a text", []string{`42"message"`}, session, ""},
	{"no name", []string{`42[]`}, session, ""},
	{"null as name", []string{`42[null]`}, session, ""},
	{"object as name", []string{`42[{"toString":1}]`}, session, ""},
	{"long name", []string{`42["` + strings.Repeat("a", 1025) + `"]`}, session, ""},
	{"long namespace", []string{`40/` + strings.Repeat("a", 512) + `,`}, session, ""},
	{"long ack id", []string{`421234567890123456["message-with-ack"]`}, session, ""},
	{"signed ack id", []string{`42-1["message-with-ack"]`}, session, ""},
	{"ack that is no array", []string{`431{"length":1}`}, session, ""},
	{"connect as name", []string{`42["connect"]`}, session, ""},
	{"connect_error as name", []string{`42["connect_error"]`}, session, ""},
	{"disconnect as name", []string{`42["disconnect"]`}, session, ""},
	{"disconnecting as name", []string{`42["disconnecting"]`}, session, ""},
	{"newListener as name", []string{`42["newListener"]`}, session, ""},
	{"removeListener as name", []string{`42["removeListener"]`}, session, ""},
	{"event before joining", []string{`42/custom,["message",1]`}, session, ""},

	{"11 attachments", []string{`4511-["message"]`}, session, ""},
	{"no end of attachments", []string{`4599999999999999999999-["message"]`}, session, ""},
	{"signed attachments", []string{`45-1-["message"]`}, session, ""},
	{"uncounted attachments", []string{`45["message"]`}, session, ""},
	{"text between attachments", []string{`451-["message",{"_placeholder":true,"num":0}]`, `42["message",1]`}, session, ""},
	{"unannounced attachment", []string{"\x00abc"}, session, ""},
	{"one attachment too many", []string{`451-["message",{"_placeholder":true,"num":0}]`, "\x00a", "\x00b"}, session, ""},
	{"placeholder that points nowhere", []string{`451-["message",{"_placeholder":true,"num":7}]`, "\x00a"}, session, ""},
	{"placeholder that is no number", []string{`451-["message",{"_placeholder":true,"num":"0"}]`, "\x00a"}, session, ""},

	{"placeholder without attachments", []string{`42["message",{"_placeholder":true,"num":0}]`}, nothing, `42["message-back",{"_placeholder":true,"num":0}]`},
	{"error as name", []string{`42["error",1]`}, nothing, ""},
	{"prototype keys", []string{`42["message",{"__proto__":{"a":1},"constructor":{"prototype":{"b":2}}}]`}, nothing, `42["message-back",{"__proto__":{"a":1},"constructor":{"prototype":{"b":2}}}]`},
	{"prototype name", []string{`42["__proto__",1]`, `42["constructor",1]`, `42["hasOwnProperty",1]`}, nothing, ""},
	{"prototype room", []string{`420["join","__proto__"]`}, nothing, `430["ok"]`},
	{"prototype namespace", []string{`40/__proto__`}, nothing, `44/__proto__,{"message":"Invalid namespace"}`},
	{"numbers out of range", []string{`42["message",1e999,-0,123456789012345678901234567890]`}, nothing, `42["message-back",1e999,-0,123456789012345678901234567890]`},
	{"lone surrogates", []string{`42["message","\ud800","\udc00\ud800"]`}, nothing, `42["message-back","\ud800","\udc00\ud800"]`},
	{"ack nobody waits for", []string{`431[1]`, `43999999999[]`}, nothing, ""},
	{"leaving what was not joined", []string{`41/custom`}, session, ""},
	{"128 levels", []string{`42["message",` + deep[1:257] + `]`}, nothing, `42["message-back",` + deep[1:257] + `]`},
	{"wrong arguments", []string{`42["to",{"a":1}]`, `42["join"]`, `42["ask"]`}, nothing, ""},
}

// packets1: the same for revision 1, whose grammar refuses little (revision-1.md
// §5.2) and is served on; limits still end the session.
var packets1 = []hostilePacket{
	{"unknown types", []string{"9::", "99:::x", "x", ":::", "::", ""}, nothing, ""},
	{"too few colons", []string{"3", "3:1", "5"}, nothing, ""},
	{"broken JSON", []string{`5:::{bad`, `4:::{bad`, `5:::`, `6:::1+{bad`}, nothing, ""},
	{"shapes", []string{`5:::[]`, `5:::null`, `5:::{"args":[1]}`, `5:::{"name":{"a":1}}`, `5:::{"name":1}`, `5:::{"name":"message","args":7}`}, nothing, ""},
	{"long ack id", []string{`5:12345678901234567890+::{"name":"message-with-ack","args":[]}`}, nothing, ""},
	{"ack nobody waits for", []string{`6:::1+[1]`, `6:::1`, `6:::99999999999999999999+[]`, `6:::1+5`, `6:::`}, nothing, ""},
	{"reserved names", []string{`5:::{"name":"connect","args":[]}`, `5:::{"name":"disconnect","args":[]}`, `5:1+::{"name":"newListener","args":["x"]}`}, nothing, ""},
	{"event before joining", []string{`5::/custom:{"name":"message","args":[1]}`, `5::/nope:{"name":"message","args":[1]}`}, nothing, ""},
	{"prototype endpoints", []string{`3::constructor:x`, `3::__proto__:x`, `3::hasOwnProperty:x`}, nothing, ""},
	{"prototype name", []string{`5:::{"name":"__proto__","args":[1]}`}, nothing, ""},
	{"heartbeats", []string{"2::", "2::", "2", "2:::x"}, nothing, ""},
	{"server's packets", []string{"7:::1+0", "8::", "8", "1::"}, nothing, ""},
	{"unknown namespace", []string{"1::/nope"}, nothing, "7::/nope:2"},
	{"prototype keys", []string{`5:::{"name":"message","args":[{"__proto__":1}]}`}, nothing, `5:::{"name":"message-back","args":[{"__proto__":1}]}`},
	{"deep JSON", []string{`5:::{"name":"message","args":[` + deep + `]}`}, session, ""},
	{"deep message", []string{`4:::[` + deep + `]`}, session, ""},
	{"deep acknowledgement", []string{`6:::1+[` + deep + `]`}, session, ""},
	{"wide", []string{`5:::{"name":"message","args":[1` + strings.Repeat(",1", 1024) + `]}`}, session, ""},
	{"long name", []string{`5:::{"name":"` + strings.Repeat("a", 1025) + `","args":[]}`}, session, ""},
	{"long namespace", []string{`1::/` + strings.Repeat("a", 512)}, session, ""},
}

func packetCases(*hostile) []hostileCase {
	var cases []hostileCase
	for _, p := range packets5 {
		cases = append(cases,
			hostileCase{"revision 5/" + p.name, func(h *hostile) { overWebSocket(h, h.rev5(), p) }},
			hostileCase{"revision 5 by polling/" + p.name, func(h *hostile) { overPolling5(h, p) }})
	}
	for _, p := range packets1 {
		cases = append(cases,
			hostileCase{"revision 1/" + p.name, func(h *hostile) { overWebSocket(h, h.rev1(), p) }},
			hostileCase{"revision 1 by polling/" + p.name, func(h *hostile) { overPolling1(h, p) }})
	}
	return append(cases,
		hostileCase{"before CONNECT", beforeConnect},
		hostileCase{"bad base64", badBase64},
		hostileCase{"lengths that lie", lyingLengths},
		hostileCase{"many packets", manyPackets},
		hostileCase{"joining again", joiningAgain},
		hostileCase{"101 namespaces", manyNamespaces},
		hostileCase{"half an attachment", halfAttachment},
		hostileCase{"answers for another", answerForAnother},
	)
}

func overWebSocket(h *hostile, c *client, p hostilePacket) {
	for _, text := range p.packets {
		f := wstest.Frame{Op: websocket.Text, Payload: []byte(text)}
		if strings.HasPrefix(text, "\x00") {
			f = wstest.Frame{Op: websocket.Binary, Payload: f.Payload[1:]}
		}
		if err := c.Send(f); err != nil {
			break // it may have ended already
		}
	}
	if p.cost == session {
		h.ends(c.Conn)
		return
	}
	if p.answer != "" {
		h.expect(c.Conn, p.answer)
	}
	c.alive(h.T)
}

func overPolling5(h *hostile, p hostilePacket) {
	url := h.polling5()
	var parts []string
	for _, text := range p.packets {
		if strings.HasPrefix(text, "\x00") {
			text = "b" + base64.StdEncoding.EncodeToString([]byte(text[1:]))
		}
		parts = append(parts, text)
	}
	a := h.post(url, strings.Join(parts, "\x1e"))
	if p.cost == session {
		h.check("POST", a, 400, "")
		h.gone5(url)
		return
	}
	h.check("POST", a, 200, "ok")
	if p.answer != "" {
		h.check("answer", h.get(url), 200, p.answer)
	}
	if p.name == "wrong arguments" {
		return // the app asks something back
	}
	h.here5(url)
}

func overPolling1(h *hostile, p hostilePacket) {
	url := h.polling1()
	for _, text := range p.packets {
		h.check("POST", h.post(url, text), 200, "1")
	}
	if p.cost == session {
		h.check("after the end", h.get(url), 200, notKnown)
		return
	}
	if p.answer != "" {
		h.check("answer", h.get(url), 200, p.answer)
	}
	h.here1(url)
}

// beforeConnect: "nothing but CONNECT is obeyed".
func beforeConnect(h *hostile) {
	for _, p := range []string{`42["message",1]`, `431[]`, `452-["x"]`, `41x`, "\x00"} {
		c := h.dial("/socket.io/?EIO=4&transport=websocket")
		h.next(c) // open
		if p == "\x00" {
			_ = c.WriteBinary([]byte("abc"))
		} else {
			h.write(c, p)
		}
		h.ends(c)
	}
}

func badBase64(h *hostile) {
	for _, b := range []string{"b!!!!", "bAQIDBA=", "bAQIDBA===", "b====", "bAQ ID", "bA"} {
		url := h.polling5()
		h.check(b, h.post(url, `451-["message",{"_placeholder":true,"num":0}]`+"\x1e"+b), 400, "")
		h.gone5(url)
	}
}

// lyingLengths: half a message is never taken, and the session goes on.
func lyingLengths(h *hostile) {
	const mark = "\ufffd"
	for _, body := range []string{
		mark, mark + "5", mark + "5" + mark, mark + "99" + mark + "3:::ab", mark + "3" + mark + "3:::ab", mark + mark + "3:::ab",
		mark + "-1" + mark + "3:::ab", mark + "0x5" + mark + "3:::ab", mark + "5" + mark + "3:::😀", // inside a surrogate pair
		mark + strings.Repeat("9", 1000) + mark + "3:::ab", mark + strings.Repeat("9", 90_000),
		"junk" + mark + "6" + mark + "3:::ab",
	} {
		url := h.polling1()
		h.check("POST", h.post(url, body), 200, "1")
		h.here1(url)
	}
}

// manyPackets: a body may hold 10,000.
func manyPackets(h *hostile) {
	url := h.polling5()
	h.check("10,001", h.post(url, strings.Repeat("3\x1e", 10_000)+"3"), 400, "")
	h.gone5(url)
	url = h.polling1()
	h.post(url, strings.Repeat("\ufffd1\ufffd8", 11_000))
	h.check("11,000", h.get(url), 200, notKnown)
}

// joiningAgain: "joining again is one client".
func joiningAgain(h *hostile) {
	c := h.rev5()
	h.write(c.Conn, "40", "40", "40")
	sids := map[string]bool{}
	for range 3 {
		sids[h.next(c.Conn)] = true
	}
	if len(sids) != 1 {
		h.Errorf("%v", sids)
	}
	old := h.rev1()
	h.write(old.Conn, "1::", "1::", "1::")
	for _, c := range []*client{c, old} {
		h.write(c.Conn, fmt.Sprintf(c.event, "1"), fmt.Sprintf(c.event, "2"))
		h.expect(c.Conn, fmt.Sprintf(c.back, "1"), fmt.Sprintf(c.back, "2"))
	}
}

func manyNamespaces(h *hostile) {
	c := h.rev5()
	for i := range 99 {
		h.write(c.Conn, fmt.Sprintf("40/n%d", i))
		if p := h.next(c.Conn); !strings.HasPrefix(p, fmt.Sprintf(`40/n%d,{"sid":"`, i)) {
			h.Errorf("%d: %q", i, p)
		}
	}
	h.write(c.Conn, "40/n100")
	h.expect(c.Conn, `44/n100,{"message":"too many namespaces"}`)
	c.alive(h.T)
	old := h.rev1()
	for i := range 99 {
		h.write(old.Conn, fmt.Sprintf("1::/n%d", i))
		h.expect(old.Conn, fmt.Sprintf("1::/n%d", i))
	}
	h.write(old.Conn, "1::/n100")
	h.expect(old.Conn, "7::/n100:2")
	old.alive(h.T)
}

// halfAttachment: "half-sent ones die with their connection".
func halfAttachment(h *hostile) {
	c := h.rev5()
	h.write(c.Conn, `452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	_ = c.WriteBinary([]byte("abc"))
	c.Close()
	url := h.polling5()
	h.check("head alone", h.post(url, `451-["message",{"_placeholder":true,"num":0}]`), 200, "ok")
	h.check("the rest later", h.post(url, "bAQID"), 200, "ok")
	h.check("echo", h.get(url), 200, `451-["message-back",{"_placeholder":true,"num":0}]`+"\x1ebAQID")
}

// answerForAnother: "ids are per socket, so nobody answers for another", and an answer
// counts once.
func answerForAnother(h *hostile) {
	c, other := h.rev5(), h.rev5()
	h.write(c.Conn, `42["ask","q"]`)
	p := h.next(c.Conn) // 42<id>["question","q"]
	id, _, ok := strings.Cut(strings.TrimPrefix(p, "42"), "[")
	if !ok || id == "" {
		h.Fatalf("question: %q", p)
	}
	h.write(other.Conn, "43"+id+`["forged"]`)
	other.alive(h.T)
	c.alive(h.T)
	h.write(c.Conn, "43"+id+`["mine"]`, "43"+id+`["again"]`)
	h.expect(c.Conn, `42["answered","mine"]`)
	c.alive(h.T)
}
