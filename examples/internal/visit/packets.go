package visit

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/coder/websocket"
)

// Send sends a packet as it is.
func (c *Client) Send(packet string) {
	c.t.Helper()
	if err := c.send(packet); err != nil {
		c.t.Fatalf("%s: %v", c.mode.Name, err)
	}
}

func (c *Client) send(packet string) error {
	if c.ws != nil {
		return c.ws.Write(c.ctx, websocket.MessageText, []byte(packet))
	}
	_, err := c.do("POST", c.poll, packet)
	return err
}

// Emit sends an event. args is JSON with commas.
func (c *Client) Emit(name, args string) { c.t.Helper(); c.Send(c.event("", name, args)) }

// Call sends an event that wants an answer, which comes as "answer 7…".
func (c *Client) Call(name, args string) { c.t.Helper(); c.Send(c.event("7", name, args)) }

// Ask is Call, and returns the answer, a JSON array.
func (c *Client) Ask(name, args string) string {
	c.t.Helper()
	c.Call(name, args)
	got := c.Next()
	answer, ok := strings.CutPrefix(got, "answer 7")
	if !ok {
		c.t.Fatalf("%s: got %s, want an answer", c.mode.Name, got)
	}
	return answer
}

// Answer answers an event. args is JSON with commas.
func (c *Client) Answer(id, args string) {
	c.t.Helper()
	if c.mode.rev1 {
		c.Send("6:::" + id + "+[" + args + "]")
		return
	}
	c.Send("43" + id + "[" + args + "]")
}

func (c *Client) event(id, name, args string) string {
	if c.mode.rev1 {
		if id != "" {
			id += "+"
		}
		return fmt.Sprintf(`5:%s::{"name":%q,"args":[%s]}`, id, name, args)
	}
	if args != "" {
		args = "," + args
	}
	return fmt.Sprintf(`42%s[%q%s]`, id, name, args)
}

// Leave ends the session as a client does that wants to.
func (c *Client) Leave() {
	c.t.Helper()
	if c.mode.rev1 {
		c.Send("0::")
		return
	}
	c.Send("41")
	if c.ws != nil {
		_ = c.ws.Close(websocket.StatusNormalClosure, "")
		return
	}
	c.Send("1")
}

// SayGoodbye ends a session of revision 1 as a page does that is being closed, by a
// request beside its transport.
func (c *Client) SayGoodbye() {
	c.t.Helper()
	if _, err := c.do("GET", c.base+"/1//"+c.sid+"/?disconnect=1", ""); err != nil {
		c.t.Fatal(err)
	}
}

// Next returns what comes next:
//
//	connect
//	said["hello"]          an event
//	what? 3["a"]           an event that wants an answer
//	answer 7[true]
//	picture[{"_placeholder":true,"num":0}] and then bytes 00ff, in hexadecimal digits
//	refused {"message":"…"}
//	disconnect             from the namespace: clients do not come back
//	end: …                 of the session, and how
func (c *Client) Next() string {
	c.t.Helper()
	s, ok := <-c.received
	if !ok {
		c.t.Fatalf("%s: the session has ended", c.mode.Name)
	}
	return s
}

// Want checks what comes next.
func (c *Client) Want(want string) {
	c.t.Helper()
	if got := c.Next(); got != want {
		c.t.Fatalf("%s: got %s, want %s", c.mode.Name, got, want)
	}
}

// receive hands over what a packet says, if it is for the application, and reports
// whether the session goes on.
func (c *Client) receive(packet string) bool {
	said, pong := read5(packet), "3"
	if c.mode.rev1 {
		said, pong = read1(packet), "2::"
	}
	switch said {
	case "":
	case "ping":
		_ = c.send(pong) // who cannot hears of the end when it reads on
	default:
		c.received <- said
	}
	return !strings.HasPrefix(said, "end: ")
}

// read1 reads a packet of revision 1.
func read1(packet string) string {
	parts := strings.SplitN(packet, ":", 4)
	if len(parts) < 3 {
		return "nonsense " + packet
	}
	switch parts[0] {
	case "0":
		return "disconnect"
	case "1":
		return "connect"
	case "2":
		return "ping"
	case "5":
		var e struct {
			Name string
			Args json.RawMessage
		}
		if err := json.Unmarshal([]byte(parts[3]), &e); err != nil {
			return "nonsense " + packet
		}
		if id, wanted := strings.CutSuffix(parts[1], "+"); wanted {
			return e.Name + "? " + id + string(e.Args)
		}
		return e.Name + string(e.Args)
	case "6":
		return "answer " + strings.Replace(parts[3], "+", "", 1)
	case "7":
		if parts[3] == "1+0" {
			return "end: come back" // revision-1.md §7.6
		}
		return "refused " + parts[3]
	case "8":
		return ""
	}
	return "nonsense " + packet
}

// read5 reads a packet of Engine.IO 4 with one of revision 5 in it.
func read5(packet string) string {
	if strings.HasPrefix(packet, "42") || strings.HasPrefix(packet, "43") {
		return readArguments(packet)
	}
	if head, attachments := strings.CutPrefix(packet, "451-"); attachments {
		return readArguments("42" + head)
	}
	switch {
	case packet == "", packet[0] == '0', packet[0] == '6':
		return "" // open, noop
	case packet[0] == '2':
		return "ping"
	case packet == "1":
		return "end: close"
	case strings.HasPrefix(packet, "40"):
		return "connect"
	case strings.HasPrefix(packet, "41"):
		return "disconnect"
	case strings.HasPrefix(packet, "44"):
		return "refused " + packet[2:]
	}
	return "nonsense " + packet
}

func readArguments(packet string) string {
	id, args, _ := strings.Cut(packet[2:], "[")
	args = "[" + args
	if packet[1] == '3' {
		return "answer " + id + args
	}
	var all []json.RawMessage
	var name string
	if json.Unmarshal([]byte(args), &all) != nil || len(all) == 0 || json.Unmarshal(all[0], &name) != nil {
		return "nonsense " + packet
	}
	rest, _ := json.Marshal(all[1:]) // they were valid
	if id != "" {
		name += "? " + id
	}
	return name + string(rest)
}

// split takes the packets of revision 1 out of a body (revision-1.md §5.3).
func split(body string) (packets []string) {
	for {
		rest, framed := strings.CutPrefix(body, "\ufffd")
		number, rest, ok := strings.Cut(rest, "\ufffd")
		n, err := strconv.Atoi(number)
		units := utf16.Encode([]rune(rest))
		if !framed || !ok || err != nil || n > len(units) {
			break
		}
		packets = append(packets, string(utf16.Decode(units[:n])))
		body = string(utf16.Decode(units[n:]))
	}
	if body != "" {
		packets = append(packets, body)
	}
	return packets
}
