package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestIdle: with nobody there it stops at once, by either signal.
func TestIdle(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := start(t)
		p.signal(sig)
		if log := p.ended(); len(log) != 3 || !strings.Contains(log[0], "msg=serving url="+p.url) ||
			!strings.Contains(log[1], "msg=stopping sockets=0") || !strings.Contains(log[2], "msg=stopped left=0") {
			t.Errorf("%v: the log is %q", sig, log)
		}
	}
}

// TestDrain: a stop with clients of each generation on each transport. What was
// accepted is answered, and each is told in the way that makes it come back.
func TestDrain(t *testing.T) {
	p := start(t)
	drain(p)
}

// drain fills clients with work, stops the program, and reads all to the end.
func drain(p *program) {
	p.Helper()
	const n = 20 // fewer than the chat takes at once
	var want []string
	for i := range n {
		want = append(want, fmt.Sprint(i+1))
	}
	peers := p.come()
	got := make([][]string, len(peers))
	for i, c := range peers {
		got[i] = c.says(n)
	}
	p.signal(syscall.SIGTERM)
	for i, c := range peers {
		for end := ""; end == ""; {
			var packets []string
			packets, end = c.next()
			got[i] = append(got[i], answered(packets)...)
			if end != "" && end != c.end {
				p.Errorf("%s: ended by %q, want %q", c.name, end, c.end)
			}
		}
		if !slices.Equal(got[i], want) {
			p.Errorf("%s: answers %q, want %q", c.name, got[i], want)
		}
	}
	if log := p.ended(); len(log) != 3 || !strings.Contains(log[1], "sockets=4") || !strings.Contains(log[2], "left=0") {
		p.Errorf("the log is %q", log)
	}
}

// TestWaiting: clients that wait, on a poll or an open WebSocket, are told at once.
func TestWaiting(t *testing.T) {
	p := start(t)
	peers := p.come()
	told := make(chan string, len(peers))
	for _, c := range peers {
		go func() { // ends with the client, or when next fails the test
			end := ""
			defer func() { told <- c.name + " " + end }()
			for end == "" {
				_, end = c.next()
			}
		}()
	}
	p.signal(syscall.SIGTERM)
	var got, want []string
	for _, c := range peers {
		got = append(got, <-told)
		want = append(want, c.name+" "+c.end)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	p.ended()
}

// TestDrainDelay: for that time only /readyz says that the program stops. A second
// signal ends it there and then.
func TestDrainDelay(t *testing.T) {
	for _, second := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := start(t, "--drain-delay=1h")
		p.answers("GET", "/healthz", 200, "ok\n")
		p.answers("GET", "/readyz", 200, "ok\n")
		p.answers("HEAD", "/readyz", 200, "")
		p.signal(syscall.SIGTERM)
		p.logged("stopping")
		p.answers("GET", "/healthz", 200, "ok\n")
		p.answers("GET", "/readyz", 503, "stopping\n")
		p.answers("HEAD", "/readyz", 503, "")
		for _, c := range p.come() { // new clients come, and are served
			c.emit("say", "1", `{"text":"hello"}`)
			if id := c.answer(); id != "1" {
				t.Errorf("%s: answer to %q", c.name, id)
			}
		}
		p.signal(second)
		p.killed(second)
	}
}

// TestDelayEnds: and then it drains.
func TestDelayEnds(t *testing.T) {
	p := start(t, "--drain-delay=1ms")
	drain(p)
}

// TestDrainBound: who neither reads nor leaves does not keep it.
func TestDrainBound(t *testing.T) {
	p := start(t, "--drain=100ms")
	p.rev1("xhr-polling") // polls no more
	c := p.rev5("polling")
	c.write(`420["join",{}]`) // and never fetches the answer
	p.signal(syscall.SIGTERM)
	if log := strings.Join(p.ended(), "\n"); !strings.Contains(log, "not everybody was told") {
		t.Errorf("the log is %s", log)
	}
}

// TestLogFormats: JSON is JSON to the last line, and a level leaves out what is below.
func TestLogFormats(t *testing.T) {
	p := start(t, "--log-format=json")
	p.signal(syscall.SIGTERM)
	var messages []string
	for _, line := range p.ended() {
		var record struct {
			Time, Level, Msg, URL string
			Sockets               *int
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil || record.Time == "" || record.Level != "INFO" {
			t.Errorf("%q: %v", line, err)
		}
		messages = append(messages, record.Msg)
	}
	if want := []string{"serving", "stopping", "stopped"}; !slices.Equal(messages, want) {
		t.Errorf("messages %q, want %q", messages, want)
	}

	p = start(t, "--log-level=warn")
	p.signal(syscall.SIGTERM)
	if log := p.ended(); len(log) > 0 {
		t.Errorf("with --log-level=warn: %q", log)
	}
}
