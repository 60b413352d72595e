package parser

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sockeye-io/socketio/packet"
)

// Attachments returns none: revision 1 has binary values, if at all, in their places.
func (rev1) Attachments(*packet.Packet) []packet.Attachment { return nil }

// rev1Types are the packet types' digits, 0 where there is none.
var rev1Types = [...]byte{
	packet.Disconnect:   '0',
	packet.Connect:      '1',
	packet.Text:         '3',
	packet.JSON:         '4',
	packet.Event:        '5',
	packet.Ack:          '6',
	packet.ConnectError: '7',
	packet.Binary:       0,
}

func (c rev1) AppendHead(dst []byte, p *packet.Packet) ([]byte, error) {
	head := dst
	if int(p.Type) >= len(rev1Types) || rev1Types[p.Type] == 0 || p.Type == packet.Ack && p.ID == "" {
		return head, unsayable("revision 1 has no such " + p.Type.String() + " packet")
	}
	if c.noBinary && len(p.Args.Attachments) > 0 {
		return head, unsayable("revision 1 has no binary values")
	}
	if !Placed(&p.Args) {
		return head, unsayable("an attachment has no place")
	}
	dst = append(dst, rev1Types[p.Type], ':')
	switch p.Type {
	case packet.Text, packet.JSON, packet.Event:
		dst = append(dst, p.ID...)
		// No client of this revision answers an event whose id lacks the "+"
		// (revision-1.md §6).
		if p.ID != "" && (!p.AutoAck || p.Type == packet.Event) {
			dst = append(dst, '+')
		}
	}
	dst = append(dst, ':')
	if p.Namespace != "/" {
		if strings.IndexByte(p.Namespace, ':') >= 0 {
			return head, unsayable("revision 1 cannot write the namespace " + strconv.Quote(p.Namespace))
		}
		dst = append(dst, p.Namespace...)
	}
	if p.Type == packet.Event && reserved(p.Name) {
		return head, unsayable("the event name " + p.Name + " is reserved")
	}
	// The colon in front of the data is left out with it.
	n := len(dst)
	dst = appendRev1Data(append(dst, ':'), p)
	if len(dst) == n+1 {
		dst = dst[:n]
	}
	return dst, nil
}

func appendRev1Data(dst []byte, p *packet.Packet) []byte {
	switch p.Type {
	case packet.Connect:
		return append(dst, p.Query...)
	case packet.Text:
		if !utf8.Valid(p.Data) {
			return append(dst, bytes.ToValidUTF8(p.Data, []byte("\uFFFD"))...)
		}
		return append(dst, p.Data...)
	case packet.JSON:
		return appendRev1Args(dst, &p.Args)
	case packet.Event:
		// The reference's order; args is left out when empty [V encode-20].
		dst = append(dst, `{"name":`...)
		dst = AppendQuote(dst, p.Name)
		if len(p.Args.JSON) > 0 {
			dst = append(dst, `,"args":[`...)
			dst = appendRev1Args(dst, &p.Args)
			dst = append(dst, ']')
		}
		return append(dst, '}')
	case packet.Ack:
		dst = append(dst, p.ID...)
		if len(p.Args.JSON) > 0 {
			dst = append(dst, '+', '[')
			dst = appendRev1Args(dst, &p.Args)
			dst = append(dst, ']')
		}
	case packet.ConnectError:
		dst = appendWord(dst, reasons[:], p.Reason)
		if p.Advice != "" {
			dst = appendWord(append(dst, '+'), advices[:], p.Advice)
		}
	}
	return dst
}

// appendWord appends the number of a reason or advice. The reference writes one of
// the application's own as "undefined", which clients read as none
// [T namespace-auth-error].
func appendWord(dst []byte, words []string, w string) []byte {
	if w == "" {
		return dst
	}
	if i := slices.Index(words, w); i >= 0 {
		return append(dst, '0'+byte(i))
	}
	return append(dst, "undefined"...)
}

// appendRev1Args appends a's values, with an object in the place of each attachment.
func appendRev1Args(dst []byte, a *packet.Args) []byte {
	at := 0
	for i := range a.Attachments {
		dst = appendSeparators(dst, a.JSON[at:a.Attachments[i].Pos])
		dst = append(dst, `{"base64":true,"data":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, a.Attachments[i].Data)
		dst = append(dst, `"}`...)
		at = a.Attachments[i].Pos + len("null")
	}
	return appendSeparators(dst, a.JSON[at:])
}

// appendSeparators appends JSON text with U+2028 and U+2029 as escapes, since
// clients 0.7 lose a packet that contains them (revision-1.md §5.2). They can only
// stand inside strings.
func appendSeparators(dst, text []byte) []byte {
	for {
		i := bytes.Index(text, []byte("\xe2\x80"))
		if i < 0 || i+2 == len(text) {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		switch text[i+2] {
		case 0xa8:
			dst = append(dst, `\u2028`...)
		case 0xa9:
			dst = append(dst, `\u2029`...)
		default:
			dst = append(dst, text[i:i+3]...)
		}
		text = text[i+3:]
	}
}
