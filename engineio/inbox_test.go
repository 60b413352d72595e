package engineio_test

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/socketio/engineio"
)

// blocking returns a server whose handler of messages waits for the channel.
func blocking(o *engineio.Options) (*engineio.Server, *journal, chan struct{}) {
	srv, j := echo(o)
	release := make(chan struct{})
	srv.OnMessage(func(s *engineio.Socket, m engineio.Message) {
		<-release
		if err := s.Send(m); err != nil {
			j.add("%v", err)
		}
	})
	return srv, j, release
}

// TestPause: a handler that blocks stops the reading at the inbox's bound (THREATS.md,
// "Default limits"). It may do so for longer than a client may be silent: nobody is
// taken for lost whose words are not read. Then all goes on, and nothing is missing.
func TestPause(t *testing.T) {
	for _, bound := range []struct {
		name           string
		size, accepted int // of those sent one by one; the first is the handler's
	}{
		{"messages", 10, 1 + 256},
		{"bytes", 300_000, 1 + 4}, // 3 are below 1 MiB, so another one is read
	} {
		t.Run(bound.name, func(t *testing.T) {
			each(t, func(t *testing.T, mode string) { pause(t, mode, bound.size, bound.accepted) })
		})
	}
}

func pause(t *testing.T, mode string, size, want int) {
	srv, j, release := blocking(nil)
	c := serve(t, srv).connect(mode)
	message := func(i int) string { return fmt.Sprintf("%0*d", size, i) }
	total := want + want/10 + 3
	var accepted atomic.Int64
	go func() { // ends when all is sent
		for i := range total {
			if !c.send("4" + message(i)) {
				return
			}
			accepted.Add(1)
			if i == 0 {
				synctestSettle()
			}
		}
	}()
	time.Sleep(10 * time.Minute)
	synctest.Wait()
	if n := int(accepted.Load()); n != want {
		t.Errorf("%d messages were accepted, want %d", n, want)
	}
	j.want(t, "connect")
	j.silence(t)
	close(release)
	for i := range total {
		c.want("text " + message(i))
	}
	j.silence(t)
}

// synctestSettle lets the server take what it was sent; in a bubble it takes no time.
func synctestSettle() { time.Sleep(time.Millisecond) }

// TestPausedPost: the body of a POST is not read while the inbox is full.
func TestPausedPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, _, release := blocking(nil)
		s := serve(t, srv)
		c := s.connect("polling")
		full := strings.Repeat("4a\x1e", 299) + "4a" // a body is taken whole
		if !c.send(full) {
			t.Fatal("not accepted")
		}
		nc := s.dial()
		defer nc.Close()
		body := "4" + strings.Repeat("x", 100_000)
		fmt.Fprintf(nc, "POST %spolling&sid=%s HTTP/1.1\r\nHost: example.com\r\nContent-Length: %d\r\n\r\n", page, c.sid, len(body))
		var written atomic.Int64
		go func() { // ends when the body is read
			for part := body; part != ""; part = part[min(len(part), 1000):] {
				if _, err := io.WriteString(nc, part[:min(len(part), 1000)]); err != nil {
					return
				}
				written.Add(1000)
			}
		}()
		synctest.Wait()
		// net/http reads ahead into a buffer of 4 KiB.
		if n := written.Load(); n > 4096 {
			t.Errorf("%d bytes of the body were read", n)
		}
		close(release)
		for range 300 {
			c.want("text a")
		}
		c.want("text " + body[1:])
	})
}

// TestStopAndGo: pausing and resuming race each other, and no socket is forgotten.
func TestStopAndGo(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		const messages = 5000
		srv, j := echo(nil)
		handled := 0
		srv.OnMessage(func(s *engineio.Socket, m engineio.Message) {
			if handled++; handled%1000 == 0 {
				_ = s.Send(m)
			}
		})
		c := serve(t, srv).connect(mode)
		go func() { // ends when all is sent
			for range messages / 250 { // a batch all but fills the inbox
				c.send(strings.Split(strings.Repeat("4x ", 249)+"4x", " ")...)
			}
		}()
		for range messages / 1000 {
			c.want("text x")
		}
		j.want(t, "connect")
		j.silence(t)
	})
}

// TestIndependent: a handler that blocks holds up nobody else.
func TestIndependent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, _ := echo(nil)
		release := make(chan struct{})
		srv.OnMessage(func(s *engineio.Socket, m engineio.Message) {
			if string(m.Data) == "block" {
				<-release
			}
			_ = s.Send(m)
		})
		s := serve(t, srv)
		blocked := s.connect("websocket")
		blocked.send("4block", "4after")
		for _, mode := range modes {
			c := s.connect(mode)
			c.send("4hello")
			c.want("text hello")
		}
		close(release)
		blocked.want("text block", "text after")
	})
}
