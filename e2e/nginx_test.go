package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio"
	"github.com/sockeye-io/socketio/flashpolicy"
)

// some are the scenarios that show whether a client's transport works.
const some = "^(connect|echo texts|line separators|ack from the (server|client)|200 in order)$"

// throughProxy runs clients of each generation through the nginx that docs/upgrade.md
// shows under a name. The WebSockets of the old ones name origins in Node, too, which
// are no page's.
func throughProxy(t *testing.T, name string) {
	t.Run("clients", func(t *testing.T) {
		n := startNginx(t, name, start(t).url) // which lets all origins in
		front := &server{url: "http://" + n.at["80"]}
		t.Run("all", func(t *testing.T) { // the parallel ones must end before nginx does
			for _, client := range oldClients {
				for _, transport := range transports09 {
					t.Run(client+"/"+transport, func(t *testing.T) {
						t.Parallel()
						driver{script: "v09.js", group: "ordinary", client: client, only: some}.run(t, front, transport)
					})
				}
			}
			for _, transport := range transports4 {
				t.Run("4/"+transport, func(t *testing.T) {
					t.Parallel()
					driver{script: "v4.js", group: "ordinary", only: some}.run(t, front, transport)
				})
			}
		})
	})
}

// TestNginxStream has docs/upgrade.md's nginx of the kind stream in front: all bytes
// pass, so every dialect and Flash's question must.
func TestNginxStream(t *testing.T) {
	need(t, sockeye)
	t.Parallel()
	policy, err := flashpolicy.New([]string{"example.com"}, 80, 443)
	if err != nil {
		t.Fatal(err)
	}
	l, backend := listen(t)
	openSite(t, flashpolicy.Listen(l, policy), &socketio.Options{
		Origins:   []string{"http://example.com", "https://example.com"},
		Revision1: socketio.Revision1{Hixie75: true, MatchOriginProtocol: true},
	})
	n := startNginx(t, "stream", backend)
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			d.upgrade(t, n.at["80"], "http://example.com", false, true).converse(d)
		})
		t.Run(d.name+"/TLS", func(t *testing.T) {
			d.upgrade(t, "tls:"+n.at["443"], "https://example.com", false, true).converse(d)
		})
		if d.third != "" {
			t.Run(d.name+"/late", func(t *testing.T) {
				d.upgrade(t, n.at["80"], "http://example.com", true, true).converse(d)
			})
		}
	}
	for _, port := range []string{"80", "843", "10843"} {
		t.Run("policy/"+port, func(t *testing.T) {
			c := dialBytes(t, n.at[port])
			c.write("<policy-file-request/>\x00")
			if got, err := io.ReadAll(c.r); err != nil || string(got) != string(policy) {
				t.Errorf("got %q, %v, want %q", got, err, policy)
			}
		})
	}
	t.Run("flows", func(t *testing.T) { flowsThrough(t, "http://"+n.at["80"], "http://example.com") })
	throughProxy(t, "stream")
}

// TestNginxHTTP has docs/upgrade.md's nginx of the kind http in front.
func TestNginxHTTP(t *testing.T) {
	need(t, sockeye)
	t.Parallel()
	l, backend := listen(t)
	openSite(t, l, &socketio.Options{
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Revision1:      socketio.Revision1{Hixie75: true},
	})
	n := startNginx(t, "http", backend)
	plain, secure := n.at["80"], n.at["443"]
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			c := d.upgrade(t, plain, "http://"+plain, false, false)
			c.converse(d)
			// Clients of hixie-75 compare the first three lines, so for them this is the end.
			if d.name == "hixie-75" && c.lines[1] == d.answer[0] && c.lines[2] == d.answer[1] {
				t.Errorf("nginx leaves the first lines as they are; docs/upgrade.md says otherwise: %q", c.lines)
			}
		})
		t.Run(d.name+"/TLS", func(t *testing.T) {
			d.upgrade(t, "tls:"+secure, "https://"+secure, false, false).converse(d)
		})
		if d.third != "" {
			t.Run(d.name+"/late", func(t *testing.T) {
				d.upgrade(t, plain, "http://"+plain, true, false).converse(d)
			})
		}
	}
	t.Run("flows", func(t *testing.T) { flowsThrough(t, "http://"+plain, "http://"+plain) })
	t.Run("forwarded", func(t *testing.T) { forwarded(t, plain, secure) })
	throughProxy(t, "http")
}

// request makes a request with a page's origin and returns the body of its answer.
func request(t *testing.T, method, url, origin, body string, status int) string {
	t.Helper()
	res := begin(t, method, url, origin, body)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		t.Fatalf("%s %s: %s, %q, %v", method, url, res.Status, answer, err)
	}
	return string(answer)
}

// begin makes a request and returns its answer as soon as that begins.
func begin(t *testing.T, method, url, origin, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", origin)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	if strings.HasPrefix(body, "d=") {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// flowsThrough holds that an htmlfile's scripts and jsonp-polling pass a proxy, and as
// soon as they are written.
func flowsThrough(t *testing.T, base, origin string) {
	sid := handshake(t, strings.TrimPrefix(base, "http://"), origin, "")
	flow := begin(t, "GET", base+"/socket.io/1/htmlfile/"+sid, origin, "")
	defer flow.Body.Close()
	expect := func(want string) {
		t.Helper()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(flow.Body, got); err != nil || string(got) != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
	head := `<html><body><script>var _ = function (msg) { parent.s._(msg, document); };</script>`
	expect(head + strings.Repeat(" ", 256-len(head)))
	expect(`<script>_("1::");</script>`)
	expect(`<script>_("5:::{\"name\":\"auth\",\"args\":[{}]}");</script>`)
	// Each comes while the answer stands.
	for i := range 3 {
		request(t, "POST", base+"/socket.io/1/htmlfile/"+sid, origin, fmt.Sprintf("3:::%d", i), 200)
		expect(fmt.Sprintf(`<script>_("3:::%d");</script>`, i))
	}
	request(t, "GET", base+"/socket.io/1//"+sid+"/?disconnect=1", origin, "", 200)
	expect(`<script>_("0::");</script>`)
	if rest, err := io.ReadAll(flow.Body); err != nil || len(rest) > 0 {
		t.Errorf("after the end: %q, %v", rest, err)
	}

	answer := request(t, "GET", base+"/socket.io/1/?t=1&jsonp=4", origin, "", 200)
	sid, _, _ = strings.Cut(strings.TrimPrefix(answer, `io.j[4]("`), ":")
	poll := base + "/socket.io/1/jsonp-polling/" + sid + "?t=1&i=5"
	var got string
	for !strings.Contains(got, "auth") {
		got += request(t, "GET", poll, origin, "", 200)
	}
	request(t, "POST", poll, origin, url.Values{"d": {`"3:::a\"b\\</script>"`}}.Encode(), 200)
	if got, want := request(t, "GET", poll, origin, "", 200), `io.j[5]("3:::a\"b\\<\/script>");`; got != want {
		t.Errorf("jsonp-polling: %s, want %s", got, want)
	}
}

// forwarded holds that the server knows from nginx who is there, and by which scheme.
func forwarded(t *testing.T, plain, secure string) {
	// Neither another page nor the other scheme is the same origin.
	for _, origin := range []string{"http://example.com", "https://" + plain} {
		request(t, "GET", "http://"+plain+"/socket.io/1/", origin, "", 403)
	}
	rfc := dialects[len(dialects)-1]
	rfc.handshake = "X-Forwarded-For: 203.0.113.9\r\n" // as a proxy before nginx says
	for addr, scheme := range map[string]string{plain: "http", "tls:" + secure: "https"} {
		c := rfc.upgrade(t, addr, scheme+"://"+hostOf(addr), false, false)
		c.text(rfc)
		c.text(rfc)
		c.say(rfc, `5:1+::{"name":"whoami"}`)
		got := c.text(rfc)
		want := fmt.Sprintf(`"secure":%v`, scheme == "https")
		if !strings.HasPrefix(got, `6:::1+[{"address":"203.0.113.9:`) || !strings.Contains(got, want) {
			t.Errorf("%s: %s", addr, got)
		}
	}
}
