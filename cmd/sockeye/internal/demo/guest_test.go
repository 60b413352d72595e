package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/socketio"
	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A house is a running chat, on a network in memory and in a bubble of
// testing/synctest, where it is known when everything has been heard.
type house struct {
	*testing.T
	demo   *Demo
	sio    *socketio.Server
	conns  chan net.Conn
	closed chan struct{}
	client *http.Client
}

// inHouse runs a test in a bubble.
func inHouse(t *testing.T, clients fs.FS, test func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &house{T: t, conns: make(chan net.Conn), closed: make(chan struct{})}
		h.sio = socketio.NewServer(nil)
		h.demo = New(h.sio, clients, "v1.2.3")
		h.client = &http.Client{Transport: &http.Transport{
			DialContext:       func(context.Context, string, string) (net.Conn, error) { return h.dial(), nil },
			DisableKeepAlives: true,
		}}
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/socket.io/") {
				h.sio.ServeHTTP(w, r)
				return
			}
			h.demo.ServeHTTP(w, r)
		})}
		go srv.Serve(h) // ends with Close
		defer srv.Close()
		defer h.sio.Close()
		test(h)
	})
}

func (h *house) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

func (h *house) Close() error {
	close(h.closed)
	return nil
}

func (h *house) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

// addressed is a pipe with an address.
type addressed struct{ net.Conn }

func (addressed) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711} }

func (h *house) dial() net.Conn {
	there, here := net.Pipe()
	h.conns <- addressed{there}
	return here
}

// request makes a request and returns the answer with its body.
func (h *house) request(method, path, body string, header http.Header) (*http.Response, string) {
	h.Helper()
	req, err := http.NewRequest(method, "http://192.0.2.1"+path, strings.NewReader(body))
	if err != nil {
		h.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	res, err := h.client.Transport.RoundTrip(req) // which follows no redirect
	if err != nil {
		h.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		h.Fatal(err)
	}
	return res, string(b)
}

// A guest is a client of the chat, of revision 1 or 5, that notes all it hears.
type guest struct {
	h    *house
	ws   *wstest.Conn
	rev1 bool
	id   string // once it has joined
	acks int

	mu    sync.Mutex
	heard []heard
}

// A heard is an event, or, with the name "ack", an answer.
type heard struct {
	name string
	id   string // of an answer
	args []json.RawMessage
	data []byte // the attachment
}

// comes connects a guest, who has not joined a room.
func (h *house) comes(rev1 bool) *guest {
	h.Helper()
	target := "/socket.io/?EIO=4&transport=websocket"
	if rev1 {
		_, handshake := h.request("GET", "/socket.io/1/", "", nil)
		sid, _, _ := strings.Cut(handshake, ":")
		target = "/socket.io/1/websocket/" + sid
	}
	g := h.opens(rev1, target)
	if !rev1 {
		g.write("40")
	}
	synctest.Wait()
	return g
}

// opens connects a guest's WebSocket.
func (h *house) opens(rev1 bool, target string) *guest {
	h.Helper()
	ws, err := wstest.Handshake(h.dial(), "192.0.2.1", target, nil)
	if err != nil {
		h.Fatal(err)
	}
	g := &guest{h: h, ws: ws, rev1: rev1}
	go g.listen() // ends with the connection
	return g
}

// joins connects a guest who joins a room.
func (h *house) joins(rev1 bool, name, room string) *guest {
	h.Helper()
	g := h.comes(rev1)
	g.join(name, room)
	return g
}

func (g *guest) join(name, room string) (w welcome) {
	g.h.Helper()
	answer := g.ask("join", wish{name, room})
	if err := json.Unmarshal([]byte(answer), &w); err != nil || w.ID == "" {
		g.h.Fatalf("joining: %s, %v", answer, err)
	}
	g.id = w.ID
	return w
}

func (g *guest) write(p string) {
	g.h.Helper()
	if err := g.ws.WriteText(p); err != nil {
		g.h.Fatal(err)
	}
}

func (g *guest) leaves() {
	g.ws.Close()
	synctest.Wait()
}

// listen notes events and answers until the connection ends, and answers heartbeats. An
// attachment belongs to the event before it.
func (g *guest) listen() {
	for {
		op, p, err := g.ws.Next()
		if err != nil || op == websocket.Close {
			return
		}
		if beat := map[string]string{"2": "3", "2::": "2::"}[string(p)]; beat != "" && op == websocket.Text {
			_ = g.ws.WriteText(beat) // if that fails, the next read does
			continue
		}
		g.mu.Lock()
		if op == websocket.Binary {
			g.heard[len(g.heard)-1].data = p
		} else if e, ok := g.parse(string(p)); ok {
			g.heard = append(g.heard, e)
		}
		g.mu.Unlock()
	}
}

// What guests understand: events and answers.
var (
	rev1Packet = regexp.MustCompile(`(?s)^([56]):::(?:(\d+)\+)?(.*)$`)
	rev5Packet = regexp.MustCompile(`(?s)^4([2356])(?:\d+-)?(\d*)(\[.*)$`)
)

// parse reads an event or an answer.
func (g *guest) parse(p string) (e heard, ok bool) {
	grammar := rev5Packet
	if g.rev1 {
		grammar = rev1Packet
	}
	m := grammar.FindStringSubmatch(p)
	if m == nil {
		return e, false
	}
	kind, id, text := m[1], m[2], m[3]
	var err error
	switch {
	case g.rev1 && kind == "5":
		var event struct {
			Name string
			Args []json.RawMessage
		}
		err = json.Unmarshal([]byte(text), &event)
		e = heard{name: event.Name, args: event.Args}
	case g.rev1 || kind == "3" || kind == "6":
		e = heard{name: "ack", id: id}
		err = json.Unmarshal([]byte(text), &e.args)
	default:
		if err = json.Unmarshal([]byte(text), &e.args); err == nil && len(e.args) > 0 {
			err = json.Unmarshal(e.args[0], &e.name)
			e.args = e.args[1:]
		}
	}
	if err != nil {
		g.h.Errorf("heard %.200q: %v", p, err)
	}
	return e, err == nil
}

// emit sends an event without waiting. A []byte is sent as the attachment that it is in
// revision 5. ack may be empty.
func (g *guest) emit(ack, event string, args ...any) {
	g.h.Helper()
	var attachment []byte
	for i, arg := range args {
		if b, ok := arg.([]byte); ok {
			attachment = b
			args[i] = json.RawMessage(`{"_placeholder":true,"num":0}`)
		}
	}
	list, _ := json.Marshal(append([]any{event}, args...))
	switch {
	case g.rev1:
		if ack != "" {
			ack += "+"
		}
		list, _ = json.Marshal(args)
		if args == nil {
			list = []byte("[]")
		}
		g.write(fmt.Sprintf(`5:%s::{"name":%q,"args":%s}`, ack, event, list))
	case attachment != nil:
		g.write("451-" + ack + string(list))
		if err := g.ws.WriteBinary(attachment); err != nil {
			g.h.Fatal(err)
		}
	default:
		g.write("42" + ack + string(list))
	}
}

// ask emits an event and returns its answer, when all that follows from it has been
// heard.
func (g *guest) ask(event string, args ...any) string {
	g.h.Helper()
	g.acks++
	id := fmt.Sprint(g.acks)
	g.emit(id, event, args...)
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, e := range g.heard {
		if e.name == "ack" && e.id == id {
			g.heard = slices.Delete(g.heard, i, i+1)
			if len(e.args) != 1 {
				g.h.Fatalf("%s is answered with %s", event, e.args)
			}
			return string(e.args[0])
		}
	}
	g.h.Fatalf("%s is not answered; heard %+v", event, g.heard)
	return ""
}

// refused asks, and checks that the answer is this error.
func (g *guest) refused(message, event string, args ...any) {
	g.h.Helper()
	want := fmt.Sprintf(`{"error":{"message":%q}}`, message)
	if got := g.ask(event, args...); got != want {
		g.h.Errorf("%s: %.200s, want %s", event, got, want)
	}
}

// hears returns what has come since the last call, and forgets it.
func (g *guest) hears() []heard {
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.heard
	g.heard = nil
	return all
}

func (e heard) String() string { return fmt.Sprintf("%s%s", e.name, e.args) }

// expect checks that the guest has heard exactly this since it was last asked: each
// event by its name and its arguments.
func (g *guest) expect(events ...string) {
	g.h.Helper()
	got := []string{}
	for _, e := range g.hears() {
		got = append(got, e.String())
	}
	if !slices.Equal(got, events) {
		g.h.Errorf("heard\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(events, "\n\t"))
	}
}

// settle lets the delayed news of the rooms pass, and forgets all that was heard.
func (h *house) settle(guests ...*guest) {
	time.Sleep(2 * roomsDelay) // in the bubble's time
	for _, g := range guests {
		g.hears()
	}
}
