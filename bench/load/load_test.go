package load

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// buildServer builds a server of the module in dir.
func buildServer(t *testing.T, dir, pkg string) (bin string) {
	t.Helper()
	bin = filepath.Join(t.TempDir(), "server")
	build := exec.Command("go", "build", "-o", bin, pkg)
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", pkg, err, out)
	}
	return bin
}

// startServer starts a server in a process of its own: the loop's raw calls
// would not let a server in this process run.
func startServer(t *testing.T, bin string, args ...string) Target {
	t.Helper()
	cmd := exec.Command(bin, args...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(unix.SIGTERM)
		cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on http://")
	if !ok {
		t.Fatalf("the server printed %q, %v", line, err)
	}
	return Target{Addr: addr, PID: cmd.Process.Pid}
}

// Every case must get its answers from the floor, whole and in order: the
// workloads check them as they count.
func TestCasesAgainstFloor(t *testing.T) {
	target := startServer(t, buildServer(t, "..", "./floor"))
	for _, c := range Cases {
		if !c.Memory && !c.Paced {
			t.Run(c.Name, func(t *testing.T) { tryCase(t, target, c) })
		}
	}
}

// So it must be with the servers on other libraries: a case for each of the
// things they do.
func TestCasesAgainstPeers(t *testing.T) {
	for name, command := range map[string][]string{
		"nbio":      {"./nbio"},
		"nbio-http": {"./nbio", "-taken"},
		"gnet":      {"./gnet"},
	} {
		bin := buildServer(t, "../peers", command[0])
		for _, c := range Cases {
			if !slices.Contains([]string{"echo16", "ack", "broadcast4", "rooms", "churn"}, c.Name) {
				continue
			}
			t.Run(name+"/"+c.Name, func(t *testing.T) {
				// Each case its own: one that just ended may still be
				// broadcasting to those who come.
				tryCase(t, startServer(t, bin, command[1:]...), c)
			})
		}
	}
}

// tryCase runs a case until 2,000 operations are done.
func tryCase(t *testing.T, target Target, c Case) {
	l, err := newLoop(target)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	w := c.build(c.proto)
	if err := w.setup(l); err != nil {
		t.Fatal(err)
	}
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	for w.ops() < 2000 {
		if err := l.run(10*time.Millisecond, w); err != nil {
			t.Fatal(err)
		}
	}
}

func TestIdleAgainstFloor(t *testing.T) {
	const clients = 300 // more than one part
	bin := buildServer(t, "..", "./floor")
	for _, c := range Cases {
		if !c.Memory {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			r, err := c.Idle(startServer(t, bin), clients, time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			// A connection cannot cost nothing: this says that RSS is read
			// from the right process, no more.
			if r.Before <= 0 || r.After <= r.Before {
				t.Errorf("resident bytes %d before, %d after %d clients", r.Before, r.After, clients)
			}
		})
	}
}

// The process's CPU clock must be the one that getrusage reads.
func TestCPU(t *testing.T) {
	usage := func() time.Duration {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := usage()
	got, err := CPU(unix.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// getrusage cuts both of its parts to microseconds.
	if after := usage() + 2*time.Microsecond; got < before || got > after {
		t.Errorf("CPU = %v, want within %v and %v", got, before, after)
	}
}
