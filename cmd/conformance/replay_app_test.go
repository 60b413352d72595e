package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
)

// replayApp is the application that the recorded servers ran, and what it saw.
type replayApp struct {
	srv *socketio.Server

	mu  sync.Mutex
	saw []string
}

func (a *replayApp) note(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.saw = append(a.saw, fmt.Sprintf(format, args...))
}

func newReplayApp(o *socketio.Options) *replayApp {
	o.Logger = slog.New(slog.DiscardHandler)
	a := &replayApp{srv: socketio.NewServer(o)}
	for _, name := range []string{"/", "/chat", "/private"} {
		a.register(a.srv.Of(name))
	}
	a.srv.Of("/private").Use(func(context.Context, *socketio.Socket) error { return errors.New("not you") })
	return a
}

// awkward is what the event "h" carries.
const awkward = "</script><b>/x/\"q\"\\n\n\u2028\u2029\u0000\u001f\u007f😀\ufffd<!--"

func (a *replayApp) register(ns *socketio.Namespace) {
	ns.OnConnect(func(*socketio.Socket) error { a.note("connection %s", ns.Name()); return nil })
	ns.OnDisconnect(func(_ *socketio.Socket, reason string) { a.note("disconnect %s %q", ns.Name(), reason) })
	ns.OnMessage(a.message)
	ns.On("echo", func(s *socketio.Socket, e *socketio.Event) { _ = s.Emit("echo-back", e.Args()) })
	socketio.Reply(ns, "with-ack", func(_ *socketio.Socket, args socketio.Args) (socketio.Args, error) { return args, nil })
	for _, n := range []string{"", "0"} {
		ns.On("ask"+n, func(s *socketio.Socket, e *socketio.Event) { go a.ask(s, n, e.Args()) })
	}
	ns.On("burst", func(s *socketio.Socket, _ *socketio.Event) {
		for i := 1; i <= 3; i++ {
			_ = s.Emit("b", i)
		}
	})
	ns.On("html", func(s *socketio.Socket, _ *socketio.Event) { _ = s.Emit("h", awkward) })
	socketio.Reply(ns, "join", func(s *socketio.Socket, room string) (string, error) { return "ok", s.Join(room) })
	socketio.Reply(ns, "leave", func(s *socketio.Socket, room string) (string, error) { s.Leave(room); return "ok", nil })
	socketio.On(ns, "to", func(s *socketio.Socket, m toRoom) { _ = s.To(m.Room).Emit("room-message", m.Payload) })
	socketio.On(ns, "broadcast", func(_ *socketio.Socket, p first) { _ = ns.Emit("broadcast-message", p.Payload) })
	socketio.On(ns, "volatile", func(s *socketio.Socket, p first) { _ = s.Volatile().Emit("volatile-message", p.Payload) })
	ns.On("kick", func(s *socketio.Socket, _ *socketio.Event) { s.Disconnect(false) })
}

// message echoes; the acknowledgement of a text that wants the application's is
// ["got", text].
func (a *replayApp) message(s *socketio.Socket, m *socketio.Message) {
	switch {
	case !m.IsText():
		a.note("message %s", m.Text())
		_ = s.SendJSON(m.Args())
		return
	case m.NeedsAck():
		a.note("message %q +ack", m.Text())
	default:
		a.note("message %q", m.Text())
	}
	_ = s.Send(m.Text())
	if m.NeedsAck() {
		_ = m.Ack("got", m.Text())
	}
}

// ask emits question and, when it is answered, answered with the answer's first
// argument.
func (a *replayApp) ask(s *socketio.Socket, n string, args socketio.Args) {
	answer, err := s.EmitWithAck(s.Context(), "question"+n, args)
	if err != nil {
		return
	}
	a.note("answered%s %s", n, answer)
	if n == "" {
		var first socketio.Args
		_ = answer.Scan(&first)
		_ = s.Emit("answered", first)
	} else {
		_ = s.Emit("answered0")
	}
}

// replayOptions turns the settings of a 0.9 server into ours. Like it, the server
// lets pages of all origins in.
func replayOptions(t *testing.T, settings, auth string) *socketio.Options {
	var set struct {
		HeartbeatInterval float64  `json:"heartbeat interval"`
		HeartbeatTimeout  float64  `json:"heartbeat timeout"`
		CloseTimeout      float64  `json:"close timeout"`
		PollingDuration   float64  `json:"polling duration"`
		Transports        []string `json:"transports"`
		Origins           []string `json:"origins"`
		DestroyBufferSize int      `json:"destroy buffer size"`
		BrowserClient     bool     `json:"browser client"`
		MatchOrigin       bool     `json:"match origin protocol"`
		Hixie75           bool     `json:"hixie-75"`
	}
	if settings != "" {
		if err := json.Unmarshal([]byte(settings), &set); err != nil {
			t.Fatalf("settings: %v", err)
		}
	}
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	o := &socketio.Options{
		Origins:     []string{"*"},
		Generations: []string{"revision 1"},
		Transports:  set.Transports,
		MaxPayload:  set.DestroyBufferSize,
		Revision1: socketio.Revision1{
			HeartbeatInterval: seconds(set.HeartbeatInterval),
			HeartbeatTimeout:  seconds(set.HeartbeatTimeout),
			CloseTimeout:      seconds(set.CloseTimeout),
			PollingDuration:   seconds(set.PollingDuration),

			Hixie75:             set.Hixie75,
			MatchOriginProtocol: set.MatchOrigin,
		},
	}
	if set.Origins != nil {
		o.Origins = set.Origins
	}
	if set.BrowserClient {
		o.Client = replayClient
	}
	if set.MatchOrigin {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}
	switch auth {
	case "refuse":
		o.Authorize = func(context.Context, *socketio.Handshake) error { return &socketio.Error{Message: "no"} }
	case "error":
		o.Authorize = func(context.Context, *socketio.Handshake) error { return errors.New("boom reason") }
	}
	return o
}

// TestTraps: with these settings healthy clients of 0.9 fall off, so the server does
// not start with them (revision-1.md §7.1).
func TestTraps(t *testing.T) {
	for transcript, r := range map[string]socketio.Revision1{
		"trap-heartbeats-off-client-0.9.17": {HeartbeatTimeout: -1},
		"trap-heartbeat-interval-too-long":  {HeartbeatInterval: 4 * time.Second, HeartbeatTimeout: 2 * time.Second},
		"trap-close-timeout-short":          {CloseTimeout: 2 * time.Second},
		"trap-close-timeout-short-xhr":      {HeartbeatInterval: time.Second, CloseTimeout: 2 * time.Second},
	} {
		if err := (&socketio.Options{Revision1: r}).Validate(); err == nil {
			t.Errorf("%s: the settings are accepted", transcript)
		}
	}
}
