package load

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// startFloor builds and starts the floor server in a process of its own: the
// loop's raw calls would not let a server in this process run.
func startFloor(t *testing.T) Target {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "floor")
	if out, err := exec.Command("go", "build", "-o", bin, "../floor").CombinedOutput(); err != nil {
		t.Fatalf("building the floor: %v\n%s", err, out)
	}
	cmd := exec.Command(bin)
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
		t.Fatalf("the floor printed %q, %v", line, err)
	}
	return Target{Addr: addr, PID: cmd.Process.Pid}
}

// Every case must get its answers from the floor, whole and in order: the
// workloads check them as they count.
func TestCasesAgainstFloor(t *testing.T) {
	target := startFloor(t)
	for _, c := range Cases {
		if c.Memory {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
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
		})
	}
}

func TestIdleAgainstFloor(t *testing.T) {
	const clients = 300 // more than one part
	for _, c := range Cases {
		if !c.Memory {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			r, err := c.Idle(startFloor(t), clients, time.Millisecond)
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
