package socketio_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
	"github.com/sockeye-io/socketio/adapter"
)

func TestValidate(t *testing.T) {
	const off = -1
	rev1 := func(r socketio.Revision1) *socketio.Options { return &socketio.Options{Revision1: r} }
	for _, tt := range []struct {
		o    *socketio.Options
		want string // part of the error; empty: none
	}{
		{nil, ""},
		{&socketio.Options{}, ""},
		{&socketio.Options{PingInterval: off}, "PingInterval cannot be off"},
		{&socketio.Options{PingTimeout: off}, "PingTimeout cannot be off"},
		{&socketio.Options{UpgradeTimeout: off}, "UpgradeTimeout cannot be off"},
		{rev1(socketio.Revision1{HeartbeatInterval: off}), "Revision1.HeartbeatInterval cannot be off"},
		{rev1(socketio.Revision1{HeartbeatTimeout: off}), "Revision1.HeartbeatTimeout cannot be off"},
		{rev1(socketio.Revision1{CloseTimeout: off}), "Revision1.CloseTimeout cannot be off"},
		{rev1(socketio.Revision1{PollingDuration: off}), "Revision1.PollingDuration cannot be off"},
		{&socketio.Options{MaxPayload: off}, "MaxPayload cannot be off"},
		{&socketio.Options{MaxInboxEvents: off}, "MaxInboxEvents cannot be off"},
		{&socketio.Options{MaxInboxBytes: off}, "MaxInboxBytes cannot be off"},
		{&socketio.Options{MaxDepth: 129}, "MaxDepth is more than 128"},
		{&socketio.Options{MaxDepth: 128}, ""},
		{&socketio.Options{ConnectTimeout: off, MaxPayloadPackets: off, MaxAttachments: off, MaxAttachmentBytes: off,
			MaxDepth: off, MaxArgs: off, MaxEventName: off, MaxNamespaceName: off, MaxNamespaces: off, MaxRooms: off,
			MaxPendingAcks: off, MaxOutboxCasts: off, MaxOutboxBytes: off, MaxUnopened: off, MaxHeaderFields: off,
			BodyTimeout: off, HandshakesPerSecond: off, HandshakeBurst: off}, ""},
		{rev1(socketio.Revision1{HeartbeatInterval: time.Minute}), "HeartbeatInterval (1m0s) must be shorter than HeartbeatTimeout (1m0s)"},
		{rev1(socketio.Revision1{CloseTimeout: 25 * time.Second}), "HeartbeatInterval (25s) must be shorter than CloseTimeout (25s)"},
		{rev1(socketio.Revision1{PollingDuration: time.Minute}), "PollingDuration (1m0s) must be shorter than CloseTimeout (1m0s)"},
		// Clients count in whole seconds: 1.2 s is announced, and kept, as 2 s.
		{rev1(socketio.Revision1{HeartbeatInterval: 1500 * time.Millisecond, HeartbeatTimeout: 1200 * time.Millisecond}), ""},
		{&socketio.Options{Generations: []string{"revision 1", "revision 5"}}, ""},
		{&socketio.Options{Generations: []string{"revision 3"}}, `no generation is called "revision 3"`},
		{&socketio.Options{Generations: []string{}}, "Generations: none is left"},
		{&socketio.Options{Transports: []string{"polling", "websocket", "xhr-polling"}}, ""},
		{&socketio.Options{Transports: []string{"carrier pigeon"}}, `no transport is called "carrier pigeon"`},
		{&socketio.Options{Transports: []string{}}, "Transports: none is left"},
		{&socketio.Options{Origins: []string{"*", "https://a.example", "http://b.example:8080"}}, ""},
		{&socketio.Options{Origins: []string{"a.example"}}, `"a.example" is not of the form`},
		{&socketio.Options{Origins: []string{"https://a.example/"}}, "is not of the form"},
		{&socketio.Options{Origins: []string{"https://a.example/path"}}, "is not of the form"},
		{&socketio.Options{Origins: []string{"null"}}, "is not of the form"},
		{&socketio.Options{Origins: []string{"https://*.example.com"}}, ""},
	} {
		err := tt.o.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %s", tt.o, err, tt.want)
		}
	}
	err := (&socketio.Options{PingInterval: off, MaxDepth: 1000, Origins: []string{"x"}}).Validate()
	if strings.Count(err.Error(), "socketio: Options.") != 3 {
		t.Errorf("not everything is reported: %v", err)
	}
}

// badBus is a bus that nobody can join.
type badBus struct{}

func (badBus) Join(context.Context, adapter.Node) (adapter.Member, error) {
	return nil, errors.New("no route to bus")
}

func TestNewServerPanics(t *testing.T) {
	for want, o := range map[string]*socketio.Options{
		"MaxDepth is more than 128": {MaxDepth: 1000},
		"no route to bus":           {Bus: badBus{}},
	} {
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), want) {
					t.Errorf("panic %v, want %s", err, want)
				}
			}()
			socketio.NewServer(o)
		}()
	}
}

// TestSwitchedOff: generations and transports that are not served are refused, and the
// others work.
func TestSwitchedOff(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		other := map[bool]string{false: "revision 1", true: "revision 5"}[m.rev1]
		if _, err := serve(t, &socketio.Options{Generations: []string{other}}).tryDial(m); err == nil {
			t.Error("the other generation is served")
		}
		serve(t, &socketio.Options{Generations: []string{m.generation()}}).connect(m)
		transports := []string{"websocket", "polling", "xhr-polling"}
		if !m.websocket {
			transports = []string{"polling", "xhr-polling"}
		}
		if m.upgrades {
			transports = append(transports, "websocket")
		}
		serve(t, &socketio.Options{Transports: transports}).connect(m)
		if m.websocket {
			c, err := serve(t, &socketio.Options{Transports: transports[1:]}).tryDial(m)
			if err == nil {
				t.Errorf("websocket is served: %v", c.next())
			}
		}
	})
}

// TestOptionsAreCopied: changing them later changes nothing.
func TestOptionsAreCopied(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		o := &socketio.Options{Origins: []string{"https://a.example"}, Generations: []string{m.generation()}}
		s := serve(t, o)
		o.Origins[0], o.MaxPayload, o.Generations[0] = "https://b.example", 1, "x"
		s.connect(m, withHeader("Origin", "https://a.example"))
	})
}
