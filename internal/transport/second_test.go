package transport

import (
	"net/http"
	"testing"
)

// A carrier is a transport in use, by a client.
type carrier struct {
	next func() string // what comes next
	come func()        // returns when something has come, which nobody looks at
	wait func()        // returns when something is there for the server to write to
	gone func()        // checks that it has ended, or was told nothing
}

// A carriage is how one begins.
type carriage struct {
	name string
	poll bool
	open func(st *site, sid string) *carrier
}

func carriages() []carriage {
	all := []carriage{polled("xhr-polling"), polled("jsonp-polling")}
	for i, name := range []string{"websocket", "flashsocket", "websocket", "websocket", "flashsocket"} {
		all = append(all, socket(name, drafts[i]))
	}
	for _, name := range flows {
		all = append(all, flowing(name))
	}
	return all
}

func socket(name string, d draft) carriage {
	return carriage{name: name + ", " + d.name, open: func(st *site, sid string) *carrier {
		w := st.dial()
		w.begin(d, "/socket.io/1/"+name+"/"+sid)
		return &carrier{
			next: func() string {
				if d.hixie {
					b, err := w.r.ReadString(0xFF)
					if err != nil {
						st.t.Fatal(err)
					}
					return b[1 : len(b)-1]
				}
				_, text := w.frame()
				return text
			},
			come: func() { _, _ = w.r.Peek(1) },
			wait: func() {},
			gone: func() { w.ended(d) },
		}
	}}
}

func flowing(name string) carriage {
	return carriage{name: name, open: func(st *site, sid string) *carrier {
		w := st.dial()
		w.send("GET /socket.io/1/" + name + "/" + sid + " HTTP/1.1\r\nHost: x\r\n\r\n")
		res, err := http.ReadResponse(w.r, nil)
		if err != nil {
			st.t.Fatal(err)
		}
		p := newPage(st.t, res)
		return &carrier{
			next: func() string {
				text, err := p.next()
				if err != nil {
					st.t.Fatal(err)
				}
				return text
			},
			come: func() { _, _ = p.r.Peek(1) },
			wait: func() {},
			gone: p.ended,
		}
	}}
}

func polled(name string) carriage {
	return carriage{name: name, poll: true, open: func(st *site, sid string) *carrier {
		var answer chan reply
		ask := func() {
			answer = make(chan reply, 1)
			go func(answer chan<- reply) { // ends with the answer
				r, err := st.try("GET", "/socket.io/1/"+name+"/"+sid+"?i=1", "", "Sec-Fetch-Site: same-origin")
				if err != nil {
					r.body = err.Error()
				}
				answer <- r
			}(answer)
		}
		next := func() string {
			if answer == nil {
				ask()
			}
			r := get(st.t, answer, "a poll")
			answer = nil
			if name == "jsonp-polling" {
				return r.script(st.t, 1)
			}
			return r.body
		}
		return &carrier{
			next: next,
			come: func() { _ = next() },
			wait: func() { ask(); st.polls(1) },
			gone: func() {
				if text := next(); text != "8::" { // revision-1.md §7.3
					st.t.Errorf("the replaced poll: %q", text)
				}
			},
		}
	}}
}

// TestSecondTransport: a client whose transport brings nothing tries the next one on
// the same session, and is told again that it is connected (revision-1.md §7.2). What
// it had before ends (§7.3), whether it ever read from it or not.
func TestSecondTransport(t *testing.T) {
	for _, a := range carriages() {
		t.Run(a.name, func(t *testing.T) {
			st := start(t, everyTransport)
			for _, b := range carriages() {
				if a.poll && a.name == b.name {
					continue // a poll like any other
				}
				for _, heard := range []bool{true, false} {
					sid := st.handshakeRev1()
					first := a.open(st, sid)
					if !heard {
						first.come()
					} else if got := first.next(); got != "1::" {
						t.Fatalf("first: %q", got)
					}
					first.wait()
					second := b.open(st, sid)
					if got := second.next(); got != "1::" {
						t.Fatalf("%s: second: %q", b.name, got)
					}
					if heard || a.poll {
						first.gone()
					}
					second.wait()
					send(st.session(sid), text("x"))
					if got := second.next(); got != "3:::x" {
						t.Fatalf("%s: second: %q", b.name, got)
					}
					if len(st.h.reasons) > 0 {
						t.Fatalf("%s: the session ended: %s", b.name, <-st.h.reasons)
					}
				}
			}
		})
	}
}
