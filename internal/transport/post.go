package transport

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/sockeye-io/socketio/internal/framing"
	"github.com/sockeye-io/socketio/internal/session"
)

var (
	errTooLarge = errors.New("transport: body is too large")
	errEnded    = errors.New("transport: session has ended")
)

// post takes what a client sends by a POST.
func (x *exchange) post() {
	sess := x.find()
	if sess == nil {
		x.link.unknownPost(x)
		return
	}
	// Nothing is inflated here, so that nothing small can become big.
	if e := x.r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		x.deny(http.StatusUnsupportedMediaType, "content encodings are not supported")
		return
	}
	peerOf(sess).marks.setPolledBy(x.place)
	turn, err := sess.BeginPost(x.s.Now())
	switch {
	case errors.Is(err, session.ErrUnknown):
		x.link.unknownPost(x)
		return
	case err != nil:
		x.link.badTime(x)
		return
	}
	x.opened(sess)
	x.posted(sess, x.take(sess, turn))
}

// take reads the body when the session wants it, and hands it over when it is its turn.
func (x *exchange) take(sess *session.Session, turn session.Turn) error {
	defer sess.EndPost(turn)
	x.s.posting.Add(1)
	defer x.s.posting.Add(-1)
	if x.r.ContentLength > int64(x.s.maxPayload(sess)) {
		return errTooLarge
	}
	if err := x.awaitReading(sess); err != nil {
		return err
	}
	body, err := x.readBody(sess)
	if turn.Come != nil {
		<-turn.Come // even if it failed: those behind wait for this one
	}
	if err != nil {
		return err
	}
	if b := x.t.bodies; b != nil {
		var ok bool
		if body, ok = b.unwrap(body); !ok {
			return nil
		}
	}
	x.awaitPoll(sess, body)
	if err := sess.ReceivePayload(x.s.Now(), body); err != nil {
		x.s.offended(err, sess)
		return errEnded
	}
	return nil
}

// awaitReading waits until the session lets the body be read. The time that the body
// has, which began with the request, begins then.
func (x *exchange) awaitReading(sess *session.Session) error {
	resumed := sess.Resumed()
	if resumed == nil {
		return nil
	}
	for ; resumed != nil; resumed = sess.Resumed() {
		select {
		case <-resumed: // also when the session ends
		case <-x.r.Context().Done():
			return x.r.Context().Err()
		}
	}
	_ = x.rc.SetReadDeadline(time.Now().Add(x.s.cfg.BodyTimeout))
	return nil
}

// pollDelay is how long a poll may be behind the POST that was sent with it.
const pollDelay = 50 * time.Millisecond

// awaitPoll gives a poll that was sent together with a close packet, on another
// connection, time to arrive: it is to be answered with what the close packet says,
// not refused (Engine.IO 4 test suite, "forcefully closes the session"). Who sends its
// poll after the answer to the POST finds the session gone.
func (x *exchange) awaitPoll(sess *session.Session, body []byte) {
	if !x.link.awaitPoll {
		return
	}
	f, err := x.route.Generation.Framing.Parse(body, false)
	if err != nil || f.Kind != framing.Close {
		return
	}
	if arrived := peerOf(sess).noPoll(); arrived != nil {
		late := time.NewTimer(pollDelay)
		defer late.Stop()
		select {
		case <-arrived:
		case <-late.C:
		}
	}
}

// readBody reads the request's body within its time, which ServeHTTP or awaitReading
// set, and the session's life. net/http lifts the deadline at the body's end.
func (x *exchange) readBody(sess *session.Session) ([]byte, error) {
	p := peerOf(sess)
	if !p.beginRead(x) {
		return nil, errEnded
	}
	body, err := readAll(x.r.Body, int(x.r.ContentLength), x.s.maxPayload(sess))
	if p.endRead(x) {
		// An interruption that came too late would end the next request's context.
		x.w.Header()["Connection"] = closing
	}
	return body, err
}

const (
	firstRead = 4 << 10 // of a body, whatever length it claims
	unknown   = 512     // of one that claims none
)

// readAll reads a body of at most max bytes into memory of its own. length is what it
// claims, or -1; what is allocated follows what has come.
func readAll(r io.Reader, length, max int) ([]byte, error) {
	if length == 0 {
		return nil, nil
	}
	first := unknown
	if length > 0 {
		first = min(length, firstRead)
	}
	b := make([]byte, 0, first)
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case len(b) > max:
			return nil, errTooLarge
		case err == io.EOF, err == nil && len(b) == length:
			return b, nil
		case err != nil:
			return nil, err
		}
		if len(b) == cap(b) {
			size := 2 * cap(b)
			if length > 0 {
				size = min(size, length)
			}
			b = append(make([]byte, 0, size), b...)
		}
	}
}

// posted answers the POST.
func (x *exchange) posted(sess *session.Session, err error) {
	switch {
	case err == nil, errors.Is(err, errEnded) && !x.link.badPayload:
		x.postAnswer()
		return
	case errors.Is(err, errEnded):
		x.link.badTime(x)
		return
	}
	if !x.link.keepOnCut {
		sess.Fail(session.TransportError) // its client counts on what was in the body
	}
	x.w.Header()["Connection"] = closing
	switch {
	case errors.Is(err, errTooLarge):
		x.deny(http.StatusRequestEntityTooLarge, "body is too large")
	case errors.Is(err, os.ErrDeadlineExceeded):
		x.deny(http.StatusRequestTimeout, "body did not come in time")
	default:
		x.link.badTime(x)
	}
}

// postAnswer says that a body was taken, or that nobody cares.
func (x *exchange) postAnswer() {
	if x.link.postXSS && x.origin != "" {
		x.w.Header()["X-XSS-Protection"] = valueZero // [T cors]
	}
	x.answer(http.StatusOK, x.link.postType, x.link.postDone)
}
