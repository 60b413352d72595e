package websocket_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	coder "github.com/coder/websocket"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/lxzan/gws"

	. "github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// echoServer serves an echo made of nothing but this package and net/http.
func echoServer(t *testing.T) (addr string) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		answer, refusal := Accept(nil, &Request{
			Method: req.Method, ProtoMajor: req.ProtoMajor, ProtoMinor: req.ProtoMinor,
			Header: req.Header.Values,
		}, RFC6455)
		if refusal != nil {
			for _, h := range refusal.Header {
				w.Header().Set(h[0], h[1])
			}
			http.Error(w, refusal.Reason, refusal.Status)
			return
		}
		conn, brw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		conn.Write(answer.Head)
		echo(conn, brw)
	}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

func echo(conn net.Conn, in interface{ Read([]byte) (int, error) }) {
	r := Reader{Limit: 1 << 20}
	closed := errors.New("closed")
	buf := make([]byte, 16<<10)
	for {
		n, err := in.Read(buf)
		var out []byte
		ferr := r.Feed(buf[:n], func(op Opcode, payload []byte) error {
			out = append(out, replies(op, payload)...)
			if op == Close {
				return closed
			}
			return nil
		})
		var ce *CloseError
		if errors.As(ferr, &ce) {
			out = AppendClose(out, ce.Code, ce.Reason)
		}
		if len(out) > 0 {
			conn.Write(out)
		}
		if err != nil || ferr != nil {
			return
		}
	}
}

// messages have lengths around every form of the header.
func messages() []string {
	var m []string
	for _, n := range []int{0, 1, 125, 126, 4096, 65535, 65536, 65537, 300_000} {
		m = append(m, strings.Repeat("é", n/2)+strings.Repeat("x", n%2))
	}
	return m
}

func TestCoder(t *testing.T) {
	ctx := context.Background()
	c, _, err := coder.Dial(ctx, "ws://"+echoServer(t)+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	c.SetReadLimit(1 << 20)
	for _, m := range messages() {
		// A writer sends a message in fragments.
		w, err := c.Writer(ctx, coder.MessageText)
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(m[:len(m)/3]))
		w.Write([]byte(m[len(m)/3:]))
		w.Close()
		typ, got, err := c.Read(ctx)
		if err != nil || typ != coder.MessageText || string(got) != m {
			t.Fatalf("%d bytes came back as %d of type %v, %v", len(m), len(got), typ, err)
		}
	}
	readCtx := c.CloseRead(ctx)
	if err := c.Ping(readCtx); err != nil {
		t.Errorf("ping: %v", err)
	}
	if err := c.Close(coder.StatusNormalClosure, "bye"); err != nil {
		t.Errorf("close: %v", err)
	}
}

type gwsHandler struct {
	gws.BuiltinEventHandler
	got chan []byte
	end chan error
}

func (h *gwsHandler) OnMessage(_ *gws.Conn, m *gws.Message) { h.got <- bytes.Clone(m.Bytes()) }
func (h *gwsHandler) OnPong(_ *gws.Conn, p []byte)          { h.got <- bytes.Clone(p) }
func (h *gwsHandler) OnClose(_ *gws.Conn, err error)        { h.end <- err }

func TestGWS(t *testing.T) {
	h := &gwsHandler{got: make(chan []byte, 1), end: make(chan error, 1)}
	c, _, err := gws.NewClient(h, &gws.ClientOption{Addr: "ws://" + echoServer(t) + "/"})
	if err != nil {
		t.Fatal(err)
	}
	go c.ReadLoop() // ends when the server closes, below
	for _, m := range messages() {
		c.WriteMessage(gws.OpcodeBinary, []byte(m))
		if got := <-h.got; string(got) != m {
			t.Fatalf("%d bytes came back as %d", len(m), len(got))
		}
	}
	c.WritePing([]byte("ping"))
	if got := <-h.got; string(got) != "ping" {
		t.Errorf("pong with %q", got)
	}
	c.WriteString("\xff") // RFC 6455 §8.1
	var ce *gws.CloseError
	if err := <-h.end; !errors.As(err, &ce) || ce.Code != CloseInvalidData {
		t.Errorf("text that is not UTF-8 ended with %v", err)
	}
}

func TestGobwas(t *testing.T) {
	conn, _, _, err := ws.Dial(context.Background(), "ws://"+echoServer(t)+"/")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, m := range messages() {
		if err := wsutil.WriteClientText(conn, []byte(m)); err != nil {
			t.Fatal(err)
		}
		if got, err := wsutil.ReadServerText(conn); err != nil || string(got) != m {
			t.Fatalf("%d bytes came back as %d, %v", len(m), len(got), err)
		}
	}
}

func TestWSTest(t *testing.T) {
	addr := echoServer(t)
	c, err := wstest.Dial(addr, "/?a=b", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, m := range messages() {
		c.WriteText(m)
		if got, err := c.NextText(); err != nil || got != m {
			t.Fatalf("%d bytes came back as %d, %v", len(m), len(got), err)
		}
	}
	c.Send(frame{Op: Text, Payload: []byte("a"), Unmasked: true})
	op, payload, err := c.Next()
	if code, _ := ParseClose(payload); err != nil || op != Close || code != CloseProtocolError {
		t.Errorf("an unmasked frame was answered with opcode %d, code %d, %v", op, code, err)
	}

	_, err = wstest.Dial(addr, "/", http.Header{"Sec-WebSocket-Version": {"12"}})
	var refused *wstest.RefusedError
	if !errors.As(err, &refused) || refused.Response.StatusCode != http.StatusUpgradeRequired ||
		refused.Response.Header.Get("Sec-WebSocket-Version") != "13" {
		t.Errorf("version 12: %v", err)
	}
}
