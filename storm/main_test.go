package storm

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/socketio"
)

// patience bounds waits that end a run that hangs.
const patience = 3 * time.Minute

func TestMain(m *testing.M) {
	if os.Getenv(crowdVariable) != "" {
		os.Exit(crowdMain())
	}
	goleak.VerifyTestMain(m)
}

// sized returns a number of clients or bytes for the way the tests are run.
func sized(full, small int) int {
	if raceEnabled || testing.Short() {
		return small
	}
	return full
}

// eachEngine runs f for every engine of this system.
func eachEngine(t *testing.T, f func(t *testing.T, engine string)) {
	engines := []string{"goroutine"}
	if runtime.GOOS == "linux" {
		engines = append(engines, "epoll")
	}
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) { f(t, engine) })
	}
}

// A site is a server on loopback.
type site struct {
	*socketio.Server
	t    *testing.T
	addr string
}

// serve runs a server, and ends it with the test. tune, if any, is given each
// connection before anything is read from it.
func serve(t *testing.T, engine string, o socketio.Options, tune func(*net.TCPConn)) *site {
	t.Helper()
	o.Engine = engine
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := socketio.NewServer(&o)
	h := &http.Server{Handler: srv, ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelError)}
	if tune != nil {
		h.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
			tune(c.(*net.TCPConn))
			return ctx
		}
	}
	served := make(chan struct{})
	go func() { defer close(served); _ = h.Serve(ln) }() // ends with Close
	t.Cleanup(func() {
		srv.Close()
		h.Close()
		<-served
	})
	return &site{srv, t, ln.Addr().String()}
}

// smallBuffers makes the kernel keep little for a connection. Much less would not do:
// a window below the size of a segment (64 KiB here) opens by timers.
func smallBuffers(c *net.TCPConn) {
	_ = c.SetReadBuffer(64 << 10)
	_ = c.SetWriteBuffer(64 << 10)
}

// registerEcho answers "echo" with an event of the same arguments, or an answer.
func registerEcho(r socketio.Registry) {
	r.On("echo", func(s *socketio.Socket, e *socketio.Event) {
		if e.NeedsAck() {
			_ = e.Ack(e.Args())
			return
		}
		_ = s.Emit("echo", e.Args())
	})
}

// await waits until a condition that nothing announces has come true.
func await(t testing.TB, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !condition() {
		select {
		case <-tick.C:
		case <-late:
			buf := make([]byte, 64<<10)
			t.Logf("%s", buf[:runtime.Stack(buf, true)])
			t.Fatalf("%s: not in %v", what, patience)
		}
	}
}

// receive waits for a value.
func receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("%s: not in %v", what, patience)
		panic("unreachable")
	}
}

// A usage is what the process has in use.
type usage struct {
	files, goroutines int
	heap              int // bytes that are alive
}

// files counts the open descriptors; where the system does not tell, there are none.
func files() int {
	list, _ := os.ReadDir("/proc/self/fd")
	return len(list)
}

// measure collects garbage before it measures: thrice, since pools keep theirs for two
// rounds.
func measure() usage {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{files(), runtime.NumGoroutine(), int(m.HeapAlloc)}
}

// clockGoroutine is the one that a server which had a client keeps until it ends.
const clockGoroutine = 1

// settled waits until no client is left and descriptors and goroutines are as before
// the first.
func (s *site) settled(before usage) usage {
	s.t.Helper()
	await(s.t, "sockets leave", func() bool { return s.Len() == 0 })
	await(s.t, "descriptors are closed", func() bool { return files() <= before.files })
	await(s.t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before.goroutines+clockGoroutine })
	return measure()
}
