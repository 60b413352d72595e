package load

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pacedPair makes a workload with two clients whose server is this test, and
// returns the server's ends.
func pacedPair(t *testing.T, rate int) (*latency, [2]int) {
	t.Helper()
	y := newLatency(revision5, 2, rate, `"a"`)
	var peers [2]int
	for i := range peers {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
		y.conns = append(y.conns, &conn{fd: fds[0], proto: revision5, index: i})
		peers[i] = fds[1]
	}
	return y, peers
}

// received counts the requests that a client has sent.
func received(t *testing.T, y *latency, fd int) int {
	t.Helper()
	var buf [4096]byte
	n, err := unix.Read(fd, buf[:])
	if err == unix.EAGAIN {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	return n / len(y.frame)
}

func TestOpenLoop(t *testing.T) {
	const ms = time.Millisecond
	y, peers := pacedPair(t, 1000)
	steps := []struct {
		why   string
		now   time.Duration
		want0 int
		want1 int
	}{
		{"message 0 is due at once", 0, 1, 0},
		{"nothing is due between two", ms / 2, 0, 0},
		{"the clients take turns", ms, 0, 1},
		{"what is late is sent whole, though nothing was answered", 6 * ms, 3, 2},
	}
	for _, s := range steps {
		if err := y.send(s.now); err != nil {
			t.Fatal(err)
		}
		if a, b := received(t, y, peers[0]), received(t, y, peers[1]); a != s.want0 || b != s.want1 {
			t.Errorf("%s: %d and %d messages sent, want %d and %d", s.why, a, b, s.want0, s.want1)
		}
	}
}

// A server that stands still for a while pays for all that was due meanwhile.
func TestLatencyCountsFromDue(t *testing.T) {
	const ms = time.Millisecond
	y, _ := pacedPair(t, 1000)
	if err := y.send(ms); err != nil {
		t.Fatal(err)
	}
	y.measure(4 * ms) // messages 2 to 5
	if err := y.send(6 * ms); err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{4 * ms, 3 * ms, 2 * ms, ms}; !slices.Equal(y.late, want) {
		t.Errorf("sent %v late, want %v", y.late, want)
	}
	for range 3 {
		y.answered(y.conns[0], 10*ms) // messages 0, 2, 4
	}
	y.answered(y.conns[1], 11*ms) // message 1
	y.answered(y.conns[1], 11*ms) // message 3
	y.answered(y.conns[1], 20*ms) // message 5
	y.answered(y.conns[0], 20*ms) // message 6, after the measured ones
	if want := []time.Duration{8 * ms, 6 * ms, 8 * ms, 15 * ms}; !slices.Equal(y.took, want) {
		t.Errorf("took %v, want %v", y.took, want)
	}
	if y.ops() != 7 {
		t.Errorf("%d operations, want 7", y.ops())
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	tests := []struct {
		why    string
		values []time.Duration
		p      int
		want   time.Duration
	}{
		{"the 99th of a hundred", hundred, 99, 99},
		{"the greatest", hundred, 100, 100},
		{"the median", hundred, 50, 50},
		{"of two, half do not exceed the first", hundred[:2], 50, 1},
		{"of ten, only the last is not exceeded by 99 %", hundred[:10], 99, 10},
		{"one value", hundred[:1], 50, 1},
		{"none", nil, 99, 0},
	}
	for _, tt := range tests {
		if got := percentile(tt.values, tt.p); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.why, got, tt.want)
		}
	}
}

// Every message of the measured phase must be answered, whatever the server's
// core is busy with.
func TestPaceAgainstFloor(t *testing.T) {
	target := startServer(t, buildServer(t, "..", "./floor"))
	for _, c := range Cases {
		if !c.Paced {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			r, err := c.Pace(target, 10*time.Millisecond, 200*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			l := r.Latency
			if l.P50 <= 0 || l.P50 > l.P90 || l.P90 > l.P99 || l.P99 > l.Max {
				t.Errorf("percentiles %v, %v, %v, %v do not ascend", l.P50, l.P90, l.P99, l.Max)
			}
			if want := int64(1000); r.Ops < want {
				t.Errorf("%d operations, want %d at least", r.Ops, want)
			}
		})
	}
}
