// Command bench measures what a Socket.IO server costs in CPU and memory,
// against servers that move the same bytes without Socket.IO (floor) and
// against Node's own. README.md says how, and how to read the result.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sockeye-io/socketio/bench/load"
)

// options are the flags.
type options struct {
	cases, servers       string
	runs, clients        int
	warm, duration       time.Duration
	settle               time.Duration
	serverCore, loadCore int
	nice, repeats        int
	within               time.Duration
	out, profiles        string
	profiled             int
	pace                 pace
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	var o options
	flag.StringVar(&o.cases, "cases", "all", "`names` of cases, comma between; \"list\" lists them")
	flag.StringVar(&o.servers, "servers", "floor,sockeye,node,node09", "servers, comma between; floor always runs")
	flag.IntVar(&o.runs, "runs", 5, "runs of each case on each server")
	flag.DurationVar(&o.warm, "warm", time.Second, "load before a measured phase")
	flag.DurationVar(&o.duration, "duration", 2*time.Second, "length of a measured phase")
	flag.DurationVar(&o.settle, "settle", 2*time.Second, "how long memory must stand still before it is read")
	flag.IntVar(&o.clients, "idle-clients", 10000, "clients of the cases idle and rev1-idle")
	flag.IntVar(&o.serverCore, "server-core", 0, "core that servers run on")
	flag.IntVar(&o.loadCore, "load-core", 1, "core that the load runs on")
	flag.IntVar(&o.nice, "nice", 0, "priority of servers and load; below 0 (for root) on a machine that others use")
	flag.IntVar(&o.repeats, "repeats", 2, "times to repeat a run during which something else used 10 % of a core")
	flag.DurationVar(&o.within, "within", 30*time.Minute, "repeat runs only while everything seems to be done in this time")
	flag.StringVar(&o.profiles, "profiles", "", "`folder` for a CPU profile of each of Sockeye's runs, called CASE-N.prof")
	flag.StringVar(&o.out, "out", "results/latest", "`path` of the results, without .md and .json")
	flag.Parse()
	if o.cases == "list" {
		for _, c := range allCases() {
			fmt.Printf("%-15s %s\n", c.Name, c.Title)
		}
		return
	}
	if err := run(&o); err != nil {
		log.Fatal(err)
	}
}

func run(o *options) error {
	cases, err := choose(o.cases)
	if err != nil {
		return err
	}
	if _, err := os.Stat("floor/main.go"); err != nil {
		return fmt.Errorf("to be run in its own directory, bench: %w", err)
	}
	if o.runs < 1 {
		return fmt.Errorf("%d runs", o.runs)
	}
	tmp, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	servers, err := prepare(strings.Split(o.servers, ","), tmp)
	if err != nil {
		return err
	}
	if err := raiseFiles(o.clients); err != nil {
		return err
	}
	defer alone()()
	// After the builds, which may use every core.
	if err := load.Pin(o.loadCore); err != nil {
		return err
	}
	if o.nice != 0 {
		undo, err := load.Nice(o.nice)
		defer undo()
		if err != nil {
			return fmt.Errorf("-nice: %w", err)
		}
	}
	rep := newReport(o)
	o.pace = pace{begun: time.Now(), total: o.count(cases, servers)}
	for _, c := range cases {
		rep.Cases = append(rep.Cases, o.alternate(c, servers))
		// After each case, so that a run cut short has its results.
		if err := rep.write(o.out); err != nil {
			return err
		}
	}
	return rep.markdown(os.Stdout)
}

// alternate runs one case on every server in turn, the number of times asked
// for; every other round goes backwards, so that no server is always first.
func (o *options) alternate(c benchCase, servers []server) *caseResult {
	result := newCaseResult(c, servers)
	for round := range o.runs {
		order := slices.Clone(result.Servers)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, r := range order {
			one, err := o.quietest(c, r.server)
			o.pace.done++
			r.add(one, err)
			if err != nil {
				log.Printf("%s run %d, %s: %v", c.Name, round+1, r.Name, err)
				continue
			}
			log.Printf("%s run %d, %s: %.1f %s%s", c.Name, round+1, r.Name, one.Value, c.measure(), one.how())
		}
	}
	result.finish()
	return result
}

// count counts the runs to be made, without repeats.
func (o *options) count(cases []benchCase, servers []server) int {
	n := 0
	for _, c := range cases {
		n += o.runs * len(newCaseResult(c, servers).Servers)
	}
	return n
}

// A pace is how fast the runs go.
type pace struct {
	begun       time.Time
	done, total int
}

// before reports whether all will have taken less than limit, the run under
// way included, if it goes on as it has until now.
func (p *pace) before(now time.Time, limit time.Duration) bool {
	return now.Sub(p.begun)*time.Duration(p.total) < limit*time.Duration(p.done+1)
}

// quietest runs a case once, and again when something else kept the machine
// busy meanwhile; the quietest run counts.
func (o *options) quietest(c benchCase, s server) (runResult, error) {
	best, err := o.once(c, s)
	for i := 0; i < o.repeats && err == nil && o.pace.before(time.Now(), o.within); i++ {
		if best.Others <= 0.1 && c.spoiled(best) == nil {
			break
		}
		one, e := o.once(c, s)
		if e == nil && one.Others < best.Others {
			best = one
		}
	}
	if err == nil {
		err = c.spoiled(best)
	}
	return best, err
}

// spoiled says why a run cannot count, or nil. A paced load never rests; when
// it lacks some of its core, what it measured is who else had it.
func (c benchCase) spoiled(r runResult) error {
	if c.Paced && r.LoadBusy < 0.95 {
		return fmt.Errorf("the load had only %.0f %% of its core", 100*r.LoadBusy)
	}
	return nil
}

// once starts a server, runs the case against it, and stops it.
func (o *options) once(c benchCase, s server) (r runResult, err error) {
	if o.profiles != "" && s.name == "sockeye" {
		o.profiled++
		file := filepath.Join(o.profiles, fmt.Sprintf("%s-%d.prof", c.Name, o.profiled))
		s.command = append(slices.Clip(s.command), "-cpuprofile", file)
	}
	p, err := s.start(o.serverCore)
	if err != nil {
		return r, err
	}
	defer p.stop()
	if c.Busy {
		stop, err := p.startRival(o.serverCore)
		if err != nil {
			return r, err
		}
		defer stop()
	}
	if c.Memory {
		m, err := c.Idle(p.target, o.clients, o.settle)
		r.Value, r.Before, r.After, r.Settled = m.PerClient(), m.Before, m.After, m.Settled.Seconds()
		return r, err
	}
	measure := c.Measure
	if c.Paced {
		measure = c.Pace
	}
	m, err := measure(p.target, o.warm, o.duration)
	if err != nil {
		return r, err
	}
	r.Value, r.Ops = m.PerOp(), m.Ops
	if s.name == "floor" {
		r.Value /= c.floorOps
	}
	if c.Paced {
		r.latency(m)
	}
	r.Wall = m.Wall.Seconds()
	r.Busy = m.Server.Seconds() / r.Wall
	r.LoadBusy = m.Load.Seconds() / r.Wall
	r.Others = m.Others.Seconds() / r.Wall
	return r, nil
}

// raiseFiles allows this process and the servers it starts as many open files
// as the system lets them have.
func raiseFiles(clients int) error {
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		return err
	}
	lim.Cur = lim.Max
	// The package os hands a process's original limit on to its children,
	// unless the limit was set by hand.
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		return err
	}
	if lim.Cur < uint64(clients)+200 {
		return fmt.Errorf("%d open files allowed, too few for %d clients", lim.Cur, clients)
	}
	return nil
}

// alone waits until no other invocation measures on this machine, which would
// spoil both, and returns what lets the next one begin.
func alone() (done func()) {
	name := filepath.Join(os.TempDir(), "sockeye-bench.lock")
	f, err := os.OpenFile(name, os.O_RDONLY|os.O_CREATE, 0o666)
	if err != nil {
		log.Printf("cannot see whether something else measures: %v", err)
		return func() {}
	}
	fd := int(f.Fd())
	if err := syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		log.Print("waiting for another invocation")
		for err = syscall.EINTR; err == syscall.EINTR; {
			err = syscall.Flock(fd, syscall.LOCK_EX)
		}
	}
	return func() { f.Close() }
}

// output runs a command for one line of information; it may fail.
func output(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// parent is the directory of the Sockeye module.
func parent() string { return filepath.Join("..") }
