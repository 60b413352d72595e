package transport

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio/internal/session"
)

func post(path, fields, body string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body
}

func length(body string) string { return "Content-Length: " + strconv.Itoa(len(body)) + "\r\n" }

// chunk writes body as one chunk and the end.
func chunk(body string) string {
	return strconv.FormatInt(int64(len(body)), 16) + "\r\n" + body + "\r\n0\r\n\r\n"
}

func TestBodies(t *testing.T) {
	const chunked = "Transfer-Encoding: chunked\r\n"
	big := "4" + strings.Repeat("x", 100_000) // one byte too many
	tests := []struct {
		why, fields, body string
		status            int
		rev1              int
		closes, lives     bool
	}{
		{"simple", length("4x"), "4x", 200, 200, false, true},
		{"the limit", length(big[:100_000]), big[:100_000], 200, 200, false, true},
		{"chunked, and never reused", chunked, chunk("4x"), 200, 200, true, true},
		{"octets are no reason to stay silent", "Content-Type: application/octet-stream\r\n" + length("4x"), "4x", 200, 200, false, true},
		{"identity", "Content-Encoding: identity\r\n" + length("4x"), "4x", 200, 200, false, true},
		{"compressed", "Content-Encoding: gzip\r\n" + length("4x"), "4x", 415, 415, true, true},
		{"too long", length(big), big, 413, 413, true, false},
		{"too long, chunked", chunked, chunk(big), 413, 413, true, false},
		{"too long, announced only", "Content-Length: 9223372036854775807\r\n", "4", 413, 413, true, false},
		{"broken chunks", chunked, "zz\r\n", 400, 400, true, false},
	}
	st := start(t, nil)
	for _, tt := range tests {
		sid := st.open()
		path := eio + "polling&sid=" + sid
		w := st.dial()
		w.send(post(path, tt.fields, tt.body))
		r := w.answer()
		if r.status != tt.status || (r.header.Get("Connection") == "close") != tt.closes {
			t.Errorf("%s: %d, Connection %q", tt.why, r.status, r.header.Get("Connection"))
		}
		if lives := st.find(sid) != nil; lives != tt.lives {
			t.Errorf("%s: session lives: %v", tt.why, lives)
		}
		if tt.closes {
			w.eof()
		}
		// Revision 1's sessions outlive a bad POST ([T post-too-large]).
		sid = st.openRev1()
		w = st.dial()
		w.send(post("/socket.io/1/xhr-polling/"+sid, tt.fields, tt.body))
		if r := w.answer(); r.status != tt.rev1 || st.find(sid) == nil {
			t.Errorf("%s: revision 1: %+v", tt.why, r)
		}
	}
}

// TestRefusedBody: the body of a refused request is not taken for the next one.
func TestRefusedBody(t *testing.T) {
	st := start(t, nil)
	smuggled := "GET /socket.io/1/ HTTP/1.1\r\nHost: x\r\n\r\n"
	w := st.dial()
	w.send(post(eio+"polling&sid=made-up", length(smuggled), smuggled))
	if r := w.answer(); r.status != 400 || r.header.Get("Connection") != "close" {
		t.Errorf("answer: %+v", r)
	}
	w.eof()
	// Content-Length and chunked: answered once and closed (THREATS.md, "Ambiguous requests").
	sid := st.open()
	w = st.dial()
	w.send(post(eio+"polling&sid="+sid, length("4x")+"Transfer-Encoding: chunked\r\n", chunk("4x")+smuggled))
	if r := w.answer(); r.header.Get("Connection") != "close" {
		t.Errorf("answer: %+v", r)
	}
	w.eof()
	if n := st.Sessions(); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

func TestGetWithBody(t *testing.T) {
	st := start(t, nil)
	w := st.dial()
	w.send("GET " + eio + "polling HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
	if r := w.answer(); r.status != 400 {
		t.Errorf("answer: %+v", r)
	}
}

func TestBrokenPayload(t *testing.T) {
	st := start(t, nil)
	for _, body := range []string{"abc", "", "9", "4x\x1ebad!", "\xFF"} {
		path := eio + "polling&sid=" + st.open()
		if r := st.do("POST", path, body); r.status != 400 || r.body != `{"code":3,"message":"Bad request"}` {
			t.Errorf("%q: %+v", body, r)
		}
		if r := st.do("GET", path, ""); r.status != 400 || !strings.Contains(r.body, `"code":1`) {
			t.Errorf("%q: poll: %+v", body, r)
		}
	}
}

// TestTwoPosts has one POST under way when the next comes.
func TestTwoPosts(t *testing.T) {
	st := start(t, nil)
	begin := func(path, body string) *wire {
		w := st.dial()
		w.send(post(path, length(body)+"Expect: 100-continue\r\n", ""))
		// The body is being read when the server asks for it.
		if line, err := w.r.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
			t.Fatalf("%q %v", line, err)
		}
		_, _ = w.r.ReadString('\n')
		return w
	}
	t.Run("Engine.IO refuses the second", func(t *testing.T) {
		sid := st.open()
		path := eio + "polling&sid=" + sid
		first := begin(path, "4a")
		if r := st.do("POST", path, "4b"); r.status != 400 {
			t.Errorf("second: %+v", r)
		}
		// The session has ended, and does not wait for the body.
		if r := first.answer(); r.status != 400 && r.status != 408 {
			t.Errorf("first: %+v", r)
		}
		if st.find(sid) != nil {
			t.Error("session lives")
		}
	})
	t.Run("revision 1 keeps the order of arrival", func(t *testing.T) {
		path := "/socket.io/1/xhr-polling/" + st.openRev1()
		first := begin(path, "3:::a")
		second := begin(path, "3:::b")
		second.send("3:::b")
		first.send("3:::a")
		if r := first.answer(); r.body != "1" {
			t.Errorf("first: %+v", r)
		}
		if r := second.answer(); r.body != "1" {
			t.Errorf("second: %+v", r)
		}
		if r := st.do("GET", path, ""); r.body != "\ufffd5\ufffd3:::a\ufffd5\ufffd3:::b" {
			t.Errorf("poll: %+v", r)
		}
	})
}

// TestPausePost: at a full inbox the next POST's body is not read (ARCHITECTURE
// decision 17) until the session resumes or ends.
func TestPausePost(t *testing.T) {
	st := start(t, nil)
	for _, how := range []string{"resume", "end"} {
		sid := st.open()
		path := eio + "polling&sid=" + sid
		s := st.session(sid)
		s.Pause()
		w := st.dial()
		w.send(post(path, length("4x")+"Expect: 100-continue\r\n", ""))
		until(t, "the POST is under way", func() bool {
			// A second one would be refused and end the session, so ask the session.
			return s.Resumed() != nil && st.posting.Load() == 1
		})
		if how == "resume" {
			s.Resume()
			if line, err := w.r.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
				t.Fatalf("%q %v", line, err)
			}
			_, _ = w.r.ReadString('\n')
			w.send("4x")
			if r := w.answer(); r.body != "ok" {
				t.Errorf("resumed: %+v", r)
			}
			continue
		}
		s.Fail(session.TransportError)
		if res, err := http.ReadResponse(w.r, nil); err != nil || res.StatusCode == 200 {
			t.Errorf("ended: %v %v", res, err)
		}
	}
}

// TestCutBody ends a POST in the middle of its body.
func TestCutBody(t *testing.T) {
	st := start(t, nil)
	sid := st.open()
	w := st.dial()
	w.send(post(eio+"polling&sid="+sid, "Content-Length: 10\r\n", "4x"))
	w.Close()
	get(t, st.h.reasons, "the end of the session")
	if len(st.h.got) > 0 {
		t.Error("half a body was handled")
	}

	sid = st.openRev1()
	w = st.dial()
	w.send(post("/socket.io/1/xhr-polling/"+sid, "Content-Length: 10\r\n", "3:::x"))
	w.Close()
	path := "/socket.io/1/xhr-polling/" + sid
	if r := st.do("POST", path, "3:::y"); r.body != "1" {
		t.Errorf("next POST: %+v", r)
	}
	if r := st.do("GET", path, ""); r.body != "3:::y" {
		t.Errorf("poll: %+v", r)
	}
}
