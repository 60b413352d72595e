package socketio_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
)

// A saidLimit is a limit of what a client says. send returns frames of the size n.
type saidLimit struct {
	name     string
	set      func(o *socketio.Options, n int)
	n        int
	send     func(m mode, n int) []string
	without  without
	negative bool // switches it off
}

func said() []saidLimit {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	long := func(n int) string { return strings.Repeat("e", n) }
	event := func(m mode, name, args string) []string { return []string{m.codec.event("/", "", name, args)} }
	return []saidLimit{
		{"MaxPayload", func(o *socketio.Options, n int) { o.MaxPayload = n }, 1000, func(m mode, n int) []string {
			e := m.codec.event("/", "", "e", `""`)
			return event(m, "e", `"`+strings.Repeat("x", n-len(e))+`"`)
		}, not("the body is a form, which is longer than the message in it", rev1JSONP), false},
		{"MaxPayloadPackets", func(o *socketio.Options, n int) { o.MaxPayloadPackets = n }, 20, func(m mode, n int) []string {
			var all []string
			for range n {
				all = append(all, event(m, "e", ``)...)
			}
			return all
		}, not("a stream has no payloads", socketModes...), true},
		{"MaxDepth", func(o *socketio.Options, n int) { o.MaxDepth = n }, 10, func(m mode, n int) []string {
			return event(m, "e", nested(n)) // of each argument
		}, without{}, false},
		{"MaxArgs", func(o *socketio.Options, n int) { o.MaxArgs = n }, 10, func(m mode, n int) []string {
			return event(m, "e", strings.TrimSuffix(strings.Repeat("1,", n), ","))
		}, without{}, true},
		{"MaxEventName", func(o *socketio.Options, n int) { o.MaxEventName = n }, 10, func(m mode, n int) []string {
			return event(m, long(n), ``)
		}, without{}, true},
	}
}

// TestLimits: beyond each limit of what a client says its session ends; at the limit,
// and without it, all is well.
func TestLimits(t *testing.T) {
	for _, tt := range said() {
		t.Run(tt.name, func(t *testing.T) {
			run(t, func(t *testing.T, m mode) {
				for _, c := range []struct {
					set, n int
					ok     bool
				}{{tt.n, tt.n, true}, {tt.n, tt.n + 1, false}, {-1, 5 * tt.n, true}} {
					if c.set < 0 && !tt.negative {
						continue
					}
					opts := socketio.Options{MaxInboxEvents: 1000}
					tt.set(&opts, c.set)
					s := serve(t, &opts)
					j := newJournal(t)
					s.OnAny(func(*socketio.Socket, *socketio.Event) { j.add("event") })
					s.OnDisconnect(func(*socketio.Socket, string) { j.add("end") })
					cl := s.connect(m)
					frames := tt.send(m, c.n)
					cl.raw(frames...)
					if c.ok {
						for range frames {
							j.want("event")
						}
					} else if tt.name == "MaxPayload" && m.rev1 && !m.websocket {
						j.silence() // the POST is refused; "the session lives" [T post-too-large]
					} else {
						j.want("end")
						cl.ended()
					}
					j.silence()
				}
			}, tt.without)
		})
	}
}

// TestMaxNamespaceName: beyond it the connection ends.
func TestMaxNamespaceName(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, &socketio.Options{MaxNamespaceName: 10})
		c := s.connect(m)
		c.on("/123456789").join("")
		if got := c.next(); got.kind != "refused" {
			t.Errorf("got %s", got)
		}
		c.on("/1234567890").join("")
		if got := c.next(); got.kind != "end" {
			t.Errorf("got %s", got)
		}
	})
}

// TestAttachmentLimits: their number and their bytes together.
func TestAttachmentLimits(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		for _, tt := range []struct {
			n, size int
			ok      bool
		}{{2, 50, true}, {3, 1, false}, {2, 51, false}} {
			s := serve(t, &socketio.Options{MaxAttachments: 2, MaxAttachmentBytes: 100})
			j := newJournal(t)
			s.OnAny(func(*socketio.Socket, *socketio.Event) { j.add("event") })
			s.OnDisconnect(func(_ *socketio.Socket, reason string) { j.add("%s", reason) })
			c := s.connect(m)
			head := fmt.Sprintf(`45%d-["e"`, tt.n)
			var frames []frame
			for i := range tt.n {
				head += fmt.Sprintf(`,{"_placeholder":true,"num":%d}`, i)
				frames = append(frames, frame{strings.Repeat("b", tt.size), true})
			}
			c.out <- append([]frame{{data: head + "]"}}, frames...)
			if tt.ok {
				j.want("event")
			} else {
				j.want("parse error")
			}
			j.silence()
		}
	}, not("it has no binary", rev1Modes...))
}

// TestUpgradeTimeout: a probe that is not followed by the upgrade costs only itself.
func TestUpgradeTimeout(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, &socketio.Options{UpgradeTimeout: 3 * time.Second})
		socketio.Reply(s, "hi", func(*socketio.Socket, struct{}) (string, error) { return "hi", nil })
		c := s.connect(m)
		ws, err := c.webSocket(c.url + "&EIO=4&transport=websocket&sid=" + c.sid)
		if err != nil {
			t.Fatal(err)
		}
		ws.WriteText("2probe")
		if s, _ := ws.NextText(); s != "3probe" {
			t.Errorf("got %q", s)
		}
		paused := make(chan struct{})
		c.pausing <- paused // polls are answered at once while the probe lasts
		<-paused
		begin := time.Now()
		if _, _, err := ws.Next(); err != nil { // a close frame
			t.Error(err)
		}
		if d := time.Since(begin); d < 3*time.Second || d > 4*time.Second {
			t.Errorf("after %v", d)
		}
		go c.reads(c.link) // ends with the client
		if got := c.ask("hi", ``); got != `["hi"]` {
			t.Errorf("got %s", got)
		}
	}, not("only a polling session of Engine.IO can be upgraded", append(rev1Modes, rev5WebSocket, rev5Upgrade)...))
}

// TestHeartbeats: each generation's own timers.
func TestHeartbeats(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, &socketio.Options{
			PingInterval: 2 * time.Second, PingTimeout: time.Second,
			Revision1: socketio.Revision1{
				HeartbeatInterval: 2 * time.Second, HeartbeatTimeout: 3 * time.Second,
				CloseTimeout: 4 * time.Second, PollingDuration: time.Second,
			},
		})
		j := watch(t, s.Namespace)
		c := s.connect(m)
		j.want("connect")
		time.Sleep(time.Minute) // it answers
		j.silence()
		settle()
		c.mute()
		begin := time.Now()
		<-only(t, s.Namespace).Context().Done()
		if d := time.Since(begin); d > 7*time.Second {
			t.Errorf("after %v", d)
		}
	})
}

// do sends an HTTP request and returns the status.
func (s *site) do(t *testing.T, method, target string, body io.Reader, header http.Header) (int, string) {
	t.Helper()
	r, _ := http.NewRequest(method, "http://example.com"+target, body)
	for k, v := range header {
		r.Header[k] = v
	}
	tr := &http.Transport{DialContext: s.net.dialContext, DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	res, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

// handshakes are the first requests of the generations.
var handshakes = []string{"/socket.io/1/?t=1", "/socket.io/?EIO=4&transport=polling"}

func TestMaxHeaderFields(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, limit := range []int{10, -1} {
			s := serve(t, &socketio.Options{MaxHeaderFields: limit})
			many := http.Header{"X": make([]string, 20)}
			for _, target := range handshakes {
				want := 431
				if limit < 0 {
					want = 200
				}
				if got, _ := s.do(t, "GET", target, nil, many); got != want {
					t.Errorf("%d: %s: status %d", limit, target, got)
				}
			}
		}
	})
}

func TestHandshakesPerSecond(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, &socketio.Options{HandshakesPerSecond: 1, HandshakeBurst: 2})
		for i, want := range []int{200, 200, 429, 429} {
			if got, _ := s.do(t, "GET", handshakes[i%2], nil, nil); got != want {
				t.Errorf("%d: status %d", i, got)
			}
		}
		time.Sleep(time.Second)
		if got, _ := s.do(t, "GET", handshakes[0], nil, nil); got != 200 {
			t.Errorf("status %d", got)
		}
		off := serve(t, &socketio.Options{HandshakesPerSecond: -1, HandshakeBurst: -1})
		if got, _ := off.do(t, "GET", handshakes[0], nil, nil); got != 200 {
			t.Errorf("status %d", got)
		}
	})
}

func TestMaxUnopened(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, &socketio.Options{MaxUnopened: 2})
		var ids []string
		for range 3 {
			_, body := s.do(t, "GET", handshakes[0], nil, nil)
			id, _, _ := strings.Cut(body, ":")
			ids = append(ids, id)
		}
		for i, want := range []string{"7:::1+0", "1::", "1::"} { // the oldest is unknown
			if _, got := s.do(t, "GET", "/socket.io/1/xhr-polling/"+ids[i], nil, nil); got != want {
				t.Errorf("%d: %q", i, got)
			}
		}
	})
}

func TestBodyTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, d := range []time.Duration{5 * time.Second, -1} {
			s := serve(t, &socketio.Options{BodyTimeout: d})
			c := s.connect(rev1Polling)
			nc, _ := s.net.dial()
			fmt.Fprintf(nc, "POST /socket.io/1/xhr-polling/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n3:::x", c.sid)
			begin := time.Now()
			_ = nc.SetReadDeadline(begin.Add(time.Hour))
			b := make([]byte, 12)
			n, _ := io.ReadFull(nc, b)
			nc.Close()
			took := time.Since(begin)
			if d > 0 && (took < d || took > d+time.Second || !bytes.HasSuffix(b, []byte(" 408"))) || d < 0 && n > 0 {
				t.Errorf("%v: after %v: %s", d, took, b)
			}
		}
	})
}

// TestMaxPollPackets: what does not fit into one answer goes with the next (clients.md
// 10: python-engineio drops answers of more than 16 packets).
func TestMaxPollPackets(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		for _, tt := range []struct {
			set  int
			want []int // packets of each answer
		}{{0, []int{16, 4}}, {8, []int{8, 8, 4}}, {-1, []int{20}}} {
			s := serve(t, &socketio.Options{MaxPollPackets: tt.set})
			_, open := s.do(t, "GET", "/socket.io/?EIO=4&transport=polling", nil, nil)
			sid, _, _ := strings.Cut(strings.TrimPrefix(open, `0{"sid":"`), `"`)
			url := "/socket.io/?EIO=4&transport=polling&sid=" + sid
			s.do(t, "POST", url, strings.NewReader("40"), nil)
			s.do(t, "GET", url, nil, nil) // the answer to it
			for range 20 {
				if err := s.Emit("e"); err != nil {
					t.Fatal(err)
				}
			}
			for _, want := range tt.want {
				_, body := s.do(t, "GET", url, nil, nil)
				if got := strings.Count(body, "\x1e") + 1; got != want {
					t.Errorf("MaxPollPackets %d: %d packets in an answer, want %d", tt.set, got, want)
				}
			}
		}
	}, not("it polls by hand", append(rev1Modes, rev5WebSocket, rev5Upgrade)...))
}
