package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds the waits of tests that hang. Nothing depends on it being short.
const patience = 2 * time.Minute

// asProgram says that the test's own binary is to be the program, so that nothing is
// built twice and the race detector sees it.
const asProgram = "TEST_SOCKEYE_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	for _, variable := range os.Environ() { // what the tests do not set is not set
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "SOCKEYE_") {
			os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}

// A program is sockeye as a process.
type program struct {
	*testing.T
	cmd    *exec.Cmd
	url    string // as it says
	addr   string // HOST:PORT
	http   *http.Client
	stdout *bufio.Reader
	log    chan string // lines of standard error; closed at its end
}

// command returns the program, which has not started. vars are variables, NAME=VALUE.
func command(t *testing.T, vars []string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	// The race detector would have each process wait for a second before it ends.
	cmd.Env = append(append(os.Environ(), asProgram+"=1", "GORACE=atexit_sleep_ms=0"), vars...)
	return cmd
}

// output runs the program, which ends by itself, and returns all it says.
func output(t *testing.T, vars []string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := command(t, vars, args...)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	_ = cmd.Run() // the status says it
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

// start runs the program until it says where it listens.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	return startWith(t, nil, append([]string{"--addr", "127.0.0.1:0"}, args...)...)
}

func startWith(t *testing.T, vars []string, args ...string) *program {
	t.Helper()
	p := &program{T: t, cmd: command(t, vars, args...), log: make(chan string, 1000)}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the process
		defer close(p.log)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			p.log <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill()
			p.rest()
			_ = p.cmd.Wait()
		}
	})
	p.stdout = bufio.NewReader(out)
	line, err := p.stdout.ReadString('\n')
	url, ok := strings.CutPrefix(line, "listening on ")
	if !ok || err != nil {
		t.Fatalf("it says %q, %v; %q", line, err, p.rest())
	}
	p.url = strings.TrimSuffix(url, "\n")
	_, p.addr, _ = strings.Cut(p.url, "://")
	p.use(&http.Transport{})
	return p
}

// use makes requests go through tr from now on.
func (p *program) use(tr *http.Transport) {
	p.http = &http.Client{
		Transport:     tr,
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	p.Cleanup(tr.CloseIdleConnections)
}

// logged waits for a line of the log, and returns it.
func (p *program) logged(text string) string {
	p.Helper()
	var before []string
	for line := range p.log {
		if strings.Contains(line, text) {
			return line
		}
		before = append(before, line)
	}
	p.Fatalf("no line of the log has %q: %q", text, before)
	return ""
}

// rest returns the lines of the log to its end.
func (p *program) rest() (lines []string) {
	for line := range p.log {
		lines = append(lines, line)
	}
	return lines
}

func (p *program) signal(sig os.Signal) {
	p.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.Fatal(err)
	}
}

// ended waits for the program's end with status 0, checks that it has announced
// nothing more, and returns the rest of its log.
func (p *program) ended() []string {
	p.Helper()
	log := p.rest()
	more, _ := io.ReadAll(p.stdout)
	if err := p.cmd.Wait(); err != nil {
		p.Errorf("%v: %q", err, log)
	}
	if len(more) > 0 {
		p.Errorf("it also says %q", more)
	}
	return log
}

// killed waits for the program's end by a signal.
func (p *program) killed(sig syscall.Signal) {
	p.Helper()
	p.rest()
	_, _ = io.ReadAll(p.stdout)
	_ = p.cmd.Wait()
	if status := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != sig {
		p.Errorf("it ended with %v, want %v", p.cmd.ProcessState, sig)
	}
}

// do makes a request.
func (p *program) do(method, target, body string) (*http.Response, string) {
	p.Helper()
	req, err := http.NewRequest(method, p.url+target, strings.NewReader(body))
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
	return res, string(b)
}

// answers makes a request, and checks the answer.
func (p *program) answers(method, target string, status int, body string) {
	p.Helper()
	if res, got := p.do(method, target, ""); res.StatusCode != status || got != body {
		p.Errorf("%s %s: %d %q, want %d %q", method, target, res.StatusCode, got, status, body)
	}
}
