package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/bench/load"
)

// results makes a case with runs of the floor and of Sockeye; a value of 0 is
// a run that failed.
func results(goal float64, memory bool, floor, sockeye []float64) *caseResult {
	c := &caseResult{Name: "x", Goal: goal, memory: memory,
		Servers: []*serverResult{{Name: "floor"}, {Name: "sockeye"}}}
	for i, values := range [][]float64{floor, sockeye} {
		for _, v := range values {
			var err error
			if v == 0 {
				err = errors.New("failed")
			}
			c.Servers[i].add(runResult{Value: v}, err)
		}
	}
	c.finish()
	return c
}

func TestVerdict(t *testing.T) {
	tests := []struct {
		name           string
		goal           float64
		memory         bool
		floor, sockeye []float64
		want           string
	}{
		{"at the goal", 2, false, []float64{10, 10, 10}, []float64{20, 20, 20}, "met"},
		{"the median counts, not the worst", 2, false, []float64{10, 10, 10}, []float64{10, 20, 90}, "met"},
		{"runs are paired: a slow machine is slow for both", 1.5, false, []float64{10, 30, 50}, []float64{15, 45, 75}, "met"},
		{"a fifth above", 1, false, []float64{10}, []float64{12}, "within tolerance"},
		{"more than a fifth above", 1, false, []float64{10}, []float64{12.1}, "missed"},
		{"memory is not a ratio", 8000, true, []float64{13000}, []float64{7999}, "met"},
		{"one run failed", 2, false, []float64{10, 10}, []float64{10, 0}, "failed"},
		{"the floor failed", 2, false, []float64{0, 0}, []float64{10, 10}, "failed"},
	}
	for _, tt := range tests {
		c := results(tt.goal, tt.memory, tt.floor, tt.sockeye)
		if got := c.Servers[1].Verdict; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestSpread(t *testing.T) {
	tests := []struct {
		values []float64
		want   spread
	}{
		{[]float64{3}, spread{3, 3, 3}},
		{[]float64{3, 1}, spread{2, 1, 3}},
		{[]float64{5, 1, 2}, spread{2, 1, 5}},
	}
	for _, tt := range tests {
		if got := spreadOf(tt.values); got != tt.want {
			t.Errorf("spreadOf(%v) = %v, want %v", tt.values, got, tt.want)
		}
	}
}

// Where a value is a latency, the CPU time of each run is compared too, but
// decides nothing.
func TestLatencyRatios(t *testing.T) {
	c := &caseResult{Name: "latency", Goal: 1, paced: true,
		Servers: []*serverResult{{Name: "floor"}, {Name: "sockeye"}}}
	us := func(n int) time.Duration { return time.Duration(n) * time.Microsecond }
	add := func(server, p99, cpu int) {
		m := load.Result{Ops: 10, Server: us(cpu) * 10, Latency: load.Latency{
			P50: us(p99 / 4), P90: us(p99 / 2), P99: us(p99), Max: us(2 * p99), Late: us(1)}}
		r := runResult{Value: m.PerOp()}
		r.latency(m)
		c.Servers[server].add(r, nil)
	}
	for _, run := range [][4]int{{200, 90, 220, 180}, {400, 90, 400, 45}, {800, 90, 840, 180}} {
		add(0, run[0], run[1])
		add(1, run[2], run[3])
	}
	c.finish()
	s := c.find("sockeye")
	if s.Ratio.Median != 1.05 || s.CPURatio.Median != 2 || s.Verdict != "within tolerance" {
		t.Errorf("ratios %v and %v, %s; want 1.05 and 2, within tolerance", s.Ratio, s.CPURatio, s.Verdict)
	}
	var b bytes.Buffer
	if err := (&report{Cases: []*caseResult{c}}).markdown(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| 400.0 (200.0–800.0); CPU 90.0 | 1.05 (1.00–1.10); CPU 2.00 | ≤ 1.00 | within tolerance |",
		"| latency | floor | 100.0 | 200.0 | 400.0 | 800.0 | 90.0 | 1.0 |",
		"| latency | sockeye | 100.0 | 200.0 | 400.0 | 800.0 | 180.0 | 1.0 |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %s:\n%s", want, &b)
		}
	}
}

func TestSpoiled(t *testing.T) {
	paced := benchCase{Case: load.Case{Paced: true}}
	tests := []struct {
		why  string
		c    benchCase
		busy float64
		want bool
	}{
		{"a load that spins and had its core", paced, 0.97, false},
		{"one that had to wait for it", paced, 0.9, true},
		{"other loads sleep when there is nothing to do", benchCase{}, 0.6, false},
	}
	for _, tt := range tests {
		if err := tt.c.spoiled(runResult{LoadBusy: tt.busy}); (err != nil) != tt.want {
			t.Errorf("%s: %v", tt.why, err)
		}
	}
}

// The table has every server's column, whatever failed.
func TestMarkdown(t *testing.T) {
	r := &report{Cases: []*caseResult{
		results(2, false, []float64{10, 20}, []float64{15, 0}),
		results(2, false, []float64{0, 0}, []float64{15, 15}),
		results(8000, true, []float64{13000}, []float64{7000}),
	}}
	r.Cases[0].GoalOf = "ack"
	var b bytes.Buffer
	if err := r.markdown(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| 15.0 (10.0–20.0) | 1.50 (1.50–1.50), 1 of 2 failed | ≤ 2.00 (as ack) | failed |",
		"| failed | 15.0 (15.0–15.0) | ≤ 2.00 | failed |",
		"| 13.0 K (13.0 K–13.0 K) | 7.0 K (7.0 K–7.0 K) | ≤ 8.0 K | met |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table lacks %s:\n%s", want, &b)
		}
	}
}

// A case that repeats another with an older revision is measured the same way,
// and against the same goal unless it has its own.
func TestRevisions(t *testing.T) {
	byName := make(map[string]benchCase)
	for _, c := range allCases() {
		if byName[c.Name] = c; c.goal == 0 {
			t.Errorf("%s has no goal", c.Name)
		}
		if c.As == "" {
			continue
		}
		of, ok := byName[c.As]
		if !ok || c.Revision >= of.Revision {
			t.Errorf("%s is as %q, which is no earlier case of a later revision", c.Name, c.As)
		}
		if c.Unit != of.Unit || c.Memory != of.Memory || c.Paced != of.Paced || c.floorOps != of.floorOps {
			t.Errorf("%s and %s are not measured alike", c.Name, c.As)
		}
		if c.goalOf != "" && (c.goalOf != c.As || c.goal != of.goal) {
			t.Errorf("%s has goal %v of %q, want %v of %s", c.Name, c.goal, c.goalOf, of.goal, c.As)
		}
	}
	for _, name := range []string{"rev1", "rev1-ack", "rev1-broadcast4", "rev1-broadcast1",
		"rev1-rooms", "rev1-churn", "rev1-polling", "rev1-latency", "rev1-idle"} {
		if c, ok := byName[name]; !ok || c.Revision != 1 {
			t.Errorf("no case %s of revision 1", name)
		}
	}
}

func TestPace(t *testing.T) {
	tests := []struct {
		why         string
		done, total int
		passed      time.Duration
		want        bool
	}{
		{"the first of ten took a fraction of its tenth", 0, 10, time.Minute, true},
		{"the first took more than its tenth", 0, 10, 4 * time.Minute, false},
		{"half an hour's half for the first half", 4, 10, 14 * time.Minute, true},
		{"and more than that", 4, 10, 16 * time.Minute, false},
	}
	begun := time.Now()
	for _, tt := range tests {
		p := pace{begun: begun, done: tt.done, total: tt.total}
		if got := p.before(begun.Add(tt.passed), 30*time.Minute); got != tt.want {
			t.Errorf("%s: %t", tt.why, got)
		}
	}
}

func TestChoose(t *testing.T) {
	all, err := choose("all")
	if err != nil || len(all) < len(goals) {
		t.Fatalf("all: %d cases, error %v; at least the %d with goals", len(all), err, len(goals))
	}
	some, err := choose("idle,echo")
	if err != nil || len(some) != 2 || some[0].Name != "idle" || some[1].Name != "echo" {
		t.Errorf("idle,echo: %v, error %v", some, err)
	}
	if _, err := choose("nosuch"); err == nil {
		t.Error("nosuch was chosen")
	}
}
