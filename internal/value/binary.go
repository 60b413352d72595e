package value

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/sockeye-io/socketio/packet"
)

// Binary is a []byte that leaves as a binary value wherever it stands, inside structs
// and typed maps and slices too.
//
// encoding/json gives a type no way to put something beside the text. So MarshalJSON
// writes a string that begins with a mark, which this process drew at random when it
// started, and Encode, which finds the mark, puts a null in the string's place and
// the bytes beside it. Nobody who does not know the mark can write such a string. For
// the same reason a Binary is of no use to other JSON encoders: convert it to []byte.
type Binary []byte

// mark begins the strings that stand for binary values. It has no character that
// JSON would escape.
var mark = "binary:" + rand.Text() + ":"

// MarshalJSON writes b for Encode.
func (b Binary) MarshalJSON() ([]byte, error) {
	if b == nil {
		return []byte("null"), nil
	}
	text := make([]byte, 0, len(mark)+base64.StdEncoding.EncodedLen(len(b))+2)
	text = append(text, '"')
	text = append(text, mark...)
	text = base64.StdEncoding.AppendEncode(text, b)
	return append(text, '"'), nil
}

// UnmarshalJSON reads base64 text, as []byte does, with or without the mark.
func (b *Binary) UnmarshalJSON(text []byte) error {
	if quoted := `"` + mark; bytes.HasPrefix(text, []byte(quoted)) {
		text = append([]byte{'"'}, text[len(quoted):]...)
	}
	return json.Unmarshal(text, (*[]byte)(b))
}

// unmark replaces the marked strings in e.json[start:], which is valid.
func (e *encoder) unmark(start int) error {
	quoted := []byte(`"` + mark)
	if !bytes.Contains(e.json[start:], quoted) {
		return nil
	}
	text := bytes.Clone(e.json[start:])
	e.json = e.json[:start]
	for {
		i := bytes.Index(text, quoted)
		if i < 0 {
			e.json = append(e.json, text...)
			return nil
		}
		e.json = append(e.json, text[:i]...)
		text = text[i+len(quoted):]
		end := bytes.IndexByte(text, '"')
		data, err := base64.StdEncoding.AppendDecode([]byte{}, text[:max(end, 0)])
		if err != nil || end < 0 {
			return fmt.Errorf("a string looks like a Binary: %w", err)
		}
		e.attachments = append(e.attachments, packet.Attachment{Pos: len(e.json), Data: data})
		e.null()
		text = text[end+1:]
	}
}
