package parser

import (
	"github.com/sockeye-io/socketio/packet"
)

// event reads {"name":…,"args":[…]}: members in any order, since PocketIO's is
// random (revision-1.md §15, "key order of events"), others ignored, and the last of
// two with one name counts, as for JSON.parse.
func (d *rev1Decoder) event(p *packet.Packet, body []byte) (verdict, error) {
	i := skipBlanks(body, 0)
	if i == len(body) || body[i] != '{' {
		return ignore, nil
	}
	e := eventObject{args: keep}
	i = skipBlanks(body, i+1)
	for more := i < len(body) && body[i] != '}'; more; {
		from := i
		colon, f := skipKey(body, i)
		if f != good {
			return ignore, nil
		}
		name := trimKey(body[from:colon])
		v, err := d.member(&e, name, body, skipBlanks(body, colon))
		if !v || err != nil {
			return ignore, err
		}
		i = skipBlanks(body, e.end)
		if more = i < len(body) && body[i] == ','; more {
			i = skipBlanks(body, i+1)
		}
	}
	if i == len(body) || body[i] != '}' || skipBlanks(body, i+1) != len(body) {
		return ignore, nil
	}
	// An event needs a string for its name and an array [V event-09 to event-16].
	if e.name == nil || !e.args {
		return ignore, nil
	}
	name, err := eventName(e.name, d.limits.Name)
	if err != nil {
		return ignore, err
	}
	p.Name, p.Args.JSON = name, e.list
	return verdict(!reserved(name)), nil
}

// An eventObject is what was read of an event so far.
type eventObject struct {
	name []byte  // the string token
	list []byte  // the arguments
	args verdict // ignore: args is there and no list
	end  int     // behind the member that was read last
}

// member reads a member's value, which begins at body[i].
func (d *rev1Decoder) member(e *eventObject, name string, body []byte, i int) (verdict, error) {
	if name == "args" && i < len(body) && body[i] == '[' {
		var err error
		e.list, e.end, e.args, err = d.list(body, i)
		return e.args, err
	}
	end, f := skipValue(body, i, d.limits.depth())
	if f != good {
		return judge(f)
	}
	e.end = end
	switch name {
	case "name":
		if e.name = nil; body[i] == '"' {
			e.name = body[i:end]
		}
	case "args":
		e.list, e.args = nil, verdict(body[i] == 'n' || body[i] == 'f')
	}
	return keep, nil
}

// trimKey returns the name of a member from its checked text, which ends with blanks
// and a colon.
func trimKey(text []byte) string {
	end := len(text) - 1
	for text[end] != '"' {
		end--
	}
	return unquote(text[:end+1])
}
