package transport

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/sockeye-io/socketio/internal/conn"
	"github.com/sockeye-io/socketio/internal/conn/conntest"
	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/internal/session"
	"github.com/sockeye-io/socketio/packet"
)

// A rig is a server on a kernel in memory, whose calls go wrong as planned. Nothing else
// of it is made up.
type rig struct {
	*Server
	t    failer
	k    *conntest.Kernel
	plan *plan
	http *http.Server
	l    *pipes

	mu       sync.Mutex
	mistakes []string
	visitors map[int]*visitor // by the number of their client

	clients  []*client
	owners   map[int]*client  // of descriptors
	streams  map[*stream]bool // those that were seen
	payloads []weak.Pointer[byte]
	singles  int
}

// failer is how tests of both kinds fail.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// rigOptions are what differs between rigs.
type rigOptions struct {
	send, receive int // buffers
	casts         int // the outbox's bound; 0: none
}

// newRig starts a server. It must be called in a bubble of synctest.
func newRig(t failer, o rigOptions) *rig {
	r := &rig{t: t, plan: newPlan(), visitors: map[int]*visitor{}, owners: map[int]*client{}, streams: map[*stream]bool{}}
	r.k = conntest.New(&conntest.Options{
		Send: o.send, Receive: o.receive, Faults: r.plan.fault,
		Fail: func(format string, args ...any) { r.mistake(fmt.Sprintf(format, args...)) },
	})
	cfg := config(r)
	for _, c := range cfg.Sessions {
		c.Limits.MaxPayload = 1 << 20
		c.Limits.OutboxCasts = o.casts
	}
	cfg.Sessions[0].Generation = &generation.Revision5
	cfg.Engine = conn.Auto
	r.Server = New(cfg)
	r.http = &http.Server{Handler: r.Server}
	// One that is not taken would be no durable wait, and the queue is never full.
	r.l = &pipes{make(chan net.Conn, 16), make(chan struct{})}
	go func() { _ = r.http.Serve(r.l) }() // ends with stop
	return r
}

// mistake notes what must not happen where it cannot be reported.
func (r *rig) mistake(s string) {
	r.mu.Lock()
	r.mistakes = append(r.mistakes, s)
	r.mu.Unlock()
}

// stop ends everything, whatever the state of it is.
func (r *rig) stop() {
	for range r.plan.held {
		r.k.Release()
	}
	r.plan.held = 0
	r.mu.Lock()
	for _, v := range r.visitors {
		v.letGo()
	}
	r.mu.Unlock()
	r.Close()
	for _, c := range r.clients {
		c.quit()
	}
	r.http.Close()
	synctest.Wait()
}

// dial makes a connection.
func (r *rig) dial() *conntest.Conn {
	server, client := r.k.Pipe()
	r.l.conns <- server
	return client
}

// a web is a client's connection for requests.
type web struct {
	nc *conntest.Conn
	r  *bufio.Reader
}

func (r *rig) web() *web {
	nc := r.dial()
	return &web{nc, bufio.NewReader(nc)}
}

// do sends a request and returns the answer.
func (w *web) do(method, path, body string) (status int, answer string, err error) {
	_, err = fmt.Fprintf(w.nc, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body)
	if err != nil {
		return 0, "", err
	}
	res, err := http.ReadResponse(w.r, nil)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// over checks that nothing is left of anybody.
func (r *rig) over() {
	r.t.Helper()
	for _, c := range r.clients {
		c.quit()
	}
	r.settle()
	if n, m := r.Sessions(), len(r.sessions.all()); n != 0 || m != 0 {
		r.t.Fatalf("%d sessions are counted, %d registered", n, m)
	}
	if r.Server.streams.n != 0 || r.Server.streams.head != nil {
		r.t.Fatalf("%d streams are left", r.Server.streams.n)
	}
	if n, m := r.k.Open(), r.k.Pollers(); n != 0 || m != 0 {
		r.t.Fatalf("%d descriptors and %d pollers are left", n, m)
	}
	for s := range r.streams {
		if s.leased {
			r.t.Fatalf("a stream never settled its lease")
		}
	}
	// A cast that was given back twice is handed out twice.
	seen := map[*session.Cast]bool{}
	for range r.singles + 1 {
		c := session.NewSingle(packet.Packet{}, false)
		if seen[c] {
			r.t.Fatalf("a cast was released twice")
		}
		seen[c] = true
	}
	// One that was not given back, or that a lease still has, is kept by its session.
	runtime.GC()
	for i, p := range r.payloads {
		if p.Value() != nil {
			r.t.Fatalf("the cast pushed as number %d is still held", i)
		}
	}
	runtime.KeepAlive(r.visitors)
	r.healthy()
}

// roundTrip is how long the network takes between a poll that brought nothing and the
// next one. Nothing else takes time.
const roundTrip = 5 * time.Millisecond

// settle lets everything come to rest that does not wait for a peer or a deadline: a
// loop to be taken from a job, the answer to a Connect to stand alone.
func (r *rig) settle() {
	time.Sleep(4 * roundTrip)
	synctest.Wait()
	r.Server.streams.mu.Lock()
	for s := r.Server.streams.head; s != nil; s = s.next {
		r.streams[s] = true
	}
	r.Server.streams.mu.Unlock()
}

// healthy fails if something was noticed.
func (r *rig) healthy() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.mistakes) > 0 {
		r.t.Fatalf("%s", strings.Join(r.mistakes, "; "))
	}
}

// An oddity is what is to go wrong with a call that may move n bytes.
type oddity func(n int) conntest.Fault

// A plan is what goes wrong with the next calls.
type plan struct {
	mu       sync.Mutex
	next     map[call][]oddity
	all      func(op conntest.Op, fd, n int) conntest.Fault // if set, asked first
	detached int                                            // the descriptor that was taken over last
	held     int                                            // Holds of the kernel; the model's only
}

type call struct {
	op conntest.Op
	fd int
}

func newPlan() *plan { return &plan{next: map[call][]oddity{}} }

// add has the next call that nothing is planned for go wrong.
func (p *plan) add(op conntest.Op, fd int, f oddity) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next[call{op, fd}] = append(p.next[call{op, fd}], f)
}

// took returns the descriptor that was taken over since it was called before, or 0.
func (p *plan) took() (fd int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fd, p.detached = p.detached, 0
	return fd
}

// fault implements conntest.Faults.
func (p *plan) fault(op conntest.Op, fd, n int) conntest.Fault {
	p.mu.Lock()
	all := p.all
	if op == conntest.Detach {
		p.detached = fd
		for _, op := range []conntest.Op{conntest.Read, conntest.Write} {
			delete(p.next, call{op, fd}) // it was another's
		}
	}
	at := call{op, fd}
	var f oddity
	if queue := p.next[at]; len(queue) > 0 {
		f, p.next[at] = queue[0], queue[1:]
	}
	p.mu.Unlock()
	switch {
	case all != nil:
		return all(op, fd, n)
	case f != nil:
		return f(n)
	}
	return conntest.Fault{}
}

// shorter has a call move k bytes less than it may.
func shorter(k int) oddity {
	return func(n int) conntest.Fault { return conntest.Fault{Max: max(1, n-k)} }
}

// atMost has a call move k bytes at most.
func atMost(k int) oddity {
	return func(int) conntest.Fault { return conntest.Fault{Max: k} }
}

// failing has a call fail.
func failing(err syscall.Errno) oddity {
	return func(int) conntest.Fault { return conntest.Fault{Err: err} }
}

// padding returns n letters that belong to a number; no part of them looks like another.
func padding(id, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = 'a' + byte((id*7+i+i>>8*3+i>>13)%26)
	}
	return p
}

// event returns a numbered event. Its memory can be told from any other.
func event(name string, id, size int, attachment bool) packet.Packet {
	json := fmt.Appendf(make([]byte, 0, 64+size), "%d,%d,", id, size)
	p := packet.Packet{Type: packet.Event, Namespace: "/", Name: name}
	if attachment {
		p.Args.Attachments = []packet.Attachment{{Pos: len(json), Data: padding(id, size)}}
		p.Args.JSON = append(json, "null"...)
		return p
	}
	json = append(append(append(json, '"'), padding(id, size)...), '"')
	p.Args.JSON = json
	return p
}

// number reads what event wrote.
func number(p *packet.Packet) (id int, err error) {
	parts := strings.SplitN(string(p.Args.JSON), ",", 3)
	if len(parts) != 3 {
		return 0, fmt.Errorf("arguments %q", p.Args.JSON)
	}
	id, err = strconv.Atoi(parts[0])
	if err != nil {
		return 0, err
	}
	size, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0, err
	}
	got := strings.Trim(parts[2], `"`)
	if len(p.Args.Attachments) == 1 && parts[2] == "null" {
		got = string(p.Args.Attachments[0].Data)
	}
	if got != string(padding(id, size)) {
		return 0, fmt.Errorf("message %d is damaged", id)
	}
	return id, nil
}

// whose returns the number of the client that a session belongs to.
func whose(s *session.Session) int {
	u, err := url.Parse(peerOf(s).URL())
	if err != nil {
		return -1
	}
	n, err := strconv.Atoi(u.Query().Get("c"))
	if err != nil {
		return -1
	}
	return n
}

// inBubble runs f in a bubble; what f panics with, as rapid does to end a check, it
// panics with outside.
func inBubble(t *testing.T, f func()) {
	var thrown any
	synctest.Test(t, func(*testing.T) {
		defer func() {
			if thrown = recover(); thrown == nil {
				return
			}
			if err, ok := thrown.(runtime.Error); ok {
				buf := make([]byte, 16<<10)
				thrown = fmt.Sprintf("%v\n%s", err, buf[:runtime.Stack(buf, false)])
			}
		}()
		f()
	})
	switch {
	case thrown == nil:
	case fmt.Sprintf("%T", thrown) == "rapid.invalidData":
		panic(thrown) // rapid tells failures by where they are: this is none
	default:
		panic(thrown)
	}
}
