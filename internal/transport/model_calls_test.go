package transport

import (
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/internal/conn/conntest"
	"github.com/sockeye-io/socketio/internal/session"
)

// TestEveryCall has one conversation go wrong at each of its calls of the kernel, in
// each of the ways there are: a table of everything. What a call costs nobody, all of
// it arrives as ever; and what ends the connection, ends it cleanly.
func TestEveryCall(t *testing.T) {
	for _, kind := range []string{onRev1, onHixie, onV5} {
		for _, op := range []conntest.Op{conntest.Read, conntest.Write, conntest.Wait, conntest.Modify} {
			t.Run(fmt.Sprintf("%s/%v", kind, op), func(t *testing.T) {
				calls := 0
				for _, tt := range troubles {
					if !slices.Contains(tt.of, op) {
						continue
					}
					for n := 1; ; n++ {
						w := &conversation{op: op, at: n, trouble: tt}
						if why := catch(func() { inBubble(t, func() { w.run(thrower{}, kind) }) }); why != nil {
							t.Errorf("call %d: %s: %v", n, tt.name, why)
						}
						if w.calls < n {
							break
						}
						calls++
						if testing.Short() && n > 3 {
							n += 2
						}
					}
				}
				t.Logf("%d runs", calls)
				if calls == 0 {
					t.Error("there are no such calls")
				}
			})
		}
	}
}

// thrower fails by a panic, as a bubble is not the test's own goroutine.
type thrower struct{}

func (thrower) Helper()                           {}
func (thrower) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// catch returns what f panics with.
func catch(f func()) (thrown any) {
	defer func() { thrown = recover() }()
	f()
	return nil
}

// A trouble is what goes wrong with a call.
type trouble struct {
	name  string
	of    []conntest.Op
	fault func(w *conversation, n int) conntest.Fault
	ends  []session.Reason // what it may end the session with; nil: it ends nothing
}

var (
	moving  = []conntest.Op{conntest.Read, conntest.Write}
	calling = []conntest.Op{conntest.Read, conntest.Write, conntest.Modify}
	// A connection calls Modify with its lock held.
	free   = []conntest.Op{conntest.Read, conntest.Write, conntest.Wait}
	every  = []conntest.Op{conntest.Read, conntest.Write, conntest.Wait, conntest.Modify}
	broken = []session.Reason{session.TransportError}
	parted = []session.Reason{session.TransportClose}
	kicked = []session.Reason{session.ServerDisconnect}
)

func failed(err syscall.Errno) func(*conversation, int) conntest.Fault {
	return func(_ *conversation, _ int) conntest.Fault { return conntest.Fault{Err: err} }
}

// along has something happen while a call is under way: it is done, and has not returned.
func along(f func(*conversation)) func(*conversation, int) conntest.Fault {
	return func(w *conversation, _ int) conntest.Fault {
		w.happened(false)
		return conntest.Fault{Then: func() { w.happened(true); f(w) }}
	}
}

var troubles = []trouble{
	{"nothing", every, failed(0), nil},
	{"short by one byte", moving, func(_ *conversation, n int) conntest.Fault { return conntest.Fault{Max: max(1, n-1)} }, nil},
	{"one byte", moving, func(*conversation, int) conntest.Fault { return conntest.Fault{Max: 1} }, nil},
	{"EAGAIN", moving, failed(syscall.EAGAIN), nil},
	{"ECONNRESET", calling, failed(syscall.ECONNRESET), broken},
	{"EPIPE", calling, failed(syscall.EPIPE), broken},
	{"ENOMEM", []conntest.Op{conntest.Modify}, failed(syscall.ENOMEM), broken},
	{"FIN", every, along(func(w *conversation) { _ = w.c.nc.CloseWrite() }), parted},
	{"RST", every, along(func(w *conversation) { w.reset() }), broken},
	{"FIN and RST", every, along(func(w *conversation) { _ = w.c.nc.CloseWrite(); w.reset() }), slices.Concat(broken, parted)},
	{"a kick", free, along(func(w *conversation) { w.visitor(0).has().s.End(w.Now(), session.Kick, session.ServerDisconnect) }), kicked},
	{"a failure", free, along(func(w *conversation) { w.visitor(0).has().s.Fail(session.ForcedClose) }), []session.Reason{session.ForcedClose}},
	{"a push", free, along(func(w *conversation) { w.push(10) }), nil},
	{"a pause", free, along(func(w *conversation) { w.pauseAWhile() }), nil},
}

// A conversation is a client's with a server, one call of which goes wrong.
type conversation struct {
	*rig
	c *client

	op conntest.Op
	at int
	trouble

	mu     sync.Mutex
	calls  int  // so far
	hit    bool // the trouble is there
	pushed []int
	asked  int // for pushes
}

// fault counts, and has the call that is meant go wrong.
func (w *conversation) fault(op conntest.Op, _, n int) conntest.Fault {
	w.mu.Lock()
	meant := false
	if op == w.op {
		w.calls++
		meant = w.calls == w.at
		w.hit = w.hit || meant
	}
	w.mu.Unlock()
	if meant {
		return w.trouble.fault(w, n)
	}
	return conntest.Fault{}
}

// happened notes whether the trouble is there.
func (w *conversation) happened(yes bool) {
	w.mu.Lock()
	w.hit = yes
	w.mu.Unlock()
}

func (w *conversation) reset() { _ = w.c.nc.Reset() }

// push pushes an event, in the order of numbers.
func (w *conversation) push(size int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := w.asked
	w.asked++
	if w.single(w.visitor(0).has().s, event("p", id, size, id%2 == 1)) == nil {
		w.pushed = append(w.pushed, id)
	}
}

// pauseAWhile stops reading for a second.
func (w *conversation) pauseAWhile() {
	v := w.visitor(0)
	v.pause()
	time.AfterFunc(time.Second, v.resume)
}

// run holds the conversation: a handshake, three messages that are answered, one of
// them with an attachment and one in fragments, something large and something small
// from the server, and a close frame.
func (w *conversation) run(t failer, kind string) {
	w.rig = newRig(t, rigOptions{send: 4000, receive: 4000})
	defer w.stop()
	w.plan.all = w.fault
	w.c = newClient(w.rig, kind)
	w.visitor(0).echoes = true
	w.c.greet(kind, []int{10})
	w.push(10)
	for i := range 3 {
		w.c.send(5000, i == 1, i == 2)
		w.c.flush(-1)
		w.settle()
	}
	w.c.reads(0)
	w.settle()
	w.push(20_000)
	w.c.send(10, false, false)
	w.push(10)
	w.c.flush(-1)
	w.settle()
	w.c.reads(-1)
	w.settle()
	time.Sleep(2 * time.Second) // a pause ends
	w.settle()
	w.whole(t)
	w.c.mu.Lock()
	w.c.out = append(w.c.out, w.c.closeFrame()...)
	w.c.cond.Broadcast()
	w.c.mu.Unlock()
	w.settle()
	w.ended(t)
	time.Sleep(time.Minute)
	w.over()
}

// whole checks that all of it has arrived if the trouble was none, and nothing that
// was not sent otherwise.
func (w *conversation) whole(t failer) {
	w.healthy()
	v := w.visitor(0).has()
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	same := prefix
	if w.ends == nil || !w.hit {
		same = slices.Equal
		if v.closed != 0 || w.c.dead {
			t.Fatalf("%q ended the session", v.reason)
		}
	} else if v.closed != 1 || !slices.Contains(w.ends, v.reason) {
		t.Fatalf("the session ended %d times: %q, may be %q", v.closed, v.reason, w.ends)
	}
	switch {
	case v.opened != 1:
		t.Fatalf("Opened comes %d times", v.opened)
	case !same(w.c.pushes, w.pushed):
		t.Fatalf("pushed %v, received %v", w.pushed, w.c.pushes)
	case !same(w.c.echoes, v.echoed):
		t.Fatalf("answered %v, received %v", v.echoed, w.c.echoes)
	case !same(v.got, w.c.sent):
		t.Fatalf("sent %v, the handler got %v", w.c.sent, v.got)
	case !same(v.echoed, v.got):
		t.Fatalf("the handler got %v, and answered %v", v.got, v.echoed)
	}
}

// ended checks the session after a close frame.
func (w *conversation) ended(t failer) {
	v := w.visitor(0).has()
	w.mu.Lock()
	hit := w.hit
	w.mu.Unlock()
	may := parted
	if hit {
		may = slices.Concat(may, w.ends)
	}
	if v.closed != 1 || !slices.Contains(may, v.reason) {
		t.Fatalf("the session ended %d times: %q, may be %q", v.closed, v.reason, may)
	}
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if (!hit || w.ends == nil) && (!w.c.dead || w.c.partial || !w.c.farbye) {
		t.Fatalf("the close frame was answered %t, the connection ended %t", w.c.farbye, w.c.dead)
	}
	if w.single(v.s, event("p", 99, 10, false)) == nil {
		t.Fatalf("a push after the end")
	}
}
