package parser

import (
	"strconv"

	"github.com/sockeye-io/socketio/packet"
)

// pending is a packet whose attachments are still to come.
type pending struct {
	p     packet.Packet
	place []int // place[i]: which of p's attachments the next but i message is
	come  int   // how many came
	bytes int   // their size
}

// newPending puts a null in place of each placeholder in p's arguments. Each of the
// due attachments must be named by exactly one.
func newPending(p packet.Packet, due int) (*pending, error) {
	found := findPlaceholders(p.Args.JSON)
	if len(found) != due {
		return nil, broken(strconv.Itoa(due) + " attachments announced, " + strconv.Itoa(len(found)) + " placeholders")
	}
	d := &pending{place: make([]int, due)}
	for i := range d.place {
		d.place[i] = -1
	}
	p.Args.Attachments = make([]packet.Attachment, due)
	text := make([]byte, 0, len(p.Args.JSON)) // shorter: a placeholder is longer than null
	at := 0
	for i, h := range found {
		if h.num < 0 || h.num >= due || d.place[h.num] >= 0 {
			return nil, broken("illegal attachments")
		}
		d.place[h.num] = i
		text = append(text, p.Args.JSON[at:h.from]...)
		p.Args.Attachments[i].Pos = len(text)
		text = append(text, "null"...)
		at = h.to
	}
	p.Args.JSON = append(text, p.Args.JSON[at:]...)
	d.p = p
	return d, nil
}

// attach takes the next attachment; they come in the order of their numbers
// (Socket.IO protocol 5, "Packet encoding").
func (d *v5Decoder) attach(data []byte) (p packet.Packet, done bool, err error) {
	q := d.pending
	q.bytes += len(data)
	if d.limits.AttachmentBytes > 0 && q.bytes > d.limits.AttachmentBytes {
		d.pending = nil
		return p, false, broken("attachments are larger than " + strconv.Itoa(d.limits.AttachmentBytes) + " bytes together")
	}
	q.p.Args.Attachments[q.place[q.come]].Data = data
	if q.come++; q.come < len(q.place) {
		return p, false, nil
	}
	d.pending = nil
	return q.p, true, nil
}

// A hole is where the placeholder of attachment num stands; num is negative if it
// is not the number of any.
type hole struct {
	span
	num int
}

// A level is an object or array that findPlaceholders is inside of.
type level struct {
	from        int
	object      bool
	placeholder bool // "_placeholder":true was seen
	num         int
}

// findPlaceholders finds the objects in a valid list whose member "_placeholder" is
// true, in order. As for socket.io-parser, members may stand in any order, others
// may stand beside them, the last of two with one name counts, and the whole object
// is replaced: what lies inside it is gone.
func findPlaceholders(list []byte) (found []hole) {
	var open []level
	for i := 0; i < len(list); {
		switch list[i] {
		case '"':
			// Keys are read where the object begins and behind its commas.
			i = skipValidString(list, i)
		case '{', '[':
			open = append(open, level{from: i, object: list[i] == '{', num: -1})
			i = open[len(open)-1].member(list, i+1)
		case '}', ']':
			i++
			if len(open) == 0 {
				return found // not valid
			}
			top := open[len(open)-1]
			open = open[:len(open)-1]
			if !top.placeholder {
				continue
			}
			for len(found) > 0 && found[len(found)-1].from > top.from {
				found = found[:len(found)-1]
			}
			found = append(found, hole{span{top.from, i}, top.num})
		case ',':
			if i++; len(open) > 0 {
				i = open[len(open)-1].member(list, i)
			}
		default:
			i++
		}
	}
	return found
}

// member reads the name of the member that begins at list[i], if o is an object,
// notes what it says of a placeholder, and returns the index of its colon.
func (o *level) member(list []byte, i int) int {
	if i = skipBlanks(list, i); !o.object || i == len(list) || list[i] != '"' {
		return i
	}
	colon := skipValidString(list, i)
	name := unquote(list[i:colon])
	if name != "_placeholder" && name != "num" {
		return colon
	}
	value := scalar(list, colon)
	if name == "_placeholder" {
		o.placeholder = value == "true"
	} else if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		o.num = int(n)
	} else {
		o.num = -1
	}
	return colon
}

// scalar returns the text of the number or word behind the colon that list[i], or a
// blank before it, is; otherwise something that is neither. It does not look into
// objects, whose text findPlaceholders reads anyway.
func scalar(list []byte, i int) string {
	if i = skipBlanks(list, i); i == len(list) {
		return ""
	}
	i = skipBlanks(list, i+1)
	end := i
	for end < len(list) && (isDigit(list[end]) || 'a' <= list[end] && list[end] <= 'z') {
		end++
	}
	if end < len(list) {
		switch list[end] {
		case ',', '}', ' ', '\n', '\r', '\t':
		default: // "-1", "1.5", "1e0": no attachment has such a number
			return ""
		}
	}
	return view(list[i:end])
}
