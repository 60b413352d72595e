package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sockeye-io/socketio/bench/load"
)

// A server is a program that runs the conformance app: it takes -addr and
// prints where it listens.
type server struct {
	name    string
	command []string
	dir     string
}

// prepare builds what the servers named need; the floor comes first.
func prepare(names []string, tmp string) ([]server, error) {
	var servers []server
	names = slices.DeleteFunc(names, func(n string) bool { return n == "floor" || n == "" })
	for _, name := range append([]string{"floor"}, names...) {
		s := server{name: name}
		bin := filepath.Join(tmp, name)
		var err error
		switch name {
		case "floor":
			s.command = []string{bin}
			err = build(bin, ".", "./floor")
		case "sockeye":
			s.command = []string{bin}
			err = build(bin, parent(), "github.com/sockeye-io/socketio/cmd/conformance")
		case "nbio", "gnet":
			s.command = []string{bin}
			err = build(bin, "peers", "./"+name)
		case "nbio-http":
			s.command = []string{bin, "-taken"}
			err = build(bin, "peers", "./nbio")
		case "node":
			s.command, s.dir = []string{"node", "server.js"}, "node"
		case "node09":
			s.command, s.dir = []string{"node", "legacy.js"}, "node"
		default:
			err = errors.New("no such server")
		}
		if s.dir != "" {
			if _, e := os.Stat("node/node_modules"); e != nil {
				err = errors.New("run npm ci in bench/node first")
			}
		}
		if err != nil {
			return nil, fmt.Errorf("server %s: %w", name, err)
		}
		servers = append(servers, s)
	}
	return servers, nil
}

func build(bin, dir, pkg string) error {
	cmd := exec.Command("go", "build", "-o", bin, pkg)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	return cmd.Run()
}

// A process is a running server.
type process struct {
	cmd    *exec.Cmd
	target load.Target
	ended  chan error
}

// start runs the server on one core and waits until it listens.
func (s server) start(core int) (*process, error) {
	args := append([]string{"-c", strconv.Itoa(core)}, s.command...)
	args = append(args, "-addr", "127.0.0.1:0")
	// taskset becomes the server, so its process id is the server's.
	cmd := exec.Command("taskset", args...)
	cmd.Dir, cmd.Stderr = s.dir, os.Stderr
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, ended: make(chan error, 1)}
	line := make(chan string, 1)
	// Ends with the process, whose standard output it reads to the end.
	go func() {
		r := bufio.NewReader(stdout)
		text, _ := r.ReadString('\n')
		line <- text
		io.Copy(io.Discard, r)
		p.ended <- cmd.Wait()
	}()
	select {
	case text := <-line:
		addr, ok := strings.CutPrefix(strings.TrimSpace(text), "listening on http://")
		if !ok {
			p.stop()
			return nil, fmt.Errorf("printed %q, not where it listens", text)
		}
		p.target = load.Target{Addr: addr, PID: cmd.Process.Pid}
		return p, nil
	case <-time.After(20 * time.Second):
		p.stop()
		return nil, errors.New("does not say where it listens")
	}
}

// stop ends the process, kindly at first.
func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(3 * time.Second):
		p.cmd.Process.Kill()
		<-p.ended
	}
}

// startRival starts a process that never rests on the same core, at the
// server's priority, and returns what ends it.
func (p *process) startRival(core int) (stop func(), err error) {
	cmd := exec.Command("taskset", "-c", strconv.Itoa(core), "sh", "-c", "while :; do :; done")
	// Nothing else would end it, should this process be killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.target.Rival = cmd.Process.Pid
	return func() {
		cmd.Process.Kill()
		cmd.Wait()
	}, nil
}
