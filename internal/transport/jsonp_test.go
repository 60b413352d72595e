package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/socketio/internal/session"
)

// ownPage is what a script element of a page of the server's own says, and no Origin.
const ownPage = "Referer: http://own.example/chat?x"

// script takes the argument out of a script for callback n.
func (r reply) script(t testing.TB, n int) (text string) {
	t.Helper()
	literal, ok := strings.CutPrefix(r.body, fmt.Sprintf("io.j[%d](", n))
	literal, end := strings.CutSuffix(literal, ");")
	if !ok || !end || r.status != 200 {
		t.Fatalf("script %+v", r)
	}
	if err := json.Unmarshal([]byte(literal), &text); err != nil {
		t.Fatalf("%q: %v", literal, err)
	}
	return text
}

// TestCallbacks: [T jsonp-polling], "the page decides the callback number per request".
func TestCallbacks(t *testing.T) {
	st := start(t, nil)
	own := []string{"Host: own.example", ownPage}
	path := "/socket.io/1/jsonp-polling/" + st.handshakeRev1()
	r := st.do("GET", path+"?t=1&i=0", "", own...)
	if r.body != `io.j[0]("1::");` || r.header.Get("Content-Type") != "text/javascript; charset=UTF-8" ||
		r.header.Get("X-XSS-Protection") != "0" || r.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("first poll: %+v", r)
	}
	s := st.session(strings.TrimPrefix(path, "/socket.io/1/jsonp-polling/"))
	for query, n := range map[string]int{
		"?t=1&i=3": 3, "?t=1": 0, "?t=1&i=": 0, "?t=1&i=alert(1)": 0, "?t=1&i=5&i=6": 0, "?t=1&i=-1": 0, "?t=1&i=00": 0,
		"?i=007": 7, // deliberately a number: the reference echoes the digits
		"?i=%35": 0, "?i=5;": 0, "?i=5]%3balert(1)": 0, "?i": 0, "?ii=5": 0, "?xi=5": 0, "?i=999999999999999": 999999999999999,
		"?i=1000000000000000": 0, "?i=" + strings.Repeat("9", 1000): 0,
	} {
		send(s, text("x"))
		if got := st.do("GET", path+query, "", own...).script(t, n); got != "3:::x" {
			t.Errorf("%s: %q", query, got)
		}
	}
}

// openJSONP makes a session and opens it.
func (st *site) openJSONP() (sid string) {
	st.t.Helper()
	sid = st.handshakeRev1()
	if got := st.do("GET", "/socket.io/1/jsonp-polling/"+sid, "", "Host: own.example", ownPage).script(st.t, 0); got != "1::" {
		st.t.Fatalf("first poll: %q", got)
	}
	return sid
}

// TestJSONPEscapes: no message breaks out of the script, or changes in it.
func TestJSONPEscapes(t *testing.T) {
	st := start(t, nil)
	sid := st.openJSONP()
	for _, message := range []string{
		`");alert("`, `\`, `\"`, "\u2028\u2029", "\r\n\t\b\f\x00\x1f\x7f", "</script><!--", "é😀\ufffd", "",
	} {
		send(st.session(sid), text(message))
		r := st.do("GET", "/socket.io/1/jsonp-polling/"+sid+"?i=4", "", "Host: own.example", ownPage)
		if got := r.script(t, 4); got != "3:::"+message && (message != "" || got != "3::") {
			t.Errorf("%q: %q", message, got)
		}
		if strings.ContainsAny(r.body, "\u2028\u2029\n\r") || strings.Contains(r.body, "</") {
			t.Errorf("%q: script %q", message, r.body)
		}
	}
	send(st.session(sid), text("a"))
	send(st.session(sid), text("é"))
	r := st.do("GET", "/socket.io/1/jsonp-polling/"+sid, "", "Host: own.example", ownPage)
	if got := r.script(t, 0); got != "\ufffd5\ufffd3:::a\ufffd5\ufffd3:::é" {
		t.Errorf("two: %q", got)
	}
}

// TestForms: both shapes of a POST, and what is none, which costs the session nothing
// (revision-1.md §8.3; [T jsonp-polling-bad-post], where the reference dies of some).
func TestForms(t *testing.T) {
	st := start(t, nil)
	sid := st.openRev1()
	path := "/socket.io/1/jsonp-polling/" + sid + "?t=1&i=0"
	const twoLines = "\ufffd8\ufffd3:::a\nb+\ufffd5\ufffd3:::c"
	quoted, _ := json.Marshal(twoLines)
	for _, tt := range []struct {
		why, body string
		want      []string
	}{
		{"0.8.6 and later", "d=%223%3A%3A%3Ahel+lo%22", []string{"hel lo"}},
		{"before 0.8.6", "d=3%3A%3A%3Ahel+lo", []string{"hel lo"}},
		{"0.8.6, two", "d=" + url.QueryEscape(string(quoted)), []string{"a\nb+", "c"}},
		{"before, two; the browser makes line ends longer", "d=" + url.QueryEscape(strings.ReplaceAll(twoLines, "\n", "\r\n")), []string{"a\nb+", "c"}},
		{"not escaped", "d=3:::x", []string{"x"}},
		{"with another field", "x=1&d=3:::x&y=2", []string{"x"}},
		{"no packet", "d=5", nil},
		{"no packet, quoted", "d=%225%22", nil},
		{"no string", "d=%7B%7D", nil},
		{"an open string", "d=%22x", nil},
		{"bad escape", "d=%zz", nil},
		{"half a payload", "d=%22%EF%BF%BD9%22", nil},
		{"nothing", "d=", nil},
		{"another field", "x=1", nil},
		{"no field", "3:::x", nil},
		{"no body", "", nil},
	} {
		r := st.do("POST", path, tt.body, "Host: own.example", ownPage, "Content-Type: application/x-www-form-urlencoded")
		if r.status != 200 || r.body != "1" || r.header.Get("Content-Type") != "text/plain; charset=UTF-8" {
			t.Errorf("%s: %+v", tt.why, r)
		}
		var got []string
		for len(st.h.got) > 0 {
			got = append(got, string((<-st.h.got).Data))
		}
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %q, want %q", tt.why, got, tt.want)
		}
	}
	st.session(sid)
}

// TestJSONPSessions: unknown ones, replaced polls, the end.
func TestJSONPSessions(t *testing.T) {
	st := start(t, nil)
	own := []string{"Host: own.example", ownPage}
	if got := st.do("GET", "/socket.io/1/jsonp-polling/x?i=2", "", own...).script(t, 2); got != "7:::1+0" {
		t.Errorf("unknown: %q", got)
	}
	if r := st.do("POST", "/socket.io/1/jsonp-polling/x?i=2", "d=3:::x", own...); r.body != "1" {
		t.Errorf("unknown, POST: %+v", r)
	}
	sid := st.openJSONP()
	path := "/socket.io/1/jsonp-polling/" + sid
	poll := func(n int) <-chan reply {
		ch := make(chan reply, 1)
		go func() {
			r, err := st.try("GET", fmt.Sprint(path, "?i=", n), "", own...)
			if err != nil {
				r.body = err.Error()
			}
			ch <- r
		}()
		return ch
	}
	first := poll(1)
	st.polls(1)
	second := poll(2)
	if got := get(t, first, "the replaced poll").script(t, 1); got != "8::" { // revision-1.md §7.3
		t.Errorf("replaced: %q", got)
	}
	st.polls(1)
	st.session(sid).End(st.Now(), session.Kick, session.ServerDisconnect)
	if got := get(t, second, "the poll").script(t, 2); got != "0::" {
		t.Errorf("thrown out: %q", got)
	}
}

// TestJSONPTimes: an idle poll ends after the polling duration, by a script.
func TestJSONPTimes(t *testing.T) {
	bubble(t, nil, func(t *testing.T, st *site, dial func() *wire) {
		w := dial()
		path := "/socket.io/1/jsonp-polling" + w.handshaken() + "?i=9"
		ask := func() reply {
			w.send("GET " + path + " HTTP/1.1\r\nHost: own.example\r\n" + ownPage + "\r\n\r\n")
			return w.answer()
		}
		ask()
		took(t, 20*time.Second, func() {
			if got := ask().script(t, 9); got != "8::" {
				t.Errorf("idle: %q", got)
			}
		})
		synctest.Wait()
	})
}

// A scriptTest is a request of a script element or a form, which mostly says no origin,
// and asks nobody (decision 19, "JSONP under any other setting").
type scriptTest struct {
	why, fields string // of the request, with "; " between
	own, list   bool   // passes by default; if one other origin is listed
	authed      bool   // under "*", cookies are seen
}

func scriptTests() []scriptTest {
	return []scriptTest{
		{"nothing said", "", false, false, false},
		{"Sec-Fetch-Site, own", "Sec-Fetch-Site: same-origin", true, true, true},
		{"Sec-Fetch-Site, other", "Sec-Fetch-Site: cross-site", false, false, false},
		{"Sec-Fetch-Site, a sister's", "Sec-Fetch-Site: same-site", false, false, false},
		{"Sec-Fetch-Site, an address that was typed", "Sec-Fetch-Site: none", false, false, false},
		{"Sec-Fetch-Site, other, listed", "Sec-Fetch-Site: cross-site; Referer: http://listed.example/", false, true, false},
		{"Origin, own", "Origin: http://own.example", true, true, true},
		{"Origin, own, but not by the same scheme", "Origin: https://own.example", false, false, false},
		{"Origin, listed", "Origin: http://listed.example", false, true, false},
		{"Origin, other", "Origin: http://evil.example", false, false, false},
		{"Origin, other, and a Referer", "Origin: http://evil.example; Referer: http://own.example/", false, false, false},
		{"Origin, null", "Origin: null; Referer: http://own.example/", false, false, false},
		{"Referer, own", "Referer: http://own.example/a?b#c", true, true, true},
		{"Referer, own, without a path", "Referer: http://own.example", true, true, true},
		{"Referer, listed", "Referer: http://listed.example/x", false, true, false},
		{"Referer, other", "Referer: http://evil.example/http://own.example/", false, false, false},
		{"Referer, begins alike", "Referer: http://own.example.evil.example/", false, false, false},
		{"Referer, a user's name", "Referer: http://own.example@evil.example/", false, false, false},
		{"Referer, nonsense", "Referer: own.example", false, false, false},
	}
}

func TestJSONPOrigins(t *testing.T) {
	const listed = "http://listed.example"
	for _, tt := range scriptTests() {
		for origins, passes := range map[string]bool{"": tt.own, listed: tt.list, "*": true} {
			peers := make(chan *Peer, 10)
			st := start(t, func(c *Config) { c.Origins = strings.Fields(origins); c.Admit = admitTo(peers) })
			fields := append([]string{"Host: own.example", "Cookie: k", "Authorization: k"}, strings.Split(tt.fields, "; ")...)
			if tt.fields == "" {
				fields = fields[:3]
			}
			why := fmt.Sprintf("%s, Origins %q", tt.why, origins)
			r := st.do("GET", "/socket.io/1/?jsonp=1", "", fields...)
			if !passes {
				// [T handshake-bad-origin]; a page sees no status of a script.
				want := `io.j[1](new Error("handshake bad origin"));`
				if r.status != 200 || r.body != want || r.header.Get("Content-Type") != "application/javascript" {
					t.Errorf("%s: %+v", why, r)
				}
				sid := st.openRev1()
				for _, method := range []string{"GET", "POST"} {
					if r := st.do(method, "/socket.io/1/jsonp-polling/"+sid, "", fields...); r.status != 403 {
						t.Errorf("%s: %s: %+v", why, method, r)
					}
				}
				continue
			}
			sid, rest, _ := strings.Cut(r.script(t, 1), ":")
			if rest != "60:60:websocket,flashsocket,htmlfile,xhr-polling,jsonp-polling" || r.header.Get("Content-Type") != "application/javascript" {
				t.Errorf("%s: %+v", why, r)
			}
			if got := st.do("GET", "/socket.io/1/jsonp-polling/"+sid+"?i=2", "", fields...).script(t, 2); got != "1::" {
				t.Errorf("%s: poll: %q", why, got)
			}
			p := <-peers
			if authed := p.Header().Get("Cookie") != "" || p.Header().Get("Authorization") != ""; authed != (origins != "*" || tt.authed) {
				t.Errorf("%s: cookies are seen: %t", why, authed)
			}
		}
	}
}

// TestJSONPHandshakes: what is no callback is no script; and each refusal is one.
func TestJSONPHandshakes(t *testing.T) {
	var verdict error
	st := start(t, func(c *Config) {
		c.HandshakeRate, c.HandshakeBurst = 0.001, 9
		c.Admit = func(context.Context, *Peer) error { return verdict }
	})
	ask := func(query string) reply {
		return st.do("GET", "/socket.io/1/"+query, "", "Host: own.example", ownPage)
	}
	for query, n := range map[string]int{"?t=1&jsonp=0": 0, "?jsonp=12": 12, "?jsonp=007": 7} {
		if got := ask(query).script(t, n); !strings.HasSuffix(got, ":60:60:websocket,flashsocket,htmlfile,xhr-polling,jsonp-polling") {
			t.Errorf("%s: %q", query, got)
		}
	}
	for _, query := range []string{"?jsonp=alert(1)", "?jsonp=1&jsonp=2", "?jsonp=", "?jsonp=-1"} {
		if r := ask(query); r.header.Get("Content-Type") != "text/plain" || !strings.Contains(r.body, ":60:60:") || strings.Contains(r.body, "io.j") {
			t.Errorf("%s: %+v", query, r)
		}
	}
	wants := func(query, text string) {
		t.Helper()
		r := ask(query)
		want := `io.j[3](new Error("` + text + `"));`
		if r.status != 200 || r.body != want || r.header.Get("Content-Type") != "application/javascript" {
			t.Errorf("%+v, want %s", r, want)
		}
	}
	verdict = &Refusal{"not you"}
	wants("?jsonp=3", "handshake unauthorized") // [T handshake-refused]
	verdict = errors.New("secret")
	wants("?jsonp=3", "handshake error") // [T handshake-auth-error]
	verdict = nil
	wants("?jsonp=3", "handshake error") // the tenth
	if r := ask(""); r.status != 429 {
		t.Errorf("not by a script: %+v", r)
	}
	st.Refuse()
	wants("?jsonp=3", "handshake error")
	if r := ask(""); r.status != 503 {
		t.Errorf("not by a script: %+v", r)
	}
	if n := st.Sessions(); n != 7 {
		t.Errorf("%d sessions", n)
	}
}

// FuzzCallback looks for queries whose callback is none, or another's.
func FuzzCallback(f *testing.F) {
	for _, query := range []string{"t=1&i=0", "i=12", "i=1&i=2", "i=-1", "i", "i=1;alert(1)", "ii=3&i=999999999999999", "i=00", "%69=1"} {
		f.Add(query)
	}
	named, number := regexp.MustCompile(`^i(=|$)`), regexp.MustCompile(`^i=([0-9]{1,15})$`)
	f.Fuzz(func(t *testing.T, query string) {
		pairs := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool { return !named.MatchString(pair) })
		var want []string
		if len(pairs) == 1 {
			want = number.FindStringSubmatch(pairs[0])
		}
		n, ok := queryNumber(query, "i")
		if ok != (want != nil) {
			t.Fatalf("%q: %d, %t", query, n, ok)
		}
		if ok && fmt.Sprintf("%0*d", len(want[1]), n) != want[1] {
			t.Fatalf("%q: %d", query, n)
		}
	})
}
