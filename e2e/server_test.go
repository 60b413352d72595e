package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A kind is a program that runs the conformance app. All take the same flags.
type kind string

const (
	sockeye kind = "sockeye" // ours: cmd/conformance
	node4   kind = "node4"   // socket.io 4 on Node
	node09  kind = "node09"  // socket.io 0.9.19 on Node
	both    kind = "both"    // those two in one process, their rooms bridged
)

// patience bounds waits that end a run that hangs. Nothing passes or fails by
// its speed.
const patience = 90 * time.Second

// under is the kind that SOCKEYE_E2E_SERVER names; binary is ours, once built.
var (
	under  = sockeye
	binary string
)

func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	if name := os.Getenv("SOCKEYE_E2E_SERVER"); name != "" {
		under = kind(name)
	}
	switch under {
	case sockeye:
		dir, err := os.MkdirTemp("", "sockeye-e2e")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "conformance")
		if err := build(binary, "./cmd/conformance"); err != nil {
			fmt.Fprintln(os.Stderr, "building cmd/conformance:", err)
			return 1
		}
	case node4, node09, both:
		if !installed("reference") {
			return 1
		}
	default:
		fmt.Fprintf(os.Stderr, "SOCKEYE_E2E_SERVER=%s: want sockeye, node4, node09 or both\n", under)
		return 2
	}
	if !installed("clients") {
		return 1
	}
	defer shared.end()
	return m.Run()
}

// build builds a program of the parent module, with the race detector if
// SOCKEYE_E2E_RACE is set.
func build(output, program string) error {
	args := []string{"build", "-C", "..", "-o", output}
	if os.Getenv("SOCKEYE_E2E_RACE") != "" {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, program)...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}

// installed reports whether npm has been run in dir, and says how if not.
func installed(dir string) bool {
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		fmt.Fprintf(os.Stderr, "e2e/%s has no node_modules: run npm ci --ignore-scripts there\n", dir)
		return false
	}
	return true
}

// A server is a running conformance app.
type server struct {
	url     string
	cmd     *exec.Cmd
	ended   chan struct{} // closed when the process is gone, err being set
	err     error
	stderr  lockedBuffer
	stopped bool // by the test
}

// need skips a test that the server under test does not serve.
func need(t *testing.T, kinds ...kind) {
	t.Helper()
	if !slices.Contains(kinds, under) {
		t.Skipf("%s does not serve these clients", under)
	}
}

// start runs the server under test.
func start(t *testing.T, flags ...string) *server {
	t.Helper()
	if under == sockeye {
		return startProgram(t, binary, flags...)
	}
	return startProgram(t, "node", append([]string{"reference/server.js", string(under)}, flags...)...)
}

// startProgram runs a server on a port of its own. When the test ends, it must still
// be there, and end with status 0 on SIGTERM.
func startProgram(t *testing.T, program string, args ...string) *server {
	t.Helper()
	return startProgramAt(t, "127.0.0.1:0", program, args...)
}

func startProgramAt(t *testing.T, addr, program string, args ...string) *server {
	t.Helper()
	s := &server{cmd: exec.Command(program, append(args, "--addr", addr)...), ended: make(chan struct{})}
	s.cmd.Stderr = &s.stderr
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	announced := make(chan string, 1)
	go func() { // ends with the process, which closes its standard output
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if url, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
				announced <- url
			}
		}
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() {
		if !s.stopped {
			s.stop(t, syscall.SIGTERM)
		}
		if t.Failed() {
			t.Logf("the server's standard error:\n%s", s.stderr.String())
		}
	})
	select {
	case s.url = <-announced:
	case <-s.ended:
		t.Fatalf("server ended at once: %v\n%s", s.err, s.stderr.String())
	case <-time.After(patience):
		t.Fatalf("server does not say where it listens\n%s", s.stderr.String())
	}
	return s
}

// stop ends the server, which must still be there, by a signal. On SIGTERM its status
// must be 0.
func (s *server) stop(t *testing.T, signal syscall.Signal) {
	t.Helper()
	s.stopped = true
	select {
	case <-s.ended:
		t.Errorf("server ended during the test: %v", s.err)
		return
	default:
	}
	s.cmd.Process.Signal(signal)
	select {
	case <-s.ended:
		if signal == syscall.SIGTERM && s.err != nil {
			t.Errorf("server ended badly on SIGTERM: %v", s.err)
		}
	case <-time.After(patience):
		s.cmd.Process.Kill()
		<-s.ended
		t.Errorf("server does not end on signal %v", signal)
	}
}

// lockedBuffer is a buffer that one goroutine fills while others look.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
