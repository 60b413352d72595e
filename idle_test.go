package socketio_test

import (
	"bufio"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/socketio"
	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// How many clients TestIdleHeap connects.
var idleClients = flag.Int("idle", 1000, "clients of TestIdleHeap")

// A browser's handshake, but for the path, the client's address and the key.
const idleRequest = "GET %s HTTP/1.1\r\nHost: chat.example.com\r\nConnection: Upgrade\r\nPragma: no-cache\r\n" +
	"Cache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " +
	"Chrome/131.0.0.0 Safari/537.36\r\nUpgrade: websocket\r\nOrigin: http://chat.example.com\r\n" +
	"Sec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en-US,en;q=0.9\r\n" +
	"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"

// An idleConn is a connection that brings what it is given, and loses what is written.
type idleConn struct {
	net.Conn // not there
	in       chan []byte
}

func (c *idleConn) Read(p []byte) (int, error) {
	b, ok := <-c.in
	if !ok {
		return 0, io.EOF
	}
	return copy(p, b), nil
}

func (c *idleConn) Write(p []byte) (int, error)      { return len(p), nil }
func (c *idleConn) Close() error                     { return nil }
func (c *idleConn) SetDeadline(time.Time) error      { return nil }
func (c *idleConn) SetReadDeadline(time.Time) error  { return nil }
func (c *idleConn) SetWriteDeadline(time.Time) error { return nil }

// An idleWriter hands an idleConn to whoever hijacks it.
type idleWriter struct {
	*httptest.ResponseRecorder
	conn *idleConn
}

func (w idleWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	none := strings.NewReader("")
	return w.conn, bufio.NewReadWriter(bufio.NewReaderSize(none, 16), bufio.NewWriterSize(io.Discard, 16)), nil
}

// idleServe has the server serve a request for path by client i, as net/http would.
func idleServe(s *socketio.Server, i int, path string) (*idleConn, *httptest.ResponseRecorder) {
	key := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(make([]byte, 8, 16), uint64(i)))
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(fmt.Sprintf(idleRequest, path, key))))
	if err != nil {
		panic(err) // the request is a constant
	}
	r.RemoteAddr = fmt.Sprintf("10.%d.%d.7:%d", i>>8&0xff, i&0xff, 1024+i%60000)
	w := idleWriter{httptest.NewRecorder(), &idleConn{in: make(chan []byte, 4)}}
	s.ServeHTTP(w, r)
	return w.conn, w.ResponseRecorder
}

// idleKinds are ways to connect client i and to have it say an event, which the server
// answers, so that it is idle after a conversation.
var idleKinds = []struct {
	name string
	most float64 // bytes of a client that the server's layers keep
	open func(s *socketio.Server, i int) *idleConn
	said []string
}{
	{"revision 5", 780, func(s *socketio.Server, i int) *idleConn {
		c, _ := idleServe(s, i, "/socket.io/?EIO=4&transport=websocket")
		return c
	}, []string{"40", `42["echo","hello"]`}},
	{"revision 5, upgraded", 780, func(s *socketio.Server, i int) *idleConn {
		poll := fmt.Sprintf("/socket.io/?EIO=4&transport=polling&t=%07x", i)
		_, w := idleServe(s, i, poll)
		_, rest, _ := strings.Cut(w.Body.String(), `"sid":"`)
		sid, _, _ := strings.Cut(rest, `"`)
		go idleServe(s, i, poll+"&sid="+sid) // ends with the probe
		synctest.Wait()
		c, _ := idleServe(s, i, "/socket.io/?EIO=4&transport=websocket&sid="+sid)
		return c
	}, []string{"2probe", "5", "40", `42["echo","hello"]`}},
	{"revision 1", 780, func(s *socketio.Server, i int) *idleConn {
		_, w := idleServe(s, i, fmt.Sprintf("/socket.io/1/?t=%d", 1382000000000+i))
		sid, _, _ := strings.Cut(w.Body.String(), ":")
		c, _ := idleServe(s, i, "/socket.io/1/websocket/"+sid)
		return c
	}, []string{`5:::{"name":"echo","args":["hello"]}`}},
}

// TestIdleHeap says what an idle WebSocket client keeps on the heap, and where it was
// allocated: by the layers that this module has above its connections, which is
// bounded; by internal/conn; and of the requests. What the test itself allocates, and
// stacks, do not count. More clients, for figures: go test -run IdleHeap -v -idle 10000
func TestIdleHeap(t *testing.T) {
	for _, kind := range idleKinds {
		t.Run(kind.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := socketio.NewServer(&socketio.Options{MaxUnopened: *idleClients + 1})
				socketio.On(s, "echo", func(s *socketio.Socket, text string) { s.Emit("echo", text) })
				defer func(rate int) { runtime.MemProfileRate = rate }(runtime.MemProfileRate)
				runtime.MemProfileRate = 1
				before := heapByFunc()
				conns := make([]*idleConn, *idleClients)
				for i := range conns {
					conns[i] = kind.open(s, i)
				}
				for _, text := range kind.said {
					for _, c := range conns {
						c.in <- wstest.Frames(wstest.Frame{Op: websocket.Text, Payload: []byte(text)})
					}
					settle()
				}
				if s.Len() != len(conns) {
					t.Fatalf("%d of %d clients are there", s.Len(), len(conns))
				}
				after := heapByFunc()
				reportIdle(t, before, after, kind.most)
				for _, c := range conns {
					close(c.in)
				}
				s.Close()
			})
		})
	}
}

// reportIdle logs the difference of two profiles per client, and compares it.
func reportIdle(t *testing.T, before, after map[string]int64, most float64) {
	layers, engine := 0.0, 0.0
	each := make(map[string]float64)
	for where, bytes := range after {
		n := float64(bytes-before[where]) / float64(*idleClients)
		if strings.HasPrefix(where, "internal/conn.") {
			engine += n
		} else {
			layers += n
		}
		each[where] = n
	}
	where := slices.SortedFunc(maps.Keys(each), func(a, b string) int { return cmp.Compare(each[b], each[a]) })
	for _, w := range where {
		if each[w] >= 0.5 {
			t.Logf("%7.1f  %s", each[w], w)
		}
	}
	t.Logf("%7.1f  bytes per client above internal/conn, which has %.1f more", layers, engine)
	if layers > most {
		t.Errorf("an idle client keeps %.1f bytes, more than %.1f", layers, most)
	}
}

// heapByFunc returns the bytes in use by the functions of this module that allocated
// them.
func heapByFunc() map[string]int64 {
	runtime.GC()
	runtime.GC() // the profile is that of the last but one's end
	records := make([]runtime.MemProfileRecord, 4096)
	for {
		n, ok := runtime.MemProfile(records, false)
		if ok {
			records = records[:n]
			break
		}
		records = make([]runtime.MemProfileRecord, 2*n)
	}
	sum := make(map[string]int64)
	for i := range records {
		if where := allocator(records[i].Stack()); where != "" {
			sum[where] += records[i].InUseBytes()
		}
	}
	return sum
}

// allocator returns the function and line of this module that an allocation is due to;
// empty: a test, the runtime, or the workers, of which there are as many as cores allow.
func allocator(stack []uintptr) string {
	const module = "github.com/sockeye-io/socketio"
	frames := runtime.CallersFrames(stack)
	for {
		f, more := frames.Next()
		switch f.Function {
		case "net/http.ReadRequest":
			return f.Function
		case "runtime.acquireSudog":
			return "" // of who waits in a select; the runtime keeps it for the next
		}
		if name, ok := strings.CutPrefix(f.Function, module); ok {
			if strings.HasSuffix(f.File, "_test.go") || strings.Contains(name, "/wstest.") ||
				strings.HasPrefix(name, "/internal/worker.") {
				return ""
			}
			return fmt.Sprint(strings.TrimPrefix(name, "/"), ":", f.Line)
		}
		if !more {
			return ""
		}
	}
}
