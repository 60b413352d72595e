package socketio_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"

	"github.com/sockeye-io/socketio/internal/conn/conntest"
	"github.com/sockeye-io/socketio/internal/websocket"
	"github.com/sockeye-io/socketio/internal/websocket/wstest"
)

// pipes is a network in memory, which testing/synctest can wait for.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	kernel *conntest.Kernel // of connections that have descriptors
}

func newPipes(t testing.TB) *pipes {
	return &pipes{
		conns: make(chan net.Conn), closed: make(chan struct{}),
		kernel: conntest.New(&conntest.Options{
			// So little that most writes are cut short, and that a client that does not
			// read is noticed.
			Send: 512, Receive: 512,
			Server: hereAddr, Client: thereAddr, Fail: t.Errorf,
			// What a loop must bear; by the test's name, so that it is the same each time.
			Faults: conntest.Random(uint64(crc32.ChecksumIEEE([]byte(t.Name()))),
				conntest.Odds{Short: .3, Again: .1, Spurious: .1, Shuffle: .5}),
		}),
	}
}

var (
	hereAddr  = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80}
	thereAddr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711}
)

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return hereAddr }

func (p *pipes) dialContext(context.Context, string, string) (net.Conn, error) { return p.dial() }

// dial connects by pipes that only net.Conn's methods can read.
func (p *pipes) dial() (net.Conn, error) {
	there, here := net.Pipe()
	back, forth := net.Pipe()
	return p.connect(&duplex{Conn: there, out: forth}, &duplex{Conn: back, out: here})
}

// dialKernel connects by what a loop can serve.
func (p *pipes) dialKernel() (net.Conn, error) {
	there, here := p.kernel.Pipe()
	return p.connect(there, here)
}

func (p *pipes) connect(there, here net.Conn) (net.Conn, error) {
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		there.Close()
		here.Close()
		return nil, net.ErrClosed
	}
}

// finish checks that every descriptor has been given back.
func (p *pipes) finish(t testing.TB) {
	if p.kernel.Open() == 0 && p.kernel.Pollers() == 0 {
		return // which need not be in a bubble
	}
	synctest.Wait()
	if fds, pollers := p.kernel.Open(), p.kernel.Pollers(); fds != 0 || pollers != 0 {
		t.Errorf("%d descriptors and %d pollers are left", fds, pollers)
	}
}

// duplex is a connection of two pipes: unlike one, it can be closed by halves.
type duplex struct {
	net.Conn // what comes in
	out      net.Conn
}

func (d *duplex) Write(p []byte) (int, error)        { return d.out.Write(p) }
func (d *duplex) SetWriteDeadline(t time.Time) error { return d.out.SetWriteDeadline(t) }
func (d *duplex) CloseWrite() error                  { return d.out.Close() }
func (d *duplex) RemoteAddr() net.Addr               { return thereAddr }

func (d *duplex) SetDeadline(t time.Time) error {
	return errors.Join(d.Conn.SetDeadline(t), d.out.SetDeadline(t))
}

func (d *duplex) Close() error { return errors.Join(d.Conn.Close(), d.out.Close()) }

// A frame is one message of a link.
type frame struct {
	data   string
	binary bool
}

// A link carries frames. read and write may be called at the same time.
type link interface {
	write(frames []frame) error
	read() ([]frame, error)
}

// errEnd ends a link in good order; the text says how.
type errEnd string

func (e errEnd) Error() string { return string(e) }

// wsLink is a WebSocket.
type wsLink struct{ *wstest.Conn }

func (l wsLink) write(frames []frame) error {
	for _, f := range frames {
		var err error
		if f.binary {
			err = l.WriteBinary([]byte(f.data))
		} else {
			err = l.WriteText(f.data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l wsLink) read() ([]frame, error) {
	for {
		op, payload, err := l.Next()
		switch {
		case err != nil:
			return nil, err
		case op == websocket.Text || op == websocket.Binary:
			return []frame{{string(payload), op == websocket.Binary}}, nil
		case op == websocket.Close:
			code := 0
			if len(payload) >= 2 {
				code = int(binary.BigEndian.Uint16(payload))
			}
			_ = l.WriteClose(code, "")
			return nil, errEnd("code " + strconv.Itoa(code))
		}
	}
}

// pollLink is polling, of either generation.
type pollLink struct {
	http *http.Client
	url  string
	rev1 bool
}

func (l *pollLink) do(method, url string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := l.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", method, res.Status, b)
	}
	return b, err
}

func (l *pollLink) write(frames []frame) error {
	body := payloadRev1(frames)
	if !l.rev1 {
		body = payloadEIO(frames)
	}
	_, err := l.do("POST", l.url, body)
	return err
}

// payloadRev1: revision-1.md §5.3.
func payloadRev1(frames []frame) (body []byte) {
	if len(frames) == 1 {
		return []byte(frames[0].data)
	}
	for _, f := range frames {
		body = fmt.Appendf(body, "\ufffd%d\ufffd%s", len(utf16.Encode([]rune(f.data))), f.data)
	}
	return body
}

// payloadEIO: Engine.IO 4, "Payload encoding".
func payloadEIO(frames []frame) (body []byte) {
	for i, f := range frames {
		if i > 0 {
			body = append(body, '\x1e')
		}
		if f.binary {
			body = append(body, "b"+base64.StdEncoding.EncodeToString([]byte(f.data))...)
		} else {
			body = append(body, f.data...)
		}
	}
	return body
}

func (l *pollLink) read() ([]frame, error) {
	body, err := l.do("GET", l.url, nil)
	if err != nil {
		return nil, err
	}
	if l.rev1 {
		return splitRev1(string(body))
	}
	var frames []frame
	for part := range strings.SplitSeq(string(body), "\x1e") {
		f := frame{data: part}
		if rest, ok := strings.CutPrefix(part, "b"); ok {
			b, err := base64.StdEncoding.DecodeString(rest)
			if err != nil {
				return nil, err
			}
			f = frame{string(b), true}
		}
		frames = append(frames, f)
	}
	return frames, nil
}

func splitRev1(body string) (frames []frame, err error) {
	if !strings.HasPrefix(body, "\ufffd") {
		return []frame{{data: body}}, nil
	}
	for body != "" {
		parts := strings.SplitN(body, "\ufffd", 3)
		if len(parts) < 3 {
			return nil, fmt.Errorf("payload %q", body)
		}
		n, err := strconv.Atoi(parts[1])
		if err != nil {
			return nil, err
		}
		units := utf16.Encode([]rune(parts[2]))
		if n > len(units) {
			return nil, fmt.Errorf("payload %q", body)
		}
		frames = append(frames, frame{data: string(utf16.Decode(units[:n]))})
		body = string(utf16.Decode(units[n:]))
	}
	return frames, nil
}
