package main

import (
	"embed"
	"io/fs"
	"net/http"
	"strings"
	"sync"

	"github.com/sockeye-io/socketio"
)

//go:embed page
var files embed.FS

// A chat is the page and the room behind it.
type chat struct {
	sio  *socketio.Server
	page http.Handler

	mu     sync.Mutex // held while the count is told, too, so that the last one is right
	people int
}

// maxText and maxName bound a message and a name, in characters, as the page does.
const maxText, maxName = 2000, 40

// A line is what everybody in the room reads.
type line struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Text       string `json:"text"`
	Generation string `json:"generation"`
}

func newChat() *chat {
	page, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // the name is wrong
	}
	c := &chat{sio: socketio.NewServer(nil), page: http.FileServerFS(page)}
	c.sio.OnConnect(func(s *socketio.Socket) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.people++
		if err := s.Emit("welcome", s.ID(), c.people); err != nil {
			return err
		}
		return s.Broadcast().Emit("people", c.people)
	})
	c.sio.OnDisconnect(func(*socketio.Socket, string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.people--
		_ = c.sio.Emit("people", c.people)
	})
	socketio.On(c.sio, "name", func(s *socketio.Socket, name string) {
		s.Set("name", clip(strings.TrimSpace(name), maxName))
	})
	socketio.Reply(c.sio, "say", c.say)
	return c
}

// say sends a text to everybody but its author, who gets the answer.
func (c *chat) say(s *socketio.Socket, text string) (line, error) {
	if strings.TrimSpace(text) == "" {
		return line{}, &socketio.Error{Message: "there is nothing to say"}
	}
	name, _ := s.Get("name").(string)
	if name == "" {
		name = "guest " + s.ID()[:4]
	}
	l := line{ID: s.ID(), Name: name, Text: clip(text, maxText), Generation: s.Handshake().Generation}
	return l, s.Broadcast().Emit("said", l)
}

// clip cuts text to n characters.
func clip(text string, n int) string {
	for i := range text {
		if n--; n < 0 {
			return text[:i]
		}
	}
	return text
}

// ServeHTTP routes around http.ServeMux, which redirects paths with two slashes;
// revision 1 clients ask for some.
func (c *chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/socket.io/") {
		c.sio.ServeHTTP(w, r)
		return
	}
	// The page is all there is: its own script and style, and no frame around it.
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	c.page.ServeHTTP(w, r)
}
