package e2e

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

var only = flag.String("only", "", "run only the scenarios that match the JavaScript `regexp`")

var (
	transports4  = []string{"polling", "websocket", "upgrade"}
	transports09 = []string{"websocket", "xhr-polling"}
)

// shortBeat makes three heartbeats a matter of seconds. Revision 1 tells its
// clients whole seconds, and a short timeout would have a busy machine fail.
var shortBeat = []string{"-ping-interval", "1s", "-ping-timeout", "10s"}

func TestClient4(t *testing.T) {
	need(t, sockeye, node4, both)
	eachTransport(t, transports4, driver{script: "v4.js", group: "ordinary"})
}

func TestClient4Heartbeat(t *testing.T) {
	need(t, sockeye, node4, both)
	eachTransport(t, transports4, driver{script: "v4.js", group: "heartbeat"}, shortBeat...)
}

// oldClients are the clients of revision 1. The WebSocket of the first two speaks draft
// 76 in Node.
var oldClients = []string{"0.7", "0.8", "0.9"}

func TestClientOld(t *testing.T) {
	eachOldClient(t, "ordinary")
}

func TestClientOldHeartbeat(t *testing.T) {
	eachOldClient(t, "heartbeat", shortBeat...)
}

// TestClientOldRestart has the server restarted. The heartbeats are short because 0.7
// misses a server only once its close timeout has passed.
func TestClientOldRestart(t *testing.T) {
	eachOldClient(t, "restart", shortBeat...)
}

func eachOldClient(t *testing.T, group string, flags ...string) {
	need(t, sockeye, node09, both)
	t.Parallel()
	for _, client := range oldClients {
		t.Run(client, func(t *testing.T) {
			eachTransport(t, transports09, driver{script: "v09.js", group: group, client: client}, flags...)
		})
	}
}

// TestMixed has clients of 4.8 and of revision 1 in one room: 0.9 on all pairs of
// transports, the older ones with a client that upgrades, which is on both.
func TestMixed(t *testing.T) {
	need(t, sockeye, both)
	t.Parallel()
	for _, client := range oldClients {
		var pairs []string
		for _, now := range transports4 {
			for _, old := range transports09 {
				if client == "0.9" || now == "upgrade" {
					pairs = append(pairs, now+"+"+old)
				}
			}
		}
		t.Run(client, func(t *testing.T) {
			eachTransport(t, pairs, driver{script: "mixed.js", group: "ordinary", client: client})
		})
	}
}

// eachTransport runs a driver for every transport, each with a server of its
// own, since scenarios broadcast.
func eachTransport(t *testing.T, transports []string, d driver, flags ...string) {
	t.Parallel()
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			if under != sockeye && strings.HasPrefix(d.client, "0.") && d.client != "0.9" && strings.HasSuffix(transport, "websocket") {
				t.Skip("on Node 20 the server 0.9.19 ends draft 76 after the header")
			}
			d.run(t, start(t, flags...), transport)
		})
	}
}

// A driver is a script of scenarios for one generation of clients.
type driver struct {
	script string
	group  string
	client string // of oldClients, if the script is for several
	only   string // instead of the flag
}

// A line is what a driver prints: first the names of its scenarios, then how
// each went, or why the client cannot do it; and what it wants done to the server.
type line struct {
	Plan     []string
	Scenario string
	OK       bool
	Error    string
	Without  string
	Restart  string // a signal; the driver waits for a line
}

var restartSignals = map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL}

// run reports each scenario as a subtest.
func (d driver) run(t *testing.T, s *server, transport string) {
	args := []string{"clients/" + d.script, "--url", s.url, "--transport", transport, "--group", d.group, "--only", cmp.Or(d.only, *only)}
	if d.client != "" {
		args = append(args, "--client", d.client)
	}
	cmd := exec.CommandContext(t.Context(), "node", args...)
	var stderr lockedBuffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
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
			t.Run(l.Scenario, func(t *testing.T) { d.judge(t, transport, l) })
		}
		if signal, ok := restartSignals[l.Restart]; ok {
			s.stop(t, signal)
			s = s.restart(t)
			if _, err := io.WriteString(stdin, "restarted\n"); err != nil {
				t.Errorf("%s: %v", d.script, err)
			}
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

func (d driver) judge(t *testing.T, transport string, l line) {
	if l.OK {
		return
	}
	if l.Without != "" {
		t.Skip(l.Without)
	}
	if under != sockeye {
		for _, name := range []string{l.Scenario, transport + "/" + l.Scenario, d.client + "/" + l.Scenario} {
			if why, ok := referenceFaults[name]; ok {
				t.Skipf("%s (%s)", why, l.Error)
			}
		}
	}
	t.Error(l.Error)
}

// referenceFaults are scenarios that Node's own servers may fail, with some transport or
// client, or with all.
var referenceFaults = map[string]string{
	// 0.9.19 decodes each TCP segment of a POST by itself (transcript
	// "unicode"): which characters break depends on the segments.
	"xhr-polling/100 kB beyond ASCII": "0.9.19 breaks characters at segment borders",
	// JSON.stringify leaves them as they are. All old clients read an acknowledgement
	// to the first of them only, 0.7 any packet.
	"line separators":      "0.9.19 does not escape line separators",
	"0.7/echo values":      "0.9.19 does not escape line separators",
	"0.7/send JSON":        "0.9.19 does not escape line separators",
	"0.7/room, 4.8 to old": "0.9.19 does not escape line separators",
}
