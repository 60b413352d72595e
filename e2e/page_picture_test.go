package e2e

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio/e2e/browser"
)

// TestPagePicture: a picture is seen by all, and each pane says how it came: as binary,
// or within JSON for the generation that has no binary; its author's says how it went.
func TestPagePicture(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, transports := range [][2]string{{"websocket", "websocket"}, {"xhr-polling", "polling"}} {
		t.Run(strings.Join(transports[:], "+"), func(t *testing.T) {
			t.Parallel()
			_, panes := scene(t, s, "pictures by "+transports[0],
				"0.9.17:"+transports[0], "4.8.4:"+transports[1], "4.8.4:websocket")
			ann, bob, cid := panes[0], panes[1], panes[2]
			for i, from := range []*browser.Pane{bob, ann} {
				path, size := pictureFile(t, 40+i, 30)
				from.SendPicture(path)
				own := from.AwaitPicture(from.Name())
				if !own.Own || own.RTT == "" {
					t.Errorf("%s's own picture is shown as %+v", from.Name(), own)
				}
				for _, p := range panes {
					line := p.AwaitPicture(from.Name())
					if line.Width != 40+i || line.Height != 30 {
						t.Errorf("%s sees a picture of %d×%d", p.Name(), line.Width, line.Height)
					}
					binary := fmt.Sprintf("binary, %d bytes", size)
					base64 := fmt.Sprintf("base64 in JSON, %d characters", (size+2)/3*4)
					want := map[*browser.Pane]string{ann: base64, bob: binary, cid: binary}[p]
					if got := strings.ReplaceAll(line.Form, ",", ""); !strings.Contains(got, strings.ReplaceAll(want, ",", "")) {
						t.Errorf("%s is told %q of %s's picture, want %q", p.Name(), line.Form, from.Name(), want)
					}
				}
			}
			cid.Await(`$$("#wire li.in code").some(code => code.textContent.startsWith("451-"))`)
			ann.Await(`$$("#wire li.in code").some(code => code.textContent.includes('"base64":true'))`)
		})
	}
}

// pictureFile writes a picture that PNG does not make small, and returns its size.
func pictureFile(t *testing.T, width, height int) (path string, size int) {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, color.NRGBA{uint8(x * y * 7), uint8(x * 11), uint8(y * y), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "picture.png")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, b.Len()
}
