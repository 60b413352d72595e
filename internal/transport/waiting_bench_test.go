package transport

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

// waiters is how many polls BenchmarkWaitingPoll has wait at a time.
const waiters = 2000

// BenchmarkWaitingPoll is what a client costs whose GET waits: live heap, stacks and
// goroutines, for a handler that does nothing but wait and for ours, sessions included.
// Its time is of no interest; use -benchtime=1x, and a process for each of the three:
// the runtime keeps what it has for goroutines that have ended.
func BenchmarkWaitingPoll(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		var waiting atomic.Int64
		hs := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery == "" {
				_, _ = io.WriteString(w, "ok")
				return
			}
			waiting.Add(1)
			<-r.Context().Done()
		}), func(*http.Server) {})
		defer hs.Close()
		waitingPolls(b, hs.Listener.Addr(), waiting.Load, func(c net.Conn, r *bufio.Reader) string {
			ask(b, c, r, "/x") // as a handshake does, it makes net/http's stack grow
			return "/x?wait"
		})
	})
	b.Run("engineio", func(b *testing.B) {
		st := benchServer(b)
		waitingPolls(b, st.http.Listener.Addr(), st.waiting.Load, func(c net.Conn, r *bufio.Reader) string {
			_, sid, _ := strings.Cut(ask(b, c, r, eio+"polling"), `"sid":"`)
			sid, _, _ = strings.Cut(sid, `"`)
			return eio + "polling&sid=" + sid
		})
	})
	b.Run("revision1", func(b *testing.B) {
		st := benchServer(b)
		waitingPolls(b, st.http.Listener.Addr(), st.waiting.Load, func(c net.Conn, r *bufio.Reader) string {
			sid, _, _ := strings.Cut(ask(b, c, r, "/socket.io/1/"), ":")
			return "/socket.io/1/xhr-polling/" + sid
		})
	})
}

// waitingPolls makes clients, each with a GET of the path that open returns, and
// reports what they cost once all wait.
func waitingPolls(b *testing.B, addr net.Addr, waiting func() int64, open func(net.Conn, *bufio.Reader) string) {
	own := dialCost(b)
	for range b.N {
		conns := make([]net.Conn, waiters)
		before := settled()
		r := bufio.NewReader(nil)
		for i := range conns {
			c, err := net.Dial("tcp", addr.String())
			if err != nil {
				b.Fatal(err)
			}
			r.Reset(c)
			conns[i] = c
			path := open(c, r)
			if _, err := io.WriteString(c, get11(path)); err != nil {
				b.Fatal(err)
			}
		}
		until(b, "all polls wait", func() bool { return waiting() == waiters })
		after := settled()
		b.ReportMetric((after.heap-before.heap)/waiters-own, "heap-B/poll")
		b.ReportMetric((after.stacks-before.stacks)/waiters, "stack-B/poll")
		b.ReportMetric((after.goroutines-before.goroutines)/waiters, "goroutines/poll")
		for _, c := range conns {
			c.Close()
		}
	}
}

func get11(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n" }

// ask returns the body of an answer.
func ask(b *testing.B, c net.Conn, r *bufio.Reader, path string) string {
	if _, err := io.WriteString(c, get11(path)); err != nil {
		b.Fatal(err)
	}
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	return string(body)
}

// footprint is what lives.
type footprint struct{ heap, stacks, goroutines float64 }

func settled() footprint {
	var m runtime.MemStats
	for range 3 { // pools keep what they have for two
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return footprint{float64(m.HeapAlloc), float64(m.StackInuse), float64(runtime.NumGoroutine())}
}

// dialCost is the heap that a client of the benchmark takes itself.
func dialCost(b *testing.B) float64 {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	conns := make([]net.Conn, 100)
	before := settled()
	for i := range conns {
		if conns[i], err = net.Dial("tcp", l.Addr().String()); err != nil {
			b.Fatal(err)
		}
	}
	cost := (settled().heap - before.heap) / float64(len(conns))
	for _, c := range conns {
		c.Close()
	}
	return cost
}
