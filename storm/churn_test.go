package storm

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sockeye-io/socketio"
	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// A phase is how far a client comes before it is gone.
type phase struct {
	name string
	do   func(addr string, rev1 bool) (*client, error)
}

// bare makes a client of nothing but a TCP connection, and writes.
func bare(addr string, rev1 bool, text string) (*client, error) {
	nc, err := dialTCP(addr)
	if err != nil {
		return nil, err
	}
	c := &client{&wstest.Conn{Conn: nc}, nc, rev1}
	if text != "" {
		_, err = nc.Write([]byte(text))
	}
	return c, err
}

const upgradeRequest = "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

var phases = []phase{
	{"before the request", func(addr string, rev1 bool) (*client, error) { return bare(addr, rev1, "") }},
	{"half a request", func(addr string, rev1 bool) (*client, error) {
		return bare(addr, rev1, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ")
	}},
	{"before 101", func(addr string, rev1 bool) (*client, error) {
		target, err := path(addr, rev1)
		if err != nil {
			return nil, err
		}
		return bare(addr, rev1, fmt.Sprintf(upgradeRequest, target))
	}},
	{"after 101", open},
	{"after CONNECT", func(addr string, rev1 bool) (*client, error) {
		c, err := open(addr, rev1)
		if err != nil || rev1 {
			return c, err
		}
		return c, c.WriteText("40")
	}},
	{"joined", join},
	{"in the middle of a frame", func(addr string, rev1 bool) (*client, error) {
		c, err := join(addr, rev1)
		if err != nil {
			return nil, err
		}
		f := wstest.Frames(wstest.Frame{Op: websocket.Text, Payload: []byte(c.event("", "", "echo", `"abcdefgh"`))})
		_, err = c.Write(f[:len(f)-5])
		return c, err
	}},
	{"with unread data", func(addr string, rev1 bool) (*client, error) {
		c, err := join(addr, rev1)
		if err != nil {
			return nil, err
		}
		smallBuffers(c.tcp)
		return c, c.emit("pour", "")
	}},
	{"with data on the way", func(addr string, rev1 bool) (*client, error) {
		c, err := join(addr, rev1)
		for i := 0; i < 20 && err == nil; i++ {
			err = c.emit("echo", fmt.Sprintf(`"%s"`, strings.Repeat("x", 1000)))
		}
		return c, err
	}},
}

// endings are how it goes then.
var endings = []func(*client){
	func(c *client) { c.reset() },
	func(c *client) { c.Close() },
	func(c *client) { _ = c.tcp.CloseWrite(); _, _ = c.Read(make([]byte, 1)); c.Close() },
}

// A chorus is clients that echo all the time, each one its own numbers.
type chorus struct {
	stop   chan struct{}
	errs   chan error
	size   int
	echoes atomic.Int64
}

func (s *site) chorus(size int) *chorus {
	s.t.Helper()
	ch := &chorus{stop: make(chan struct{}), errs: make(chan error, size), size: size}
	for i := range size {
		c := s.connect(i%2 == 1)
		go func() { // ends with stop
			for n := 0; ; n++ {
				select {
				case <-ch.stop:
					ch.errs <- c.leave()
					return
				default:
				}
				if err := c.echo(fmt.Sprintf("%d,%d", i, n)); err != nil {
					ch.errs <- fmt.Errorf("echo %d of client %d: %w", n, i, err)
					return
				}
				ch.echoes.Add(1)
			}
		}()
	}
	return ch
}

// end has the chorus leave. That every echo came is seen by then.
func (ch *chorus) end(t *testing.T) {
	t.Helper()
	close(ch.stop)
	for range ch.size {
		if err := receive(t, "the chorus ends", ch.errs); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d echoes meanwhile", ch.echoes.Load())
}

// TestStorm: connections come all at once and go in every phase. The others are
// served, and nothing is left.
func TestStorm(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		atOnce, waves, wave := sized(1000, 200), sized(10, 5), sized(500, 100)
		s := serve(t, engine, socketio.Options{PingInterval: patience, PingTimeout: patience}, nil)
		registerEcho(s)
		s.On("pour", func(s *socketio.Socket, _ *socketio.Event) {
			for range 200 {
				_ = s.Emit("drop", strings.Repeat("x", 1000))
			}
		})
		before := measure()
		ch := s.chorus(8)
		s.together(atOnce)
		for w := range waves {
			var wg sync.WaitGroup
			errs := make(chan error, wave)
			for i := range wave {
				wg.Go(func() {
					ph := phases[(w+i)%len(phases)]
					c, err := ph.do(s.addr, i%2 == 1)
					if err != nil {
						errs <- fmt.Errorf("%s: %w", ph.name, err)
						return
					}
					endings[(w+i/len(phases))%len(endings)](c)
				})
			}
			wg.Wait()
			close(errs)
			for err := range errs {
				t.Error(err)
			}
		}
		ch.end(t)
		s.settled(before)
	})
}

// together has n clients connect at the same moment, and leave when all are there.
func (s *site) together(n int) {
	s.t.Helper()
	there := s.Len()
	var joined, left sync.WaitGroup
	begin, errs := make(chan struct{}), make(chan error, n)
	joined.Add(n)
	for i := range n {
		left.Go(func() {
			<-begin
			c, err := join(s.addr, i%2 == 1)
			joined.Done()
			joined.Wait()
			if err == nil {
				err = c.echo(fmt.Sprint(i))
			}
			if err == nil {
				err = c.leave()
			}
			if err != nil {
				errs <- err
			}
		})
	}
	close(begin)
	left.Wait()
	close(errs)
	for err := range errs {
		s.t.Error(err)
	}
	await(s.t, "those that came together have left", func() bool { return s.Len() == there })
}

// TestReuse: clients come and go so fast that descriptors are used again at once,
// while broadcasts and answers for those that have gone are under way. Each sees its
// own echoes only.
func TestReuse(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		const seats = 16
		visits := sized(150, 20)
		s := serve(t, engine, socketio.Options{PingInterval: patience, PingTimeout: patience}, nil)
		registerEcho(s)
		var ticks atomic.Int64
		s.OnConnect(func(*socketio.Socket) error { return s.Emit("tick", ticks.Add(1)) })
		// Answers from elsewhere come when the client may be gone.
		late := make(chan func(), 64)
		var answering sync.WaitGroup
		for range 4 {
			answering.Go(func() {
				for f := range late {
					f()
				}
			})
		}
		s.On("later", func(s *socketio.Socket, e *socketio.Event) {
			args := e.Args()
			late <- func() { _ = s.Emit("echo", args) }
		})
		s.On("out", func(s *socketio.Socket, _ *socketio.Event) { s.Disconnect(true) })
		before := measure()
		var wg sync.WaitGroup
		errs := make(chan error, seats)
		var most atomic.Int64
		for seat := range seats {
			wg.Go(func() {
				for n := range visits {
					if err := visit(s.addr, seat, n); err != nil {
						errs <- fmt.Errorf("visit %d of %d: %w", n, seat, err)
						return
					}
					if open := int64(files()); open > most.Load() {
						most.Store(open)
					}
				}
			})
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			t.Error(err)
		}
		s.settled(before)
		close(late)
		answering.Wait()
		t.Logf("%d connections on at most %d descriptors", seats*visits, most.Load())
	})
}

// visit is one client's: its echoes bear its name.
func visit(addr string, seat, n int) error {
	rev1 := (seat+n)%2 == 1
	c, err := join(addr, rev1)
	if err != nil {
		return err
	}
	defer c.Close()
	name := fmt.Sprintf("%d,%d", seat, n)
	for i := range 3 {
		event := [...]string{"echo", "later"}[i%2]
		args := fmt.Sprintf("%s,%d", name, i)
		if err := c.emit(event, args); err != nil {
			return err
		}
		m, err := c.until("echo", "tick")
		if err != nil {
			return err
		}
		if m.args != args {
			return fmt.Errorf("echo of %s is %s", args, m.args)
		}
	}
	switch n % 5 {
	case 0:
		return nil // FIN
	case 1:
		c.reset()
		return nil
	case 2: // answers are on their way
		for range 5 {
			_ = c.emit("later", name+`,"late"`)
		}
		c.reset()
		return nil
	case 3:
		err = c.emit("out", "")
	case 4:
		err = c.WriteText(map[bool]string{true: "0::", false: "41"}[rev1])
		if !rev1 {
			return err
		}
	}
	for err == nil { // until the server has ended the connection
		var m message
		if m, err = c.next(); m.name == "echo" {
			return fmt.Errorf("%s: got %v after all of its own", name, m)
		}
	}
	return nil
}
