package e2e

import (
	"bufio"
	"encoding/json"
	"flag"
	"os/exec"
	"testing"
)

var only = flag.String("only", "", "run only the scenarios that match the JavaScript `regexp`")

var (
	transports4  = []string{"polling", "websocket", "upgrade"}
	transports09 = []string{"websocket", "xhr-polling"}
)

// shortBeat makes three heartbeats a matter of seconds. Revision 1 tells its
// clients whole seconds, and a short timeout would have a busy machine fail.
var shortBeat = []string{"-ping-interval", "1s", "-ping-timeout", "5s"}

func TestClient4(t *testing.T) {
	need(t, sockeye, node4, both)
	eachTransport(t, transports4, driver{script: "v4.js", group: "ordinary"})
}

func TestClient4Heartbeat(t *testing.T) {
	need(t, sockeye, node4, both)
	eachTransport(t, transports4, driver{script: "v4.js", group: "heartbeat"}, shortBeat...)
}

func TestClient09(t *testing.T) {
	need(t, sockeye, node09, both)
	eachTransport(t, transports09, driver{script: "v09.js", group: "ordinary"})
}

func TestClient09Heartbeat(t *testing.T) {
	need(t, sockeye, node09, both)
	eachTransport(t, transports09, driver{script: "v09.js", group: "heartbeat"}, shortBeat...)
}

// TestMixed has clients of both generations in one room, on all pairs of
// transports.
func TestMixed(t *testing.T) {
	need(t, sockeye, both)
	var pairs []string
	for _, now := range transports4 {
		for _, old := range transports09 {
			pairs = append(pairs, now+"+"+old)
		}
	}
	eachTransport(t, pairs, driver{script: "mixed.js", group: "ordinary"})
}

// eachTransport runs a driver for every transport, each with a server of its
// own, since scenarios broadcast.
func eachTransport(t *testing.T, transports []string, d driver, flags ...string) {
	t.Parallel()
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			d.run(t, start(t, flags...), transport)
		})
	}
}

// A driver is a script of scenarios for one generation of clients.
type driver struct {
	script string
	group  string
}

// A line is what a driver prints: first the names of its scenarios, then how
// each went.
type line struct {
	Plan     []string
	Scenario string
	OK       bool
	Error    string
}

// run reports each scenario as a subtest.
func (d driver) run(t *testing.T, s *server, transport string) {
	cmd := exec.CommandContext(t.Context(), "node", "clients/"+d.script,
		"--url", s.url, "--transport", transport, "--group", d.group, "--only", *only)
	var stderr lockedBuffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	due := make(map[string]bool)
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Logf("%s: %s", d.script, lines.Bytes())
			continue
		}
		for _, name := range l.Plan {
			due[name] = true
		}
		if l.Scenario != "" {
			delete(due, l.Scenario)
			t.Run(l.Scenario, func(t *testing.T) { judge(t, transport, l) })
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s: %v", d.script, err)
	}
	for name := range due {
		t.Errorf("%s did not get to %q", d.script, name)
	}
	if t.Failed() && stderr.String() != "" {
		t.Logf("the driver's standard error:\n%s", stderr.String())
	}
}

func judge(t *testing.T, transport string, l line) {
	if l.OK {
		return
	}
	if under != sockeye {
		if why, ok := referenceFaults[transport+"/"+l.Scenario]; ok {
			t.Skipf("%s (%s)", why, l.Error)
		}
	}
	t.Error(l.Error)
}

// referenceFaults are scenarios that Node's own servers may fail.
var referenceFaults = map[string]string{
	// 0.9.19 decodes each TCP segment of a POST by itself (transcript
	// "unicode"): which characters break depends on the segments.
	"xhr-polling/100 kB beyond ASCII": "0.9.19 breaks characters at segment borders",
}
