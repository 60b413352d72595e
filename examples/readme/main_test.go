package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/examples/internal/visit"
)

// Test runs the program as it is, but for the port: clients of all kinds hear each
// other.
func Test(t *testing.T) {
	base := start(t)
	var clients []*visit.Client
	for _, mode := range visit.Modes {
		c := visit.Dial(t, mode, base, "")
		clients = append(clients, c)
		// The answer also shows that its client is there for broadcasts, as all events do.
		if got := c.Ask("chat", `{"not":"text"}`); !strings.Contains(got, "error") {
			t.Errorf("%s: answered %s", mode.Name, got)
		}
		c.Emit("chat", `"hello, I am new"`)
		for _, other := range clients[:len(clients)-1] {
			other.Want(`chat["hello, I am new"]`)
		}
	}
}

// start builds the program with a free port of the loopback in place of 3000, and
// waits until it listens.
func start(t *testing.T) (base string) {
	program := filepath.Join(t.TempDir(), "readme.exe")
	for {
		address := freeAddress(t)
		build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay(t, address), "-o", program, ".")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cmd := exec.CommandContext(ctx, program)
		var output bytes.Buffer
		cmd.Stdout, cmd.Stderr = &output, &output
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { // ends with the program
			_ = cmd.Wait() // it is killed
			close(ended)
		}()
		t.Cleanup(func() {
			cancel()
			<-ended
		})
		if listens(address, ended) {
			return "http://" + address
		}
		<-ended
		if !strings.Contains(output.String(), "in use") {
			t.Fatal(output.String())
		} // somebody was faster
	}
}

func freeAddress(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// overlay writes a file for go build that replaces main.go by one with another port.
func overlay(t *testing.T, address string) string {
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	const port = `":3000"`
	if n := bytes.Count(source, []byte(port)); n != 1 {
		t.Fatalf("main.go has %s %d times", port, n)
	}
	dir := t.TempDir()
	changed := filepath.Join(dir, "main.go")
	write(t, changed, bytes.Replace(source, []byte(port), []byte(`"`+address+`"`), 1))
	original, err := filepath.Abs("main.go")
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "overlay.json")
	write(t, config, b)
	return config
}

func write(t *testing.T, name string, b []byte) {
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// listens waits until somebody listens at address, or the program has ended.
func listens(address string, ended <-chan struct{}) bool {
	retry := time.NewTicker(5 * time.Millisecond) // there is nothing to wait for
	defer retry.Stop()
	for {
		select {
		case <-ended:
			return false
		case <-retry.C:
		}
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return true
		}
	}
}
