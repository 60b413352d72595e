package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/sockeye-io/socketio/bench/load"
)

// A report is everything one invocation found, and what it was found with.
type report struct {
	Date     time.Time         `json:"date"`
	Command  string            `json:"command"`
	CPU      string            `json:"cpu"`
	Cores    int               `json:"cores"`
	Memory   string            `json:"memory"`
	Kernel   string            `json:"kernel"`
	Versions map[string]string `json:"versions"`
	Runs     int               `json:"runs"`
	Warm     float64           `json:"warm_s"`
	Duration float64           `json:"duration_s"`
	Clients  int               `json:"idle_clients"`
	Cases    []*caseResult     `json:"cases"`
}

// A caseResult is one line of the table.
type caseResult struct {
	Name    string          `json:"name"`
	Title   string          `json:"title"`
	Unit    string          `json:"unit"`
	Measure string          `json:"measure"`
	Goal    float64         `json:"goal"`
	GoalOf  string          `json:"goal_of,omitempty"`
	Servers []*serverResult `json:"servers"`
	memory  bool
	paced   bool
}

// A serverResult is one server's runs of a case.
type serverResult struct {
	Name  string `json:"name"`
	Value spread `json:"value"`
	// Ratio is to the floor's run of the same round.
	Ratio *spread `json:"ratio,omitempty"`
	// CPU and CPURatio are the same for the CPU time of an operation, where
	// Value is a latency.
	CPU      *spread     `json:"cpu,omitempty"`
	CPURatio *spread     `json:"cpu_ratio,omitempty"`
	Verdict  string      `json:"verdict,omitempty"`
	Runs     []runResult `json:"runs"`
	server   server
}

type runResult struct {
	Value    float64 `json:"value"`
	Ratio    float64 `json:"ratio,omitempty"`
	Ops      int64   `json:"ops,omitempty"`
	Wall     float64 `json:"wall_s,omitempty"`
	Busy     float64 `json:"server_busy,omitempty"`
	LoadBusy float64 `json:"load_busy,omitempty"`
	Others   float64 `json:"others_busy,omitempty"`
	Before   int64   `json:"rss_before,omitempty"`
	After    int64   `json:"rss_after,omitempty"`
	Settled  float64 `json:"settled_s,omitempty"`
	Error    string  `json:"error,omitempty"`

	// Where Value is a latency, its 99th percentile: the others, the load's own
	// lateness and the CPU time of an operation, all in microseconds.
	P50      float64 `json:"p50,omitempty"`
	P90      float64 `json:"p90,omitempty"`
	Max      float64 `json:"max,omitempty"`
	Late     float64 `json:"load_late_p99,omitempty"`
	CPU      float64 `json:"cpu,omitempty"`
	CPURatio float64 `json:"cpu_ratio,omitempty"`
}

// A spread is a median and its surroundings.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spreadOf(values []float64) spread {
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	return spread{Median: (s[(n-1)/2] + s[n/2]) / 2, Min: s[0], Max: s[n-1]}
}

func newCaseResult(c benchCase, servers []server) *caseResult {
	r := &caseResult{Name: c.Name, Title: c.Title, Unit: c.Unit, Goal: c.goal, GoalOf: c.goalOf,
		Measure: c.measure(), memory: c.Memory, paced: c.Paced}
	for _, s := range servers {
		if s.runs(c) {
			r.Servers = append(r.Servers, &serverResult{Name: s.name, server: s})
		}
	}
	return r
}

func (r *serverResult) add(one runResult, err error) {
	if err != nil {
		one = runResult{Error: err.Error()}
	}
	r.Runs = append(r.Runs, one)
}

// latency notes a result of load.Case.Pace: the value is the 99th percentile.
func (r *runResult) latency(m load.Result) {
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
	l := m.Latency
	r.CPU, r.Value = r.Value, us(l.P99)
	r.P50, r.P90, r.Max, r.Late = us(l.P50), us(l.P90), us(l.Max), us(l.Late)
}

// how says how a run went, for the log.
func (r *runResult) how() string {
	text := ""
	if r.CPU != 0 {
		text = fmt.Sprintf(", CPU %.1f µs", r.CPU)
	}
	if r.Wall == 0 {
		return text
	}
	return text + fmt.Sprintf(" (busy: server %.0f %%, load %.0f %%, others %.0f %%)",
		100*r.Busy, 100*r.LoadBusy, 100*r.Others)
}

// finish computes medians, ratios and verdicts. Run i of one server is paired
// with run i of the floor: they were neighbours in time.
func (c *caseResult) finish() {
	floor := c.Servers[0]
	for _, r := range c.Servers {
		var values, ratios, cpu, cpuRatios []float64
		for i := range r.Runs {
			one := &r.Runs[i]
			if one.Error != "" {
				continue
			}
			values, cpu = append(values, one.Value), append(cpu, one.CPU)
			if base := floor.Runs[i]; r != floor && base.Error == "" {
				one.Ratio = one.Value / base.Value
				ratios = append(ratios, one.Ratio)
				if c.paced {
					one.CPURatio = one.CPU / base.CPU
					cpuRatios = append(cpuRatios, one.CPURatio)
				}
			}
		}
		if len(values) > 0 {
			r.Value = spreadOf(values)
		}
		r.Ratio, r.CPURatio = maybeSpread(ratios), maybeSpread(cpuRatios)
		if c.paced {
			r.CPU = maybeSpread(cpu)
		}
		if r.Name == "sockeye" {
			r.Verdict = c.verdict(r)
		}
	}
}

// maybeSpread is spreadOf, or nil if there is nothing.
func maybeSpread(values []float64) *spread {
	if len(values) == 0 {
		return nil
	}
	s := spreadOf(values)
	return &s
}

// verdict compares a median with the goal.
func (c *caseResult) verdict(r *serverResult) string {
	for _, one := range r.Runs {
		if one.Error != "" {
			return "failed"
		}
	}
	reached := r.Value.Median
	if !c.memory {
		if r.Ratio == nil {
			return "failed"
		}
		reached = r.Ratio.Median
	}
	switch {
	case reached <= c.Goal:
		return "met"
	case reached <= c.Goal*tolerance:
		return "within tolerance"
	}
	return "missed"
}

// find returns a server's result, or nil.
func (c *caseResult) find(name string) *serverResult {
	i := slices.IndexFunc(c.Servers, func(r *serverResult) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return c.Servers[i]
}

func newReport(o *options) *report {
	return &report{
		Date:     time.Now().UTC().Truncate(time.Second),
		Command:  strings.Join(append([]string{"go run ."}, os.Args[1:]...), " "),
		CPU:      field("/proc/cpuinfo", "model name"),
		Cores:    runtime.NumCPU(),
		Memory:   field("/proc/meminfo", "MemTotal"),
		Kernel:   output("uname", "-sr"),
		Versions: versions(),
		Runs:     o.runs,
		Warm:     o.warm.Seconds(),
		Duration: o.duration.Seconds(),
		Clients:  o.clients,
	}
}

func versions() map[string]string {
	return map[string]string{
		"sockeye":       output("git", "describe", "--always", "--dirty"),
		"go":            runtime.Version(),
		"gws":           output("go", "list", "-m", "-f", "{{.Version}}", "github.com/lxzan/gws"),
		"nbio":          output("go", "-C", "peers", "list", "-m", "-f", "{{.Version}}", "github.com/lesismal/nbio"),
		"gnet":          output("go", "-C", "peers", "list", "-m", "-f", "{{.Version}}", "github.com/panjf2000/gnet/v2"),
		"node":          output("node", "--version"),
		"socket.io":     npmVersion("socket.io"),
		"ws":            npmVersion("ws"),
		"socket.io-0.9": npmVersion("socket.io-0.9"),
	}
}

func npmVersion(name string) string {
	var pkg struct{ Version string }
	text, err := os.ReadFile(filepath.Join("node", "node_modules", name, "package.json"))
	if err != nil || json.Unmarshal(text, &pkg) != nil {
		return "not installed"
	}
	return pkg.Version
}

// field reads the first line of a file in /proc with that name before a colon.
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// write writes the report as path.json and path.md.
func (r *report) write(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".json", append(text, '\n'), 0o666); err != nil {
		return err
	}
	f, err := os.Create(path + ".md")
	if err != nil {
		return err
	}
	if err := r.markdown(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
