package socketio_test

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A grammar writes and reads the packets of one generation, straight from its
// document and apart from the server's parsers.
type grammar interface {
	join(ns, auth string) string
	leave(ns string) string
	event(ns, id, name, args string) string
	ack(ns, id, args string) string
	// parse reads a packet; due is how many attachments follow.
	parse(text string) (m msg, due int, err error)
}

func quote(s string) string {
	b, _ := json.Marshal(s) // strings always can
	return string(b)
}

// rev1Grammar: revision-1.md §5.
type rev1Grammar struct{}

func (rev1Grammar) endpoint(ns string) string {
	if ns == "/" {
		return ""
	}
	return ns
}

func (g rev1Grammar) join(ns, _ string) string { return "1::" + g.endpoint(ns) }

func (g rev1Grammar) leave(ns string) string { return "0::" + g.endpoint(ns) }

func (g rev1Grammar) event(ns, id, name, args string) string {
	if id != "" {
		id += "+"
	}
	return fmt.Sprintf(`5:%s:%s:{"name":%s,"args":[%s]}`, id, g.endpoint(ns), quote(name), args)
}

func (g rev1Grammar) ack(ns, id, args string) string {
	return "6::" + g.endpoint(ns) + ":" + id + "+[" + args + "]"
}

func (g rev1Grammar) parse(text string) (m msg, due int, err error) {
	parts := strings.SplitN(text, ":", 4)
	if len(parts) < 3 {
		return m, 0, fmt.Errorf("packet %q", text)
	}
	m.ns, m.id = parts[2], strings.TrimSuffix(parts[1], "+")
	data := ""
	if len(parts) == 4 {
		data = parts[3]
	}
	m.data = data
	switch parts[0] {
	case "0":
		m.kind = "disconnect"
	case "1":
		m.kind = "connect"
	case "3":
		m.kind = "text"
	case "4":
		m.kind = "json"
	case "5":
		m.kind = "event"
		var e struct {
			Name string
			Args json.RawMessage
		}
		err = json.Unmarshal([]byte(data), &e)
		m.name, m.data = e.Name, string(e.Args)
		if e.Args == nil {
			m.data = "[]"
		}
	case "6":
		m.kind = "ack"
		id, args, _ := strings.Cut(data, "+")
		if args == "" {
			args = "[]"
		}
		m.id, m.data = id, args
	case "7":
		m.kind = "refused"
	default:
		err = fmt.Errorf("packet %q", text)
	}
	return m, 0, err
}

// rev5Grammar: Socket.IO protocol 5, "Packet encoding".
type rev5Grammar struct{}

func (rev5Grammar) prefix(ns string) string {
	if ns == "/" {
		return ""
	}
	return ns + ","
}

func (g rev5Grammar) join(ns, auth string) string { return "40" + g.prefix(ns) + auth }

func (g rev5Grammar) leave(ns string) string { return "41" + g.prefix(ns) }

func (g rev5Grammar) event(ns, id, name, args string) string {
	if args != "" {
		args = "," + args
	}
	return "42" + g.prefix(ns) + id + "[" + quote(name) + args + "]"
}

func (g rev5Grammar) ack(ns, id, args string) string {
	return "43" + g.prefix(ns) + id + "[" + args + "]"
}

func (g rev5Grammar) parse(text string) (m msg, due int, err error) {
	kind, rest := text[0], text[1:]
	if kind == '5' || kind == '6' {
		if _, err := fmt.Sscanf(rest, "%d-", &due); err != nil {
			return m, 0, fmt.Errorf("packet %q", text)
		}
		_, rest, _ = strings.Cut(rest, "-")
		kind -= 3
	}
	m.ns = "/"
	if strings.HasPrefix(rest, "/") {
		m.ns, rest, _ = strings.Cut(rest, ",")
	}
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	m.id, m.data = rest[:digits], rest[digits:]
	switch kind {
	case '0':
		m.kind = "connect"
	case '1':
		m.kind = "disconnect"
	case '2':
		m.kind = "event"
		var list []json.RawMessage
		if err = json.Unmarshal([]byte(m.data), &list); err == nil && len(list) > 0 {
			err = json.Unmarshal(list[0], &m.name)
			b, _ := json.Marshal(list[1:])
			m.data = string(b)
		}
	case '3':
		m.kind = "ack"
	case '4':
		m.kind = "refused"
	default:
		err = fmt.Errorf("packet %q", text)
	}
	return m, due, err
}

// receive takes one frame. It returns how the session ended if it says so.
func (c *client) receive(f frame) (end string) {
	if c.m.rev1 {
		switch f.data {
		case "0::":
			return "booted" // and does not come back
		case "7:::1+0":
			return "reconnect"
		case "2::":
			c.raw("2::")
			return ""
		case "8::", "":
			return ""
		}
		return c.packet(f.data)
	}
	switch {
	case f.binary:
		return c.attach(f.data)
	case f.data == "1":
		return "close"
	case f.data == "2":
		c.raw("3")
	case f.data == "6":
	case strings.HasPrefix(f.data, "4"):
		return c.packet(f.data[1:])
	default:
		return fmt.Sprintf("unexpected frame %q", f.data)
	}
	return ""
}

func (c *client) packet(text string) (end string) {
	m, due, err := c.m.codec.parse(text)
	if err != nil {
		return err.Error()
	}
	m.data = compact(m.data)
	if due > 0 {
		m.bin = make([]string, 0, due)
		c.partial = &m
		return ""
	}
	c.got <- m
	return ""
}

func (c *client) attach(data string) (end string) {
	m := c.partial
	if m == nil {
		return "attachment without a packet"
	}
	place := fmt.Sprintf(`{"_placeholder":true,"num":%d}`, len(m.bin))
	if !strings.Contains(m.data, place) {
		return "attachment without a place"
	}
	m.data = strings.Replace(m.data, place, "<"+data+">", 1)
	m.bin = append(m.bin, data)
	if len(m.bin) == cap(m.bin) {
		c.partial = nil
		c.got <- *m
	}
	return ""
}
