package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestMain lets the test's own binary be the program, so that nothing is built twice.
func TestMain(m *testing.M) {
	if os.Getenv("CONFORMANCE_MAIN") != "" {
		flag.CommandLine = flag.NewFlagSet(os.Args[0], flag.ExitOnError) // without those of tests
		main()
		return
	}
	os.Exit(m.Run())
}

// A program is a running conformance.
type program struct {
	*testing.T
	cmd    *exec.Cmd
	addr   string
	http   *http.Client
	stdout *bufio.Reader
	stderr bytes.Buffer
}

// command returns the program, which has not started.
func command(t *testing.T, args ...string) *program {
	// A program that hangs fails its test; nothing depends on how fast it is.
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	t.Cleanup(cancel)
	p := &program{T: t, cmd: exec.CommandContext(ctx, os.Args[0], args...)}
	p.cmd.Env = append(os.Environ(), "CONFORMANCE_MAIN=1")
	p.cmd.Stderr = &p.stderr
	return p
}

// start runs the program until it says where it listens.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := command(t, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
	})
	p.stdout = bufio.NewReader(out)
	line, err := p.stdout.ReadString('\n')
	addr, ok := strings.CutPrefix(line, "listening on http://")
	if !ok || err != nil {
		t.Fatalf("it says %q, %v; %s", line, err, p.stderr.String())
	}
	p.addr = strings.TrimSuffix(addr, "\n")
	tr := &http.Transport{}
	p.http = &http.Client{Transport: tr, Timeout: 4 * patience}
	t.Cleanup(tr.CloseIdleConnections)
	return p
}

func (p *program) terminate() {
	p.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.Fatal(err)
	}
}

// ended waits for the program's end, and checks that it said nothing more.
func (p *program) ended() {
	p.Helper()
	rest, _ := io.ReadAll(p.stdout)
	if err := p.cmd.Wait(); err != nil {
		p.Errorf("%v: %s", err, p.stderr.String())
	}
	if len(rest) > 0 || p.stderr.Len() > 0 {
		p.Errorf("it also says %q and %q", rest, p.stderr.String())
	}
}

func (p *program) do(method, target, body string) (int, string) {
	p.Helper()
	req, err := http.NewRequest(method, "http://"+p.addr+target, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	res, err := p.http.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.Fatal(err)
	}
	return res.StatusCode, string(b)
}

const (
	polling4 = "/socket.io/?EIO=4&transport=polling"
	echo4    = "/engine.io/?EIO=4&transport=polling"
)

// TestFlags: what the flags say is what clients are told.
func TestFlags(t *testing.T) {
	for _, c := range []struct {
		args     []string
		open     string // Engine.IO's
		rev1     string // revision 1's heartbeat and close timeouts
		tooLarge int
	}{
		{nil, `"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`, ":60:60:", 1_000_001},
		{
			[]string{"-ping-interval", "300ms", "-ping-timeout=1.2s", "-max-payload", "5000"},
			`"pingInterval":300,"pingTimeout":1200,"maxPayload":5000}`, ":2:2:", 5001,
		},
	} {
		p := start(t, c.args...)
		for _, path := range []string{polling4, echo4} {
			if status, open := p.do("GET", path, ""); status != 200 || !strings.HasSuffix(open, c.open) {
				t.Errorf("%q: %s: %d %q", c.args, path, status, open)
			}
		}
		status, rev1 := p.do("GET", "/socket.io/1/", "")
		sid, rest, _ := strings.Cut(rev1, ":")
		if status != 200 || !strings.HasPrefix(":"+rest, c.rev1) {
			t.Errorf("%q: revision 1: %d %q", c.args, status, rev1)
		}
		if status, _ := p.do("POST", "/socket.io/1/xhr-polling/"+sid, strings.Repeat("x", c.tooLarge)); status != http.StatusRequestEntityTooLarge {
			t.Errorf("%q: a body that is too large: %d", c.args, status)
		}
		_ = p.cmd.Process.Kill()
	}
}

func TestWrongFlags(t *testing.T) {
	for _, args := range [][]string{{"-nonsense"}, {"-ping-interval", "soon"}, {"-max-payload", "1MB"}} {
		p := command(t, args...)
		err := p.cmd.Run()
		if p.cmd.ProcessState.ExitCode() != 2 || !strings.Contains(p.stderr.String(), args[0]) {
			t.Errorf("%q: %v: %s", args, err, p.stderr.String())
		}
	}
}

func TestAddressInUse(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p := command(t, "-addr", ln.Addr().String())
	err = p.cmd.Run()
	want := fmt.Sprintf("conformance: listen tcp %s: bind: address already in use\n", ln.Addr())
	if p.cmd.ProcessState.ExitCode() != 1 || p.stderr.String() != want {
		t.Errorf("%v: %q, want %q", err, p.stderr.String(), want)
	}
}

// TestIdle: with nobody there it ends at once; also by the signal of a terminal.
func TestIdle(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := start(t)
		if err := p.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		p.ended()
	}
}

// TestDeaf: peers that neither read nor leave, and half a request, keep it no longer
// than its bound. TestDrainBound has the time; this has the process, and waits for it.
func TestDeaf(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for 8 s")
	}
	t.Parallel()
	p := start(t)
	_, open := p.do("GET", echo4, "")
	if status, body := p.do("POST", echo4+"&sid="+sidOf(open), "4never read"); status != 200 || body != "ok" {
		t.Errorf("%d %q", status, body)
	}
	half, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer half.Close()
	fmt.Fprint(half, "GET /socket.io/1/ HTTP/1.1\r\nHost: x\r\n")
	p.terminate()
	p.ended()
}

// sidOf returns the session id of an open packet.
func sidOf(open string) string {
	_, rest, _ := strings.Cut(open, `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	return sid
}
