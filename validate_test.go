package socketio_test

import (
	"errors"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
)

type validateTest struct {
	o    *socketio.Options
	want string // part of the error; empty: none
}

const off, day = -1, 24 * time.Hour

func rev1(r socketio.Revision1) *socketio.Options { return &socketio.Options{Revision1: r} }

func TestValidate(t *testing.T) {
	for _, tt := range slices.Concat(numberTests(), nameTests()) {
		err := tt.o.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %s", tt.o, err, tt.want)
		}
	}
}

func numberTests() []validateTest {
	return []validateTest{
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
		{&socketio.Options{HandshakesPerSecond: math.NaN()}, "HandshakesPerSecond is not a number"},
		{&socketio.Options{HandshakesPerSecond: math.Inf(1)}, ""},
		{&socketio.Options{PingTimeout: 25 * day}, "PingTimeout is more than clients can wait (596h31m23.647s)"},
		{&socketio.Options{PingInterval: 20 * day, PingTimeout: 20 * day}, "PingInterval and PingTimeout are together more than clients can wait"},
		{&socketio.Options{PingInterval: 12 * day, PingTimeout: 12 * day}, ""},
		{rev1(socketio.Revision1{CloseTimeout: 25 * day}), "Revision1.CloseTimeout is more than clients can wait"},
		{rev1(socketio.Revision1{HeartbeatTimeout: 24 * day, CloseTimeout: 24 * day}), ""},
		{&socketio.Options{MaxPayload: math.MaxInt}, ""},
	}
}

func nameTests() []validateTest {
	return []validateTest{
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
		{&socketio.Options{Origins: []string{"https://A.example"}}, `browsers write "https://A.example" as "https://a.example"`},
		{&socketio.Options{Origins: []string{"https://a.example:443"}}, `browsers write "https://a.example:443" as "https://a.example"`},
		{&socketio.Options{Origins: []string{"http://a.example:80"}}, `as "http://a.example"`},
		{&socketio.Options{Origins: []string{"https://a.example:80", "http://a.example:443"}}, ""},
		{&socketio.Options{Generations: []string{"revision 5"}, Transports: []string{"xhr-polling"}}, "Transports: none of them is one of the generations' that are served"},
		{&socketio.Options{Generations: []string{"revision 1"}, Transports: []string{"polling", "websocket"}}, ""},
		{&socketio.Options{Transports: []string{"xhr-polling"}}, ""}, // revision 5 then is served by nothing, which is no contradiction
		{&socketio.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("::/0"), {}}}, "TrustedProxies: number 1 is no prefix"},
		{&socketio.Options{NodeID: strings.Repeat("n", 64)}, ""},
		{&socketio.Options{NodeID: strings.Repeat("n", 65)}, "NodeID has more than 64 bytes"},
	}
}

// optionErrors returns the errors that Validate has joined.
func optionErrors(t *testing.T, o *socketio.Options) (all []*socketio.OptionError) {
	t.Helper()
	joined, ok := o.Validate().(interface{ Unwrap() []error })
	if !ok {
		t.Fatal("nothing is joined")
	}
	for _, err := range joined.Unwrap() {
		var wrong *socketio.OptionError
		if !errors.As(err, &wrong) {
			t.Fatalf("%v is a %T", err, err)
		}
		all = append(all, wrong)
	}
	return all
}

// TestOptionErrors: each wrong option has an error that names its field, so that a
// program can say it in the words of its own flags.
func TestOptionErrors(t *testing.T) {
	o := &socketio.Options{
		PingInterval: -1,
		MaxDepth:     1000,
		Origins:      []string{"x"},
		Engine:       "steam",
		NodeID:       strings.Repeat("n", 99),
		Revision1:    socketio.Revision1{CloseTimeout: 20 * time.Second},
	}
	want := [][3]string{
		{"PingInterval", "cannot be off", "PingInterval cannot be off"},
		{"MaxDepth", "is more than 128", "MaxDepth is more than 128"},
		{"Revision1.HeartbeatInterval", "must be shorter than CloseTimeout (20s)", "Revision1.HeartbeatInterval (25s) must be shorter than CloseTimeout (20s)"},
		{"Revision1.PollingDuration", "must be shorter than CloseTimeout (20s)", "Revision1.PollingDuration (20s) must be shorter than CloseTimeout (20s)"},
		{"Engine", `no engine is called "steam"`, `Engine: no engine is called "steam"`},
		{"Origins", `"x" is not of the form scheme://host[:port]`, `Origins: "x" is not of the form scheme://host[:port]`},
		{"NodeID", "has more than 64 bytes", "NodeID has more than 64 bytes"},
	}
	got := optionErrors(t, o)
	for i, err := range got {
		if i < len(want) && (err.Option != want[i][0] || err.Reason != want[i][1] || err.Error() != "socketio: Options."+want[i][2]) {
			t.Errorf("got %+v, %q, want %q", err, err.Error(), want[i])
		}
		field := reflect.ValueOf(*o)
		for name := range strings.SplitSeq(err.Option, ".") {
			if field = field.FieldByName(name); !field.IsValid() {
				t.Fatalf("Options has no field %s", err.Option)
			}
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d errors, want %d", len(got), len(want))
	}
	own := &socketio.OptionError{Option: "X", Reason: "is not there"}
	if own.Error() != "socketio: Options.X: is not there" {
		t.Errorf("made by hand: %v", own)
	}
}

// TestHandshakesUnbounded: a negative rate is no bound, as zero.
func TestHandshakesUnbounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, &socketio.Options{HandshakesPerSecond: -1, HandshakeBurst: 1})
		for range 3 {
			s.connect(rev5WebSocket)
		}
	})
}
