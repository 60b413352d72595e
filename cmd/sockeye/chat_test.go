package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// patience is how long a test waits for what must come. Nothing depends on it being
// short.
const patience = 30 * time.Second

// A room is a running chat.
type room struct {
	*testing.T
	url string
}

func newRoom(t *testing.T) *room {
	c := newChat()
	srv := httptest.NewServer(c)
	t.Cleanup(func() {
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		_ = c.sio.Shutdown(gone) // at once
		srv.Close()
	})
	return &room{t, srv.URL}
}

func (r *room) get(method, path string) (*http.Response, string) {
	r.Helper()
	req, err := http.NewRequest(method, r.url+path, nil)
	if err != nil {
		r.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req) // which follows no redirect
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.Fatal(err)
	}
	return res, string(b)
}

// A guest is a client of the chat, of either generation.
type guest struct {
	*wstest.Conn
	r    *room
	rev1 bool
	id   string
}

// comes lets a guest in, who finds so many people there, and is one of them.
func (r *room) comes(rev1 bool, people int) *guest {
	r.Helper()
	target := "/socket.io/?EIO=4&transport=websocket"
	if rev1 {
		_, handshake := r.get("GET", "/socket.io/1/")
		sid, _, _ := strings.Cut(handshake, ":")
		target = "/socket.io/1/websocket/" + sid
	}
	ws, err := wstest.Dial(strings.TrimPrefix(r.url, "http://"), target, nil)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { ws.Close() })
	_ = ws.SetDeadline(time.Now().Add(patience))
	g := &guest{Conn: ws, r: r, rev1: rev1}
	if rev1 {
		g.packet("1::")
	} else {
		g.packet("0{")
		g.write("40")
		g.packet("40{")
	}
	name, event := g.event()
	for name == "people" { // of whoever came just before
		name, event = g.event()
	}
	if name != "welcome" || len(event) != 2 || json.Unmarshal(event[0], &g.id) != nil || g.id == "" || string(event[1]) != fmt.Sprint(people) {
		r.Fatalf("welcome: %s, want an id and %d", event, people)
	}
	return g
}

func (g *guest) write(p string) {
	g.r.Helper()
	if err := g.WriteText(p); err != nil {
		g.r.Fatal(err)
	}
}

// packet returns the next packet, which must begin as expected.
func (g *guest) packet(prefix string) string {
	g.r.Helper()
	p, err := g.NextText()
	if err != nil || !strings.HasPrefix(p, prefix) {
		g.r.Fatalf("got %q, %v, want %s…", p, err, prefix)
	}
	return p
}

// emit sends an event with one argument. ack, if not empty, is the id of the answer
// that is wanted.
func (g *guest) emit(name, ack string, arg any) {
	g.r.Helper()
	b, _ := json.Marshal(arg)
	if !g.rev1 {
		g.write(fmt.Sprintf(`42%s[%q,%s]`, ack, name, b))
		return
	}
	if ack != "" {
		ack += "+"
	}
	g.write(fmt.Sprintf(`5:%s::{"name":%q,"args":[%s]}`, ack, name, b))
}

// event returns the next packet, which must be an event.
func (g *guest) event() (name string, args []json.RawMessage) {
	g.r.Helper()
	if g.rev1 {
		var event struct {
			Name string
			Args []json.RawMessage
		}
		p := g.packet("5:::{")
		if err := json.Unmarshal([]byte(p[4:]), &event); err != nil {
			g.r.Fatalf("%q: %v", p, err)
		}
		return event.Name, event.Args
	}
	var event []json.RawMessage
	p := g.packet("42[")
	if err := json.Unmarshal([]byte(p[2:]), &event); err != nil || json.Unmarshal(event[0], &name) != nil {
		g.r.Fatalf("%q: %v", p, err)
	}
	return name, event[1:]
}

// hear returns the arguments of the next packet, which must be this event.
func (g *guest) hear(name string) []json.RawMessage {
	g.r.Helper()
	got, args := g.event()
	if got != name {
		g.r.Fatalf("got the event %q with %s, want %q", got, args, name)
	}
	return args
}

// answer returns the only value of the answer to id.
func (g *guest) answer(id string) string {
	g.r.Helper()
	head := "43" + id
	if g.rev1 {
		head = "6:::" + id + "+"
	}
	var values []json.RawMessage
	p := g.packet(head)
	if err := json.Unmarshal([]byte(strings.TrimPrefix(p, head)), &values); err != nil || len(values) != 1 {
		g.r.Fatalf("answer %q: %v", p, err)
	}
	return string(values[0])
}

// says emits a text, and checks that its author and the others read it so.
func (g *guest) says(text, name, as string, others ...*guest) {
	g.r.Helper()
	want := line{ID: g.id, Name: name, Text: as, Generation: "revision 5"}
	if g.rev1 {
		want.Generation = "revision 1"
	}
	g.emit("say", "7", text)
	got := []string{g.answer("7")}
	for _, o := range others {
		got = append(got, string(o.hear("said")[0]))
	}
	for _, l := range got {
		var read line
		if err := json.Unmarshal([]byte(l), &read); err != nil || read != want {
			g.r.Errorf("got %.200s, %v, want %.200v", l, err, want)
		}
	}
}

// people checks that all are told how many there are.
func people(n int, guests ...*guest) {
	for _, g := range guests {
		g.r.Helper()
		if got := g.hear("people"); len(got) != 1 || string(got[0]) != fmt.Sprint(n) {
			g.r.Errorf("%s people, want %d", got, n)
		}
	}
}

// TestChat: guests of both generations talk, each in the words of its own.
func TestChat(t *testing.T) {
	r := newRoom(t)
	old := r.comes(true, 1)
	young := r.comes(false, 2)
	people(2, old)
	third := r.comes(false, 3)
	people(3, old, young)

	young.says("hello", "guest "+young.id[:4], "hello", old, third)
	old.says("good <b>day</b>\u2028", "guest "+old.id[:4], "good <b>day</b>\u2028", young, third)
	for _, g := range []*guest{old, young} {
		g.emit("name", "", "  Åsa ")
		g.says("it is me", "Åsa", "it is me", third)
		for _, o := range []*guest{old, young} {
			if o != g {
				o.hear("said")
			}
		}
		g.emit("name", "", " ")
		g.says("it was", "guest "+g.id[:4], "it was", third)
		for _, o := range []*guest{old, young} {
			if o != g {
				o.hear("said")
			}
		}
	}

	young.Close()
	people(2, old, third)
	old.write("0::")
	people(1, third)
	r.comes(true, 2)
	people(2, third)
}

// TestNothingToSay: an empty text is refused, and nobody reads it.
func TestNothingToSay(t *testing.T) {
	r := newRoom(t)
	old, young := r.comes(true, 1), r.comes(false, 2)
	people(2, old)
	for _, text := range []string{"", " ", "\n\t\u00a0"} {
		for _, g := range []*guest{old, young} {
			g.emit("say", "3", text)
			if got, want := g.answer("3"), `{"error":{"message":"there is nothing to say"}}`; got != want {
				t.Errorf("%q: %s, want %s", text, got, want)
			}
		}
	}
	young.says("heard", "guest "+young.id[:4], "heard", old) // and nothing came before it
	young.emit("say", "4", map[string]int{"no": 1})
	if got, want := young.answer("4"), `{"error":{"message":"invalid arguments`; !strings.HasPrefix(got, want) {
		t.Errorf("what is no text: %s, want %s…", got, want)
	}
}

func TestLimits(t *testing.T) {
	r := newRoom(t)
	old, young := r.comes(true, 1), r.comes(false, 2)
	people(2, old)
	young.emit("name", "", strings.Repeat("😀", maxName+1))
	young.says(strings.Repeat("é", maxText+1), strings.Repeat("😀", maxName), strings.Repeat("é", maxText), old)
}

func TestClip(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"abc", "abc"},
		{"abcd", "abc"},
		{"äöü", "äöü"}, // characters, not bytes
		{"äöüß", "äöü"},
		{"a😀b😀", "a😀b"},
		{"日本語で", "日本語"},
	} {
		if got := clip(c.text, 3); got != c.want {
			t.Errorf("clip(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

func TestPage(t *testing.T) {
	r := newRoom(t)
	for path, want := range map[string]struct {
		status  int
		kind    string
		content string
	}{
		"/":            {200, "text/html; charset=utf-8", `<script src="chat.js" defer></script>`},
		"/chat.js":     {200, "text/javascript; charset=utf-8", "connect();"},
		"/chat.css":    {200, "text/css; charset=utf-8", "body"},
		"/index.html":  {301, "", ""},
		"/nothing":     {404, "text/plain; charset=utf-8", ""},
		"/../main.go":  {404, "text/plain; charset=utf-8", ""},
		"/socket.io":   {404, "text/plain; charset=utf-8", ""},
		"//socket.io/": {404, "text/plain; charset=utf-8", ""},
	} {
		res, body := r.get("GET", path)
		h := res.Header
		if res.StatusCode != want.status || h.Get("Content-Type") != want.kind || !strings.Contains(body, want.content) {
			t.Errorf("%s: %d %q %.100q", path, res.StatusCode, h.Get("Content-Type"), body)
		}
		if csp := h.Get("Content-Security-Policy"); csp != "default-src 'self'; frame-ancestors 'none'" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

// TestSlashes: http.ServeMux would redirect a path with two slashes, and no client of
// revision 1 follows.
func TestSlashes(t *testing.T) {
	r := newRoom(t)
	for path, status := range map[string]int{
		"/socket.io//1/":                   200, // a handshake
		"/socket.io/1//nobody/?disconnect": 200, // ends a session, known or not
	} {
		res, body := r.get("GET", path)
		if res.StatusCode != status || res.Header.Get("Content-Security-Policy") != "" {
			t.Errorf("%s: %d %q", path, res.StatusCode, body)
		}
	}
	old, young := r.comes(true, 1), r.comes(false, 2)
	people(2, old)
	_, handshake := r.get("GET", "/socket.io/1/")
	sid, _, _ := strings.Cut(handshake, ":")
	r.get("GET", "/socket.io/1/xhr-polling/"+sid) // opens it
	people(3, old, young)
	if res, body := r.get("GET", "/socket.io/1//"+sid+"/?disconnect=1"); res.StatusCode != 200 || body != "" {
		t.Errorf("disconnect: %d %q", res.StatusCode, body)
	}
	people(2, old, young)
}
