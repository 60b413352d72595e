package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/flashpolicy"
)

// player asks for a policy as a Flash player does, and returns what it reads.
func (p *program) player(addr string) string {
	p.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		p.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(nc, flashpolicy.Request); err != nil {
		p.Fatal(err)
	}
	answer, err := io.ReadAll(nc)
	if err != nil {
		p.Errorf("%q, %v", answer, err)
	}
	return string(answer)
}

// allows checks that a policy lets in movies of the domains, to the ports, and no others.
func (p *program) allows(policy, domains, ports string) {
	p.Helper()
	want := ""
	for _, d := range strings.Fields(domains) {
		want += fmt.Sprintf(`<allow-access-from domain=%q to-ports=%q/>`, d, ports)
	}
	_, list, _ := strings.Cut(policy, "<cross-domain-policy>")
	if list != want+"</cross-domain-policy>" || !strings.HasPrefix(policy, "<?xml ") {
		p.Errorf("the policy is %q, want %q", policy, want)
	}
}

func (p *program) port() string { return p.addr[strings.LastIndexByte(p.addr, ':')+1:] }

// playersAddr waits until the log says where players are answered.
func (p *program) playersAddr() string {
	p.Helper()
	_, rest, _ := strings.Cut(p.logged("answering Flash players"), "addr=")
	addr, _, _ := strings.Cut(rest, " ")
	return addr
}

// TestFlashPolicy: players are told who may connect, and to which port, where they ask.
func TestFlashPolicy(t *testing.T) {
	p := start(t, "--flash-policy", "--origins=https://a.example:8443,http://b.example")
	p.allows(p.player(p.addr), "a.example b.example", p.port())
	p.answers("GET", "/healthz", 200, "ok\n")

	p = start(t, "--flash-policy-addr=127.0.0.1:0", "--flash-policy-domains=*.a.example,b.example", "--origins=*")
	own := p.playersAddr()
	p.allows(p.player(own), "*.a.example b.example", p.port())
	if res := p.player(p.addr); strings.Contains(res, "cross-domain-policy") {
		t.Errorf("inline: %q", res)
	}
	p.signal(syscall.SIGTERM)
	p.ended()
	if nc, err := net.Dial("tcp", own); err == nil {
		nc.Close()
		t.Error("players can still connect")
	}

	p = start(t, "--flash-policy", "--flash-policy-addr=127.0.0.1:0", "--flash-policy-domains=*", "--flash-policy-ports=80,443")
	p.allows(p.player(p.playersAddr()), "*", "80,443")
	p.allows(p.player(p.addr), "*", "80,443")
	drain(p)
}

// TestFlashPolicyTLS: players ask before they encrypt.
func TestFlashPolicyTLS(t *testing.T) {
	pair := newPair(t)
	trust := pair.write()
	p := start(t, append(pair.flags(), "--flash-policy", "--flash-policy-domains=a.example")...)
	p.allows(p.player(p.addr), "a.example", p.port())
	p.logged("TLS handshake error") // as net/http sees it
	p.use(&http.Transport{TLSClientConfig: trust})
	for _, c := range p.come() {
		c.emit("say", "7", `{"text":"here"}`)
		if answer := c.answer(); answer != "7" {
			t.Errorf("%s: the answer to %s", c.name, answer)
		}
	}
	p.signal(syscall.SIGTERM)
	p.ended()
	if conn, err := tls.Dial("tcp", p.addr, trust); err == nil {
		conn.Close()
		t.Error("it goes on")
	}
}

// TestFlashPolicyEngine: a connection that was no player's is served as any other, by a
// loop where there are loops. What the program does is what it says of its goroutines
// when it is killed.
func TestFlashPolicyEngine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no loops")
	}
	for _, engine := range []string{"epoll", "goroutine"} {
		for _, inline := range []string{"true", "false"} {
			p := start(t, "--engine="+engine, "--flash-policy="+inline, "--origins=http://a.example")
			peers := []*peer{p.rev1("websocket"), p.rev5("websocket")}
			for _, c := range peers {
				c.emit("join", "99", `{"name":"Ann","room":"r"}`)
				if answer := c.answer(); answer != "99" {
					t.Fatalf("%s: the answer to %s", c.name, answer)
				}
			}
			p.signal(syscall.SIGQUIT)
			stacks := strings.Join(p.rest(), "\n")
			_ = p.cmd.Wait()
			loops, readers := strings.Contains(stacks, "conn.(*loop).drive("), strings.Count(stacks, "conn.(*goroutine).read(")
			if want := map[string]int{"epoll": 0, "goroutine": len(peers)}[engine]; loops != (engine == "epoll") || readers != want {
				t.Errorf("engine %s, policy %s: loops %t, %d readers, want %d", engine, inline, loops, readers, want)
			}
		}
	}
}

// TestFlashPolicyBusy: a port that cannot be had ends the program.
func TestFlashPolicyBusy(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	args := []string{"--addr=127.0.0.1:0", "--flash-policy-domains=*", "--flash-policy-addr=" + ln.Addr().String()}
	_, stderr, status := output(t, nil, args...)
	if status != failure || !strings.Contains(stderr, "sockeye: listen tcp "+ln.Addr().String()) {
		t.Errorf("status %d, %s", status, stderr)
	}
}

// TestFlashPolicyWrong: each mistake names its flag.
func TestFlashPolicyWrong(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	addr := []string{"SOCKEYE_ADDR=" + ln.Addr().String()} // so that what nobody finds wrong ends, too
	const none = " needs --flash-policy-domains, or --origins by name"
	for _, m := range []mistake{
		{"", "--flash-policy", usage, []string{"--flash-policy" + none}},
		{"", "--flash-policy --origins *", usage, []string{"--flash-policy" + none}},
		{"", "--flash-policy-addr :843", usage, []string{"--flash-policy-addr" + none}},
		{"SOCKEYE_FLASH_POLICY=true", "", usage, []string{"--flash-policy" + none + " (from SOCKEYE_FLASH_POLICY)"}},
		{"", "--flash-policy-domains a.example", usage, []string{"--flash-policy-domains needs --flash-policy or --flash-policy-addr"}},
		{"", "--flash-policy-ports 80", usage, []string{"--flash-policy-ports needs --flash-policy or --flash-policy-addr"}},
		{"", "--flash-policy --flash-policy-domains https://a.example", usage, []string{`--flash-policy-domains: "https://a.example" is no domain`}},
		{"", "--flash-policy --flash-policy-domains * --flash-policy-ports 0", usage, []string{"--flash-policy-ports: 0 is no port"}},
		{"", "--flash-policy --flash-policy-domains * --flash-policy-ports http", usage, []string{`--flash-policy-ports: "http": want a whole number`}},
		{"", "--flash-policy-addr 843 --flash-policy-domains *", usage, []string{"--flash-policy-addr: address 843: missing port in address"}},
	} {
		_, stderr, status := output(t, append(strings.Fields(m.vars), addr...), strings.Fields(m.args)...)
		m.check(t, status, stderr)
	}
}
