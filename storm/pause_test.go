package storm

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockeye-io/socketio"
	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// An inbox is a server whose handler of "number" waits to be released.
type inbox struct {
	*site
	release chan struct{}
	context chan context.Context // of each socket that begins to handle
	handled chan int
}

const inboxEvents = 8

func newInbox(t *testing.T, engine string) *inbox {
	t.Helper()
	b := &inbox{
		site: serve(t, engine, socketio.Options{
			MaxInboxEvents: inboxEvents, PingInterval: patience, PingTimeout: patience,
		}, smallBuffers),
		release: make(chan struct{}), context: make(chan context.Context, 1), handled: make(chan int, 1<<20),
	}
	socketio.On(b, "number", func(s *socketio.Socket, a struct {
		socketio.Tuple
		Number int
		Pad    string
	}) {
		if a.Number == 0 {
			b.context <- s.Context()
		}
		<-b.release
		b.handled <- a.Number
	})
	return b
}

// stuff sends numbered events until they are so many bytes or it is told to stop, and
// counts them.
func (c *client) stuff(most int, pad string, count *atomic.Int64) error {
	for n := 0; n*len(pad) < most; n++ {
		if err := c.emit("number", fmt.Sprintf("%d,%q", n, pad)); err != nil {
			return err
		}
		count.Add(1)
	}
	return nil
}

// TestInboxStops: once a client's inbox is full, nothing more is read from it, however
// much it sends; then it can send no more. Released, everything is handled in order.
func TestInboxStops(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		for _, rev1 := range revisions {
			b := newInbox(t, engine)
			before := measure()
			c := b.connect(rev1)
			smallBuffers(c.tcp)
			base := measure().heap
			const most = 4 << 20
			var sent atomic.Int64
			done := make(chan error, 1)
			go func() { done <- c.stuff(most, strings.Repeat("x", 1000), &sent) }() // ends when all is sent
			receive(t, "the handler runs", b.context)
			// It has stopped when it gets no further. Looked at too early, it is only
			// found to have sent less.
			for last := int64(-1); last != sent.Load(); {
				last = sent.Load()
				receive(t, "time passes", time.After(100*time.Millisecond))
			}
			stopped := sent.Load()
			used := measure().heap - base
			t.Logf("stopped after %d of %d events, %d KiB in use", stopped, most/1000, used>>10)
			select {
			case err := <-done:
				t.Errorf("all was taken although nothing was handled (%v)", err)
			default:
			}
			if used > most/4 {
				t.Errorf("%d bytes in use for %d events", used, inboxEvents)
			}
			close(b.release)
			must(t, receive(t, "all is sent", done))
			for n := range int(sent.Load()) {
				if got := receive(t, "all is handled", b.handled); got != n {
					t.Fatalf("handled %d, want %d", got, n)
				}
			}
			must(t, c.leave())
			b.settled(before)
		}
	})
}

// TestPausedEnd: a paused connection ends. Where the engine promises it, that is noticed
// at once, while the handler still runs; else when something is sent. What was read
// before is handled, in order, when the handler goes on.
func TestPausedEnd(t *testing.T) {
	ends := []struct {
		name string
		do   func(*client)
		// atOnce: the engines that notice although they do not read. The others
		// have no goroutine that could, and notice when they send.
		atOnce map[string]bool
		// whole: the engines that read the rest, too. A RST destroys it.
		whole map[string]bool
	}{
		{"RST", func(c *client) { c.reset() }, map[string]bool{"epoll": true}, nil},
		{"FIN", func(c *client) { c.Close() }, map[string]bool{"epoll": true}, map[string]bool{"epoll": true}},
	}
	eachEngine(t, func(t *testing.T, engine string) {
		for _, end := range ends {
			for _, rev1 := range revisions {
				t.Run(fmt.Sprintf("%s of revision 1 %t", end.name, rev1), func(t *testing.T) {
					pausedEnd(t, engine, rev1, end.atOnce[engine], end.whole[engine], end.do)
				})
			}
		}
	})
}

// pauses fills the inbox of c, and returns when nothing more is read: one event is being
// handled, and as many as an inbox holds wait. A pong says that what precedes its ping
// was read, and the last two arrive in one segment.
func (b *inbox) pauses(c *client) context.Context {
	b.t.Helper()
	for n := range inboxEvents + 1 {
		f := wstest.Frames(wstest.Frame{Op: websocket.Text, Payload: []byte(c.event("", "", "number", fmt.Sprintf("%d,%q", n, "x")))}, ping(""))
		_, err := c.Write(f)
		must(b.t, err)
		_, err = c.until("pong")
		must(b.t, err)
	}
	return receive(b.t, "the handler runs", b.context)
}

func pausedEnd(t *testing.T, engine string, rev1, atOnce, whole bool, end func(*client)) {
	b := newInbox(t, engine)
	gone := make(chan string, 1)
	b.OnDisconnect(func(_ *socketio.Socket, reason string) { gone <- reason })
	before := measure()
	c := b.connect(rev1)
	ctx := b.pauses(c)
	const events = 30
	for n := inboxEvents + 1; n < events; n++ { // these the kernel keeps
		must(t, c.emit("number", fmt.Sprintf("%d,%q", n, "x")))
	}
	end(c)
	for !atOnce && ctx.Err() == nil {
		_ = b.Emit("anybody there")
		receive(t, "time passes", time.After(time.Millisecond))
	}
	receive(t, "the end is noticed", ctx.Done())
	select {
	case n := <-b.handled:
		t.Errorf("%d was handled before the release", n)
	default:
	}
	close(b.release)
	reason := receive(t, "OnDisconnect", gone)
	n := 0
	for ; len(b.handled) > 0; n++ {
		if got := <-b.handled; got != n {
			t.Fatalf("handled %d, want %d", got, n)
		}
	}
	t.Logf("%s; %d of %d events were handled", reason, n, events)
	if n <= inboxEvents || whole && n < events {
		t.Errorf("%d events were handled, of %d that had been read at least", n, inboxEvents+1)
	}
	b.settled(before)
}
