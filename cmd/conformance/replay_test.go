package main

import (
	"cmp"
	"flag"
	"fmt"
	"net/textproto"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var update = flag.Bool("update", false, "write what the server answers into testdata/transcripts")

// TestTranscripts replays conversations that clients of 2011 to 2014, and a script,
// had with socket.io 0.7 to 0.9 and PocketIO; testdata/transcripts/README.md describes
// the files.
// Time is that of a synctest bubble: each line is read when the server has nothing
// more to do.
func TestTranscripts(t *testing.T) {
	files, _ := filepath.Glob("testdata/transcripts/*.txt")
	if len(files) == 0 {
		t.Fatal("no transcripts")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			onEngines(t, func(t *testing.T, loop bool) {
				r := parseReplay(string(text))
				if *update && !loop {
					defer func() { // also if the test failed
						if err := os.WriteFile(file, []byte(strings.Join(r.out, "\n")), 0o644); err != nil {
							t.Fatal(err)
						}
					}()
				}
				r.run(t, loop)
			})
		})
	}
}

// A replay is a file of testdata/transcripts.
type replay struct {
	settings, auth string
	steps          []step

	t   *testing.T
	net *memNet
	// policies is where policy files are served, if they are.
	policies *memNet
	app      *replayApp
	peers    map[string]*peer
	names    []string          // of peers, in the order of their first use
	ids      map[string]string // session ids by the names of their placeholders
	out      []string
}

// A step is what one side of a connection says, or something else that happens.
type step struct {
	line  int
	verb  string // ">", "<", "opens", "closes", "wait", "app"; empty: lines are for readers
	conn  string
	lines []string
}

var stepLine = regexp.MustCompile(`^([A-Z]\w*) ([<>]|opens|closes)(?: (.*))?$`)

func parseReplay(text string) *replay {
	r := &replay{peers: map[string]*peer{}, ids: map[string]string{}}
	var last *step
	for i, line := range strings.Split(text, "\n") {
		s := step{line: i + 1, lines: []string{line}}
		if m := stepLine.FindStringSubmatch(line); m != nil {
			s.conn, s.verb, s.lines = m[1], m[2], []string{m[3]}
		} else if rest, ok := strings.CutPrefix(line, "wait "); ok {
			s.verb, s.lines = "wait", []string{rest}
		} else if rest, ok := strings.CutPrefix(line, "app "); ok {
			s.verb, s.lines = "app", []string{rest}
		} else if rest, ok := strings.CutPrefix(line, "settings: "); ok {
			r.settings = rest
		} else if rest, ok := strings.CutPrefix(line, "auth: "); ok {
			r.auth = rest
		}
		if last != nil && s.verb != "" && last.verb == s.verb && last.conn == s.conn && s.verb != "wait" {
			last.lines = append(last.lines, s.lines...)
			continue
		}
		r.steps = append(r.steps, s)
		last = &r.steps[len(r.steps)-1]
	}
	return r
}

// run has the conversation and writes into out the file as it should have been.
func (r *replay) run(t *testing.T, loop bool) {
	r.t = t
	opts := replayOptions(t, r.settings, r.auth)
	if err := opts.Validate(); err != nil {
		t.Fatal(err)
	}
	r.app = newReplayApp(opts)
	r.net, r.policies = replayNet(t, r.app.srv, loop, r.settings)
	defer func() {
		if r.policies != nil {
			r.policies.Close()
		}
		for _, p := range r.peers {
			p.Close()
		}
		r.app.srv.Close()
		r.net.Close()
		synctest.Wait()
	}()
	for _, s := range r.steps {
		r.step(s)
	}
	for _, name := range r.names {
		r.rest(name)
	}
}

func (r *replay) step(s step) {
	switch s.verb {
	case "":
		r.out = append(r.out, s.lines...)
	case "wait":
		d, err := time.ParseDuration(s.lines[0])
		if err != nil {
			r.t.Fatalf("line %d: %v", s.line, err)
		}
		time.Sleep(d)
		synctest.Wait()
		r.write("", "wait", s.lines)
	case "opens":
		r.peer(s.conn)
		synctest.Wait()
		r.out = append(r.out, s.conn+" opens")
	case "closes":
		r.rest(s.conn)
		if p := r.peers[s.conn]; p != nil {
			p.Close()
			delete(r.peers, s.conn)
		}
		synctest.Wait()
		r.out = append(r.out, s.conn+" closes")
	case ">":
		r.send(s)
		r.write(s.conn, ">", s.lines)
	case "<":
		r.expect(s)
	case "app":
		for _, name := range r.names {
			r.rest(name)
		}
		r.saw(s)
	}
}

func (r *replay) write(conn, verb string, lines []string) {
	for _, l := range lines {
		r.out = append(r.out, strings.TrimSpace(conn+" "+verb+" "+l))
	}
}

// send sends the lines: frames if the connection is a WebSocket, else a request or
// bytes.
func (r *replay) send(s step) {
	p := r.peers[s.conn]
	if p != nil && p.websocket && requestLine.MatchString(s.lines[0]) {
		r.rest(s.conn)
		p.Close()
		p = nil
	}
	if p == nil {
		p = r.peer(s.conn)
	}
	lines := make([]string, len(s.lines))
	for i, l := range s.lines {
		lines[i] = r.fill(l)
	}
	b, err := p.encode(lines)
	if err != nil {
		r.t.Fatalf("line %d: %v", s.line, err)
	}
	_ = p.SetWriteDeadline(time.Now().Add(time.Second))
	if _, err := p.Write(b); err != nil {
		r.t.Errorf("line %d: %v", s.line, err)
	}
	synctest.Wait()
}

// peer opens a connection: those that are called POL to the server of policy files.
func (r *replay) peer(name string) *peer {
	n := r.net
	if r.policies != nil && strings.HasPrefix(name, "POL") {
		n = r.policies
	}
	p := &peer{mailbox: n.dial()}
	r.peers[name] = p
	if !slices.Contains(r.names, name) {
		r.names = append(r.names, name)
	}
	return p
}

// expect compares the lines with what came.
func (r *replay) expect(s step) {
	p := r.peers[s.conn]
	if p == nil {
		r.t.Errorf("line %d: no connection %s", s.line, s.conn)
		return
	}
	var came []string
	for len(came) < len(s.lines) {
		unit := p.next()
		if unit[0] == "nothing" && came != nil {
			break
		}
		came = append(came, unit...)
		if unit[0] == "nothing" || unit[0] == "ends" {
			break
		}
	}
	if rest, any := strings.CutPrefix(s.lines[0], "ok* "); any && len(came) == 1 && len(s.lines) == 1 {
		// Packets of several namespaces, which are independent of each other.
		came[0] = "ok* " + sortPackets(strings.TrimPrefix(came[0], "ok "))
		want := "ok* " + sortPackets(rest)
		if came[0] == want {
			came[0] = s.lines[0]
		}
	}
	ok := len(came) == len(s.lines)
	for i := 0; ok && i < len(came); i++ {
		ok = r.matches(s.lines[i], came[i])
	}
	if !ok {
		for p.more() {
			came = append(came, p.next()...)
		}
		r.t.Errorf("line %d: %s got\n\t%s\nwant\n\t%s", s.line, s.conn, strings.Join(came, "\n\t"), strings.Join(s.lines, "\n\t"))
		for i := range came {
			came[i] = r.unfill(came[i])
		}
		s.lines = came
		r.out = append(r.out, "# differs: ?")
	}
	if came[len(came)-1] == "ends" {
		p.Close()
		delete(r.peers, s.conn)
	}
	r.write(s.conn, "<", s.lines)
}

// rest finds what came and is not in the file.
func (r *replay) rest(conn string) {
	p := r.peers[conn]
	if p == nil {
		return
	}
	var came []string
	for p.more() {
		came = append(came, p.next()...)
	}
	if came != nil {
		r.t.Errorf("%s also got\n\t%s", conn, strings.Join(came, "\n\t"))
		r.out = append(r.out, "# differs: ?")
		r.write(conn, "<", came)
		r.out = append(r.out, "")
	}
}

// saw compares what the application saw. The order is not: its sockets are
// independent of each other.
func (r *replay) saw(s step) {
	r.app.mu.Lock()
	defer r.app.mu.Unlock()
	want, got := slices.Clone(s.lines), slices.Clone(r.app.saw)
	for i := range got {
		got[i] = r.unfill(got[i])
	}
	saw := slices.Clone(got)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		r.t.Errorf("line %d: the application saw\n\t%s\nwant\n\t%s", s.line, strings.Join(saw, "\n\t"), strings.Join(s.lines, "\n\t"))
		s.lines = saw
		r.out = append(r.out, "# differs: ?")
	}
	r.write("", "app", s.lines)
}

// sidName is the placeholder of a session id; a handshake's answer binds it.
var sidName = regexp.MustCompile(`\{(sid\d+)\}`)

// placeholders.
var (
	repeated  = regexp.MustCompile(`\{(.)\*(\d+)\}`)
	sid       = regexp.MustCompile(`^(?:io\.j\[\d+\]\(")?([\w-]{20,}):\d+:\d+:`)
	transport = "websocket,flashsocket,htmlfile,xhr-polling,jsonp-polling"
)

// fill puts values in the place of placeholders.
func (r *replay) fill(line string) string {
	line = strings.ReplaceAll(line, "{transports}", transport)
	line = repeated.ReplaceAllStringFunc(line, func(s string) string {
		var n int
		_, _ = fmt.Sscan(s[3:len(s)-1], &n)
		return strings.Repeat(s[1:2], n)
	})
	return sidName.ReplaceAllStringFunc(line, func(s string) string {
		return cmp.Or(r.ids[s[1:len(s)-1]], s)
	})
}

// unfill does the opposite.
func (r *replay) unfill(line string) string {
	line = strings.ReplaceAll(line, transport, "{transports}")
	for name, id := range r.ids {
		line = strings.ReplaceAll(line, id, "{"+name+"}")
	}
	if m := sid.FindStringSubmatch(line); m != nil {
		name := fmt.Sprintf("sid%d", len(r.ids)+1)
		r.ids[name] = m[1]
		line = strings.Replace(line, m[1], "{"+name+"}", 1)
	}
	for i := 0; i < len(line); i++ {
		n := 1
		for i+n < len(line) && line[i+n] == line[i] {
			n++
		}
		if n > 40 {
			line = fmt.Sprintf("%s{%c*%d}%s", line[:i], line[i], n, line[i+n:])
		}
	}
	return line
}

// matches reports whether a line that came is the one that was wanted, and binds its
// session id.
func (r *replay) matches(want, came string) bool {
	want = r.fill(want)
	if m := sidName.FindStringSubmatch(want); m != nil {
		if id := sid.FindStringSubmatch(came); id != nil {
			r.ids[m[1]] = id[1]
			want = r.fill(want)
		}
	}
	return came == want
}

// shown are the header fields of answers that files name; all others say nothing
// about the protocol.
var shown = []string{
	"Content-Type", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials",
	"Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Allow",
	textproto.CanonicalMIMEHeaderKey("X-XSS-Protection"), "Sec-Websocket-Accept", "Connection",
	"Cache-Control", "Etag", "Content-Encoding",
}

// usual are those that say nothing as long as this is what they say.
var usual = map[string]bool{"Access-Control-Allow-Origin: *": true, "Cache-Control: no-store": true}

var payloadLength = regexp.MustCompile(`\\ufffd\d+\\ufffd`)

// sortPackets brings the packets of a payload into an order of their own.
func sortPackets(payload string) string {
	packets := payloadLength.Split(payload, -1)
	slices.Sort(packets)
	return strings.Join(packets, " ")
}
