package demo

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/sockeye-io/socketio"
)

// maxPicture is in bytes. As base64 text it fits into the library's MaxPayload.
const maxPicture = 500_000

// pictureTypes are pictures that hold no script. SVG does.
var pictureTypes = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// A picture is what "picture" comes with: two arguments.
type picture struct {
	To   string
	data []byte
}

// scan reads {type, to} and the picture: bytes, or {"base64":true,"data":"…"} from a
// client whose protocol has no binary. The type that is given is not believed.
func (p *picture) scan(a socketio.Args) error {
	var head struct {
		To string `json:"to"`
	}
	var data socketio.Args
	if err := a.Scan(&head, &data); err != nil {
		return err
	}
	p.To = head.To
	if data.Scan(&p.data) == nil {
		return nil
	}
	var text struct {
		Base64 bool   `json:"base64"`
		Data   []byte `json:"data"`
	}
	if err := data.Scan(&text); err != nil {
		return err
	}
	p.data = text.Data
	return nil
}

func (c *chat) picture(v *visitor, p picture) (any, error) {
	if len(p.data) > maxPicture {
		return nil, &socketio.Error{Message: fmt.Sprintf("a picture has at most %d kB", maxPicture/1000)}
	}
	kind := http.DetectContentType(p.data)
	if !slices.Contains(pictureTypes, kind) {
		return nil, &socketio.Error{Message: "a picture is a PNG, JPEG, GIF or WebP file"}
	}
	l, send, err := c.address(v, p.To)
	if err != nil {
		return nil, err
	}
	l.Type = kind
	return l, send("picture", l, p.data)
}
