package socketio_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A mode is how a client talks: its generation and its transport.
type mode struct {
	name      string
	codec     grammar
	open      func(*client) error
	rev1      bool // the generation of 2011
	websocket bool // from the beginning
	flows     bool // by an answer that goes on, and POSTs
	upgrades  bool // to a WebSocket, once connected
	loop      bool // by a connection that an event loop can serve (internal/conn)

	// Of revision 1: the transport's name, and how it begins.
	carrier string
	dial    func(c *client, target string) (link, error)
}

// rev1Mode is the mode of a transport of revision 1.
func rev1Mode(carrier, dialect string, dial func(*client, string) (link, error)) mode {
	m := mode{name: "revision 1 " + carrier + dialect, codec: rev1Grammar{}, open: openRev1, rev1: true, carrier: carrier, dial: dial}
	m.websocket = strings.HasSuffix(carrier, "socket")
	m.flows = carrier == "htmlfile" || carrier == "xhr-multipart"
	return m
}

var (
	rev1WebSocket = rev1Mode("websocket", "", dialWebSocket)
	rev1Hixie75   = rev1Mode("websocket", ", hixie-75", dialHixie75)
	rev1Hybi08    = rev1Mode("websocket", ", hybi-08", dialHybi08)
	rev1Flash     = rev1Mode("flashsocket", "", dialHixie76)
	rev1HTMLFile  = rev1Mode("htmlfile", "", dialHTMLFile)
	rev1Polling   = rev1Mode("xhr-polling", "", dialPolling)
	rev1JSONP     = rev1Mode("jsonp-polling", "", dialForm)
	rev1Multipart = rev1Mode("xhr-multipart", "", dialMultipart)
	rev5WebSocket = mode{name: "revision 5 websocket", codec: rev5Grammar{}, open: openRev5, websocket: true}
	rev5Polling   = mode{name: "revision 5 polling", codec: rev5Grammar{}, open: openRev5}
	rev5Upgrade   = mode{name: "revision 5 upgrade", codec: rev5Grammar{}, open: openRev5, upgrades: true}

	rev1Modes = []mode{
		rev1WebSocket, rev1Hixie75, rev1Hybi08, rev1Flash, rev1HTMLFile, rev1Polling, rev1JSONP, rev1Multipart,
	}
	rev5Modes   = []mode{rev5WebSocket, rev5Polling, rev5Upgrade}
	socketModes = []mode{rev1WebSocket, rev1Hixie75, rev1Hybi08, rev1Flash, rev5WebSocket, rev5Upgrade}

	modes = append(slices.Concat(rev1Modes, rev5Modes), byLoop(socketModes)...)
)

// byLoop returns the same modes on the other engine. What both leave to net/http has
// none.
func byLoop(modes []mode) []mode {
	modes = slices.Clone(modes)
	for i := range modes {
		modes[i].loop = true
	}
	return modes
}

func (m mode) String() string {
	if m.loop {
		return m.name + " by loop"
	}
	return m.name
}

// generation is what Handshake.Generation says.
func (m mode) generation() string {
	if m.rev1 {
		return "revision 1"
	}
	return "revision 5"
}

// streaming reports whether a stream carries a connected client.
func (m mode) streaming() bool { return m.websocket || m.flows || m.upgrades }

// without opts a test out of modes.
type without struct {
	reason string
	modes  []mode
}

func not(reason string, modes ...mode) without { return without{reason, modes} }

// run runs f in every mode that it does not opt out of, in a bubble of its own: the
// network is in memory, and time passes when nothing else happens.
func run(t *testing.T, f func(t *testing.T, m mode), opts ...without) {
	t.Parallel()
	for _, m := range modes {
		t.Run(m.String(), func(t *testing.T) {
			for _, o := range opts {
				if slices.ContainsFunc(o.modes, func(x mode) bool { return x.name == m.name }) {
					t.Skip(o.reason)
				}
			}
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { f(t, m) })
		})
	}
}

// bubble runs f once.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Parallel()
	synctest.Test(t, f)
}

// settle lets everything happen that is on its way; in a bubble it takes no time.
func settle() {
	// A stream may hold back what follows an answer to a Connect for a moment.
	time.Sleep(100 * time.Millisecond)
	synctest.Wait()
}

// A site is a server on the network in memory.
type site struct {
	*socketio.Server
	t    testing.TB
	net  *pipes
	http *http.Server
	log  *logBook
}

// everyTransport names those too that are off until asked for.
var everyTransport = []string{
	"websocket", "flashsocket", "htmlfile", "xhr-polling", "jsonp-polling", "xhr-multipart", "polling",
}

// serve runs a server, with what is off until asked for, and ends it with the test.
func serve(t testing.TB, opts *socketio.Options, wrap ...func(http.Handler) http.Handler) *site {
	log := &logBook{}
	o := socketio.Options{}
	if opts != nil {
		o = *opts
	}
	o.Revision1.Hixie75 = true
	if o.Transports == nil {
		o.Transports = everyTransport
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	srv := socketio.NewServer(&o)
	var h http.Handler = srv
	for _, w := range wrap {
		h = w(h)
	}
	s := host(t, srv, h)
	s.log = log
	s.http.ErrorLog = slog.NewLogLogger(o.Logger.Handler(), slog.LevelError)
	return s
}

// host puts a server, behind h, on a network in memory.
func host(t testing.TB, srv *socketio.Server, h http.Handler) *site {
	s := &site{Server: srv, t: t, net: newPipes(t), http: &http.Server{Handler: h}}
	served := make(chan struct{})
	go func() { defer close(served); _ = s.http.Serve(s.net) }() // ends with Close
	t.Cleanup(func() {
		srv.Close()
		s.http.Close()
		s.net.Close()
		<-served
		s.net.finish(t)
	})
	return s
}

// A logBook keeps what was logged.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// has reports whether all words were logged.
func (l *logBook) has(words ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range words {
		if !strings.Contains(l.b.String(), w) {
			return false
		}
	}
	return true
}

// A journal has what happened on the server, in order.
type journal struct {
	t       testing.TB
	entries chan string
}

func newJournal(t testing.TB) *journal { return &journal{t, make(chan string, 1<<16)} }

func (j *journal) add(format string, args ...any) { j.entries <- fmt.Sprintf(format, args...) }

func (j *journal) want(texts ...string) {
	j.t.Helper()
	for _, want := range texts {
		select {
		case got := <-j.entries:
			if got != want {
				j.t.Fatalf("%q happened, want %q", got, want)
			}
		case <-time.After(5 * time.Minute):
			j.t.Fatalf("%q does not happen", want)
		}
	}
}

// silence checks that nothing else happened.
func (j *journal) silence() {
	j.t.Helper()
	settle()
	select {
	case got := <-j.entries:
		j.t.Fatalf("%q happened, want nothing", got)
	default:
	}
}

// watch has a namespace's comings and goings in a journal.
func watch(t testing.TB, ns *socketio.Namespace) *journal {
	j := newJournal(t)
	ns.OnConnect(func(*socketio.Socket) error { j.add("connect"); return nil })
	ns.OnDisconnect(func(_ *socketio.Socket, reason string) { j.add("disconnect: %s", reason) })
	return j
}

// only returns the only socket of a namespace.
func only(t testing.TB, ns *socketio.Namespace) *socketio.Socket {
	t.Helper()
	settle() // the client hears of it before everybody else does
	for s := range ns.Sockets() {
		if ns.Len() == 1 {
			return s
		}
	}
	t.Fatalf("%d sockets", ns.Len())
	return nil
}

// limited returns a context that ends.
func limited(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// TestEcho is what every mode must be able to do before anything else is tested.
func TestEcho(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		s := serve(t, nil)
		j := watch(t, s.Namespace)
		socketio.On(s, "echo", func(s *socketio.Socket, a socketio.Args) { s.Emit("echo", a) })
		socketio.Reply(s, "double", func(_ *socketio.Socket, n int) (int, error) { return 2 * n, nil })
		c := s.connect(m)
		if m.loop != (s.net.kernel.Pollers() > 0) {
			t.Errorf("%d loops serve it", s.net.kernel.Pollers())
		}
		j.want("connect")
		c.emit("echo", `"a",{"b":[1,null,"ü\u2028"]}`)
		if got := c.next(); got.name != "echo" || compact(got.data) == "" {
			t.Errorf("got %v", got)
		}
		if got := c.ask("double", "21"); got != "[42]" {
			t.Errorf("answer: %s", got)
		}
		c.close()
		c.ended()
		if m.rev1 {
			j.want("disconnect: client namespace disconnect")
		} else {
			j.want("disconnect: transport close")
		}
	})
}
