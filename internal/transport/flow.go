package transport

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	"github.com/sockeye-io/socketio/internal/conn"
	"github.com/sockeye-io/socketio/internal/framing"
	"github.com/sockeye-io/socketio/internal/generation"
	"github.com/sockeye-io/socketio/internal/session"
)

// A flow is an answer that goes on for as long as its session, one part for each
// packet: the transport of a session, on the goroutine of its request. It stays with
// net/http, which has the chunks, the wrappers and HTTP/2; its clients are the browsers
// that had nothing better, Internet Explorer up to 9 and Firefox 3, and few.
type flow struct {
	wake  chan struct{}
	place uint8

	mu   sync.Mutex
	rc   *http.ResponseController // nil when the request is over
	late time.Duration            // how long the goodbye may take
}

// parts say what a flow looks like. Each answer has a boundary of its own, which
// nobody knows who could put one into a packet.
type parts struct {
	contentType func(boundary string) string
	head        func(dst []byte, boundary string) []byte
	part        func(dst []byte, boundary string, packet []byte) []byte
}

var (
	// [T htmlfile]
	htmlParts = parts{
		contentType: func(string) string { return "text/html; charset=UTF-8" },
		head:        func(dst []byte, _ string) []byte { return append(dst, framing.HTMLFileHead...) },
		part:        func(dst []byte, _ string, packet []byte) []byte { return framing.AppendHTMLFile(dst, packet) },
	}
	// [T v06-xhr-multipart]; no client of revision 1 asks for it (revision-1.md §8.7).
	multipartParts = parts{
		contentType: func(boundary string) string { return `multipart/x-mixed-replace;boundary="` + boundary + `"` },
		head:        framing.MultipartBegin,
		part:        framing.AppendPart,
	}
)

// htmlFile serves an iframe of Internet Explorer's.
func (x *exchange) htmlFile() { x.flow(&htmlParts) }

// multipart serves an XMLHttpRequest of Firefox before 4.
func (x *exchange) multipart() { x.flow(&multipartParts) }

// flow serves a GET by an answer that goes on, and a POST as polling does.
func (x *exchange) flow(p *parts) {
	if x.r.Method == http.MethodPost {
		x.post()
		return
	}
	if x.r.ContentLength != 0 {
		x.link.badTime(x) // as for a poll
		return
	}
	if !x.canFlush() {
		return
	}
	boundary := "socketio-" + rand.Text()
	h := x.w.Header()
	h["Content-Type"] = []string{p.contentType(boundary)}
	h["Cache-Control"] = noStore
	h["X-Accel-Buffering"] = noBuffer
	head := p.head(nil, boundary)
	sess := x.find()
	f := &flow{wake: make(chan struct{}, 1), place: x.place, rc: &x.rc, late: x.s.linger()}
	defer f.over()
	if sess == nil || sess.Bind(x.s.Now(), f) != nil {
		// [T xhr-polling-bad-session]: the transport's usual answer
		x.push(p.part(head, boundary, []byte(generation.Revision1.Bye.Drain.Poll)))
		return
	}
	// "socket end" [T htmlfile]; the session may have ended before. Also if this panics.
	defer sess.Lost(f, session.TransportClose)
	x.opened(sess)
	ok := x.push(head)
	for ok {
		ok = x.flowOn(sess, f, p, boundary)
	}
}

// flowOn writes what the session has, or waits until there is something. It reports
// whether more may follow. When the server stops, the client is told to come back as in
// a poll (revision-1.md §7.5, "to drain a server"): of the end of an htmlfile clients of
// 0.8 notice nothing.
func (x *exchange) flowOn(sess *session.Session, f *flow, p *parts, boundary string) (more bool) {
	var batch [16]*session.Cast
	casts, status := sess.TakeStream(f, batch[:0], conn.MaxWrite)
	switch status {
	case session.Hold:
		time.AfterFunc(session.HoldTime, func() { sess.LetGo(f) }) // ends at once
		fallthrough
	case session.Wait:
		select {
		case <-f.wake:
			return true
		case <-x.r.Context().Done():
			return false
		}
	}
	ok := false
	// A panic is net/http's way to say that a connection has failed, too.
	defer func() { sess.Done(x.s.Now(), f, ok) }()
	var out []byte
	for _, c := range casts {
		e := c.For(x.route.Generation)
		if e.Err != nil {
			x.s.skip(e.Err, sess)
			continue
		}
		for _, m := range e.Messages {
			out = p.part(out, boundary, m.Data)
		}
	}
	if status == session.Final && x.s.refusing.Load() && len(out) == 0 && sess.Carrier() == session.Transport(f) {
		out = p.part(out, boundary, []byte(generation.Revision1.Bye.Drain.Poll))
	}
	ok = len(out) == 0 || x.push(out)
	return ok && status == session.Send
}

// push writes and flushes, in a time of its own. When that is over HTTP/2 would end an
// answer with nothing to write, too.
func (x *exchange) push(b []byte) bool {
	x.setWriteDeadline()
	_, err := x.w.Write(b)
	if err == nil {
		err = x.rc.Flush()
	}
	if err == nil {
		_ = x.rc.SetWriteDeadline(time.Time{})
	}
	return err == nil
}

// Wake implements session.Transport.
func (f *flow) Wake() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Resume implements session.Transport; a flow does not read.
func (f *flow) Resume() {}

// Go implements session.Transport; the request's goroutine waits for the session.
func (f *flow) Go(session.Job) bool { return false }

// Yield implements session.Transport.
func (f *flow) Yield() {}

// Close implements session.Transport. A client that does not read is not waited for.
func (f *flow) Close(session.Reason) {
	f.mu.Lock()
	if f.rc != nil {
		_ = f.rc.SetWriteDeadline(time.Now().Add(f.late))
	}
	f.mu.Unlock()
	f.Wake()
}

func (f *flow) at() uint8 { return f.place }

// over notes that the request is not the flow's any more.
func (f *flow) over() {
	f.mu.Lock()
	f.rc = nil
	f.mu.Unlock()
}
