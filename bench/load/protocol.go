package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// A protocol is what a client of one Socket.IO revision writes and expects.
type protocol struct {
	name string
	// path is where the WebSocket is opened; a revision 1 client asks for a
	// session first and appends its id.
	path      string
	handshake bool
	// hello is what the server says first; then join, if any, is sent and
	// joined comes back; then the app's auth event comes.
	hello, join, joined, auth string
	// ping and pong are the server's heartbeat and its answer.
	ping, pong string
	// leave ends the client's session in good order.
	leave string

	event  func(name, args string) string
	parse  func(msg []byte) (name string, args []any, err error)
	ackReq func(id int, name, args string) string
}

// Revision 5 over Engine.IO 4, socket.io 3 and 4.
var revision5 = &protocol{
	name:  "revision 5",
	path:  "/socket.io/?EIO=4&transport=websocket",
	hello: `0{`, join: `40`, joined: `40{`, auth: `42["auth",`,
	ping: `2`, pong: `3`, leave: `41`,
	event: func(name, args string) string { return fmt.Sprintf(`42["%s",%s]`, name, args) },
	ackReq: func(id int, name, args string) string {
		return fmt.Sprintf(`42%d["%s",%s]`, id, name, args)
	},
	parse: parse5,
}

// Revision 1, socket.io 0.7 to 0.9.
var revision1 = &protocol{
	name:  "revision 1",
	path:  "/socket.io/1/websocket/",
	hello: `1::`, auth: `5:::{"name":"auth",`, handshake: true,
	ping: `2::`, pong: `2::`, leave: `0::`,
	event: func(name, args string) string {
		return fmt.Sprintf(`5:::{"name":"%s","args":[%s]}`, name, args)
	},
	parse: parse1,
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

func parse1(msg []byte) (name string, args []any, err error) {
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
