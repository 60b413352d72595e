package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// How the soak is run:
//
//	SOAK=10m       how long (20 s)
//	SOAK_RACE=1    the server is built with the race detector
const (
	soakVariable     = "SOAK"
	soakRaceVariable = "SOAK_RACE"
	soakShort        = 20 * time.Second
)

// What the server's heap may have grown by in the end, whatever the time: what tables,
// pools and the runtime keep of some hundred clients.
const soakHeap = 8 << 20

// TestSoak has clients of all kinds come and go for a while, all of which talk in the
// same rooms and hold that nothing is lost, doubled or reordered. In the end the
// server must have no more in use than at the beginning.
func TestSoak(t *testing.T) {
	need(t, sockeye)
	t.Parallel()
	duration, long := soakShort, false
	if testing.Short() {
		duration /= 4
	}
	if v := os.Getenv(soakVariable); v != "" {
		d, err := time.ParseDuration(v)
		if err != nil {
			t.Fatal(err)
		}
		duration, long = d, true
	}
	program := filepath.Join(t.TempDir(), "soakserver")
	args := []string{"build", "-o", program, "./soakserver"}
	if os.Getenv(soakRaceVariable) != "" {
		args = append(args[:1:1], append([]string{"-race"}, args[1:]...)...)
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	engines := []string{"goroutine"}
	if runtime.GOOS == "linux" {
		engines = append(engines, "epoll")
	}
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			now, old, raw := 25, 15, 60
			if long {
				now, old, raw = 45, 30, 100
			}
			soak(t, startProgram(t, program, "-engine", engine), duration, now, old, raw)
		})
	}
}

// A soakStats is what soakserver says of itself.
type soakStats struct {
	Sockets, Files, Goroutines, Heap int
	Reasons                          map[string]int // how often clients left for it
}

func (s *server) soakStats(t *testing.T) (st soakStats) {
	t.Helper()
	body, err := get(s.url + "/stats")
	if err == nil {
		err = json.Unmarshal(body, &st)
	}
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// soak runs one server with so many clients of 4.x, of 0.9 and of ours.
func soak(t *testing.T, s *server, duration time.Duration, now, old, raw int) {
	before := s.soakStats(t)
	stop := make(chan struct{})
	scripts := []*soakScript{startSoakScript(t, s, "4", now), startSoakScript(t, s, "09", old)}
	var sum tally
	var clients sync.WaitGroup
	errs := make(chan error, raw)
	for i := range raw {
		clients.Go(func() {
			for running := true; running; {
				if err := live(strings.TrimPrefix(s.url, "http://"), i, &sum, stop); err != nil {
					errs <- err
					return
				}
				select {
				case <-stop:
					running = false
				default:
				}
			}
		})
	}
	began := time.Now()
	select {
	case <-time.After(duration):
	case err := <-errs:
		t.Errorf("raw: %v", err)
	case <-s.ended:
		t.Error("the server has ended")
	case <-scripts[0].done:
	case <-scripts[1].done: // which end early with an error only
	}
	took := time.Since(began)
	close(stop)
	for _, script := range scripts {
		script.finish(t, &sum)
	}
	clients.Wait()
	close(errs)
	for err := range errs {
		t.Errorf("raw: %v", err)
	}
	t.Logf("%d clients, %d connections: %d messages said, %d heard, %d echoes in %v",
		now+old+raw, sum.lives.Load(), sum.said.Load(), sum.heard.Load(), sum.echoes.Load(), took.Round(time.Second))
	if !t.Failed() {
		atRest(t, s, scripts, before)
	}
}

// atRest holds that the server, whose clients are leaving, has in the end no more in use
// than before.
func atRest(t *testing.T, s *server, scripts []*soakScript, before soakStats) {
	t.Helper()
	awaitStats(t, s, "clients leave", func(now soakStats) bool { return now.Sockets == 0 })
	for _, script := range scripts {
		script.in.Close() // and with the process the connections that HTTP keeps
	}
	const clock = 1 // goroutine, of a server that had a client
	now := awaitStats(t, s, "nothing is left", func(now soakStats) bool {
		return now.Sockets == 0 && now.Files <= before.Files && now.Goroutines <= before.Goroutines+clock
	})
	t.Logf("%+v, before %+v", now, before)
	if now.Heap > before.Heap+soakHeap {
		t.Errorf("the heap has grown by %d bytes, more than %d", now.Heap-before.Heap, soakHeap)
	}
	for reason, n := range now.Reasons {
		if !strings.Contains(reason, "disconnect") && !strings.Contains(reason, "transport") {
			t.Errorf("%d clients left for: %s", n, reason)
		}
	}
}

// awaitStats waits until the server says of itself what it shall.
func awaitStats(t *testing.T, s *server, what string, condition func(soakStats) bool) (now soakStats) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(patience); time.Now().Before(late); <-tick.C {
		if now = s.soakStats(t); condition(now) {
			return now
		}
	}
	t.Fatalf("%s: not in %v; %+v", what, patience, now)
	return now
}

// A soakScript is a process of clients/soak.js.
type soakScript struct {
	name   string
	in     io.WriteCloser
	done   chan struct{} // closed when result is there, or the process has ended
	result struct {
		Said, Heard, Echoes int64
		Lives               map[string]int64
		Errors              []string
	}
	transports []string
	stderr     lockedBuffer
}

func startSoakScript(t *testing.T, s *server, generation string, clients int) *soakScript {
	t.Helper()
	p := &soakScript{name: generation, done: make(chan struct{}), transports: transports4}
	if generation == "09" {
		p.transports = transports09
	}
	cmd := exec.Command("node", "clients/soak.js",
		"--url", s.url, "--generation", generation, "--clients", fmt.Sprint(clients))
	cmd.Stderr = &p.stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { // ends with the process, which ends with its standard input
		defer close(ended)
		lines := bufio.NewReader(out)
		line, _ := lines.ReadBytes('\n')
		if err := json.Unmarshal(line, &p.result); err != nil {
			p.result.Errors = append(p.result.Errors, fmt.Sprintf("no result: %v", err))
		}
		close(p.done)
		_, _ = io.Copy(io.Discard, lines)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		p.in.Close()
		select {
		case <-ended:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	return p
}

// finish has the clients leave, adds what they did and reports what went wrong.
func (p *soakScript) finish(t *testing.T, sum *tally) {
	t.Helper()
	_, _ = io.WriteString(p.in, "stop\n")
	select {
	case <-p.done:
	case <-time.After(2 * patience):
		t.Fatalf("%s: the clients do not leave\n%s", p.name, p.stderr.String())
	}
	sum.said.Add(p.result.Said)
	sum.heard.Add(p.result.Heard)
	sum.echoes.Add(p.result.Echoes)
	for _, transport := range p.transports {
		n := p.result.Lives[transport]
		if sum.lives.Add(n); n == 0 {
			t.Errorf("%s: no client lived to its end over %s", p.name, transport)
		}
	}
	for _, err := range p.result.Errors {
		t.Errorf("%s: %s", p.name, err)
	}
	if t.Failed() {
		t.Logf("%s, standard error:\n%s", p.name, p.stderr.String())
	}
}
