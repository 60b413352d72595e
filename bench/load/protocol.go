package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"strconv"
	"strings"
)

// A protocol is what a client of one Socket.IO revision writes and expects.
type protocol struct {
	name string
	// session is where a client asks for a session, if it does; sid finds the
	// id in the answer.
	session string
	sid     func(body []byte) (string, bool)
	// path is where the WebSocket is opened. A revision 1 client asks for a
	// session first (revision-1.md §3) and appends its id.
	path      string
	handshake bool
	// pollPath is where a session is polled; its id is appended. posted is the
	// answer to a POST.
	pollPath, posted string
	// hello is what the server says first on a WebSocket, if anything; then
	// join, if any, is sent and joined comes; then the app's auth event comes.
	hello, join, joined, auth string
	// ping and pong are the server's heartbeat and its answer; noop is what a
	// poll may be answered with for want of anything else.
	ping, pong, noop string
	// leave ends the client's session in good order.
	leave string

	event  func(name, args string) string
	ackReq func(id int, name, args string) string
	ack    func(id int, args string) string
	parse  func(msg []byte) (name string, args []any, err error)
	// packets splits the body of a poll's answer.
	packets func(body []byte) iter.Seq[[]byte]
}

// Revision 5 over Engine.IO 4, socket.io 3 and 4.
var revision5 = &protocol{
	name:     "revision 5",
	session:  "/socket.io/?EIO=4&transport=polling",
	sid:      sid5,
	path:     "/socket.io/?EIO=4&transport=websocket",
	pollPath: "/socket.io/?EIO=4&transport=polling&sid=", posted: "ok",
	hello: `0{`, join: `40`, joined: `40{`, auth: `42["auth",`,
	ping: `2`, pong: `3`, noop: `6`, leave: `41`,
	event: func(name, args string) string { return fmt.Sprintf(`42["%s",%s]`, name, args) },
	ackReq: func(id int, name, args string) string {
		return fmt.Sprintf(`42%d["%s",%s]`, id, name, args)
	},
	ack:     func(id int, args string) string { return fmt.Sprintf(`43%d[%s]`, id, args) },
	parse:   parse5,
	packets: func(body []byte) iter.Seq[[]byte] { return bytes.SplitSeq(body, []byte{0x1e}) },
}

// Revision 1, socket.io 0.7 to 0.9.
var revision1 = &protocol{
	name:    "revision 1",
	session: "/socket.io/1/?t=1312877027739",
	sid:     sid1,
	path:    "/socket.io/1/websocket/", handshake: true,
	pollPath: "/socket.io/1/xhr-polling/", posted: "1",
	joined: `1::`, auth: `5:::{"name":"auth",`,
	ping: `2::`, pong: `2::`, noop: `8::`, leave: `0::`,
	event: func(name, args string) string {
		return fmt.Sprintf(`5:::{"name":"%s","args":[%s]}`, name, args)
	},
	// revision-1.md §6.
	ackReq: func(id int, name, args string) string {
		return fmt.Sprintf(`5:%d+::{"name":"%s","args":[%s]}`, id, name, args)
	},
	ack:     func(id int, args string) string { return fmt.Sprintf(`6:::%d+[%s]`, id, args) },
	parse:   parse1,
	packets: packets1,
}

// sid5 finds the id in an open packet.
func sid5(body []byte) (string, bool) {
	_, rest, _ := bytes.Cut(body, []byte(`"sid":"`))
	sid, _, ok := bytes.Cut(rest, []byte(`"`))
	return string(sid), ok
}

// sid1 finds the id in a handshake's answer, revision-1.md §4.1.
func sid1(body []byte) (string, bool) {
	sid, _, ok := bytes.Cut(body, []byte(":"))
	return string(sid), ok
}

// packets1 splits a payload of revision 1 (revision-1.md §5.3): a packet alone,
// or each behind its length between two U+FFFD. Lengths count UTF-16 units,
// which are bytes in all that the app sends here. What cannot be split comes
// out whole.
func packets1(body []byte) iter.Seq[[]byte] {
	mark := []byte("\uFFFD")
	return func(yield func([]byte) bool) {
		for {
			framed, ok := bytes.CutPrefix(body, mark)
			length, rest, _ := bytes.Cut(framed, mark)
			n, err := strconv.Atoi(string(length))
			if !ok || err != nil || n < 0 || n > len(rest) {
				yield(body)
				return
			}
			if !yield(rest[:n]) || n == len(rest) {
				return
			}
			body = rest[n:]
		}
	}
}

// parse5 reads an event, or an acknowledgement: the name of that is "ack" and
// its id.
func parse5(msg []byte) (name string, args []any, err error) {
	n := bytes.IndexByte(msg, '[')
	if n < 2 || msg[0] != '4' {
		return "", nil, fmt.Errorf("not an event: %.100q", msg)
	}
	if err := json.Unmarshal(msg[n:], &args); err != nil {
		return "", nil, err
	}
	if msg[1] == '3' {
		return "ack" + string(msg[2:n]), args, nil
	}
	if msg[1] != '2' || len(args) == 0 {
		return "", nil, fmt.Errorf("not an event: %.100q", msg)
	}
	name, _ = args[0].(string)
	return name, args[1:], nil
}

// parse1 is parse5 for revision 1.
func parse1(msg []byte) (name string, args []any, err error) {
	if text, ok := bytes.CutPrefix(msg, []byte("6:::")); ok {
		id, text, _ := bytes.Cut(text, []byte("+"))
		err := json.Unmarshal(text, &args)
		return "ack" + string(id), args, err
	}
	text, ok := bytes.CutPrefix(msg, []byte("5:::"))
	if !ok {
		return "", nil, fmt.Errorf("not an event: %.100q", msg)
	}
	var event struct {
		Name string
		Args []any
	}
	err = json.Unmarshal(text, &event)
	return event.Name, event.Args, err
}

// An answer is one expected message. Servers may write the same value
// differently, so the first one that comes is parsed and compared as a value;
// its bytes are what the later ones must equal.
type answer struct {
	name  string
	args  string // JSON, without brackets
	bytes []byte
}

// is reports whether msg is the answer; an error says that it should have been.
func (a *answer) is(p *protocol, msg []byte) (bool, error) {
	if a.bytes != nil {
		return bytes.Equal(a.bytes, msg), nil
	}
	name, args, err := p.parse(msg)
	if err != nil || name != a.name {
		return false, nil
	}
	var want []any
	if err := json.Unmarshal([]byte("["+a.args+"]"), &want); err != nil {
		return false, err
	}
	if !reflect.DeepEqual(args, want) {
		return false, fmt.Errorf("answered %.200q, want %s %s", msg, a.name, a.args)
	}
	a.bytes = bytes.Clone(msg)
	return true, nil
}

// text returns a JSON string that is n characters long inside its quotes.
func text(n int) string {
	const words = "the quick brown fox jumps over the lazy dog, and so on; "
	return `"` + strings.Repeat(words, n/len(words)+1)[:n] + `"`
}

// object returns a JSON object of 512 bytes, in the form that JSON.stringify
// gives it, with the mixture of values that applications send.
func object() string {
	head := `{"id":10482,"kind":"position","user":{"name":"Ada Lovelace","roles":["editor","viewer"],"active":true},` +
		`"at":1312877027739,"where":{"lat":59.32938,"lon":18.06871,"accuracy":12.5},"path":[[0,1],[2,3],[4,5],[6,7]],` +
		`"tags":["alpha","beta","gamma \"quoted\""],"parent":null,"note":`
	pad := 512 - len(head) - len(`"`) - len(`"}`)
	return head + text(pad) + `}`
}
