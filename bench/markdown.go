package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
)

// markdown writes the report for people.
func (r *report) markdown(w io.Writer) error {
	var b bytes.Buffer
	names := r.serverNames()
	fmt.Fprintf(&b, "# Measured %s\n\n", r.Date.Format("2006-01-02 15:04 UTC"))
	fmt.Fprintf(&b, "`%s`\n\n", r.Command)
	fmt.Fprintf(&b, "%s, %d cores, %s, %s; ", r.CPU, r.Cores, r.Memory, r.Kernel)
	v := r.Versions
	fmt.Fprintf(&b, "Sockeye %s, %s, gws %s, Node %s, socket.io %s (ws %s) and %s",
		v["sockeye"], v["go"], v["gws"], v["node"], v["socket.io"], v["ws"], v["socket.io-0.9"])
	if peers(names) {
		fmt.Fprintf(&b, ", nbio %s, gnet %s", v["nbio"], v["gnet"])
	}
	fmt.Fprint(&b, ".\n\n")
	fmt.Fprintf(&b, "Server CPU time per operation. The floor's column is in µs, the other servers' are "+
		"ratios to the floor's run of the same round (memory: thousands of bytes; "+
		"latency: the 99th percentile, in µs, and behind it the CPU time); "+
		"median of %d runs of %g s, least and greatest in brackets.\n\n", r.Runs, r.Duration)
	r.figures(&b, names)
	fmt.Fprintf(&b, "\nHow the runs went: server busy / load busy / everything else on the machine, "+
		"percent of one core, medians. A server that is not near 100 waited for its load, or for its core.\n\n")
	r.health(&b, names)
	r.latencies(&b)
	_, err := w.Write(b.Bytes())
	return err
}

// serverNames lists the servers of all cases but the floor, each once.
func (r *report) serverNames() []string {
	var names []string
	for _, c := range r.Cases {
		for _, s := range c.Servers[1:] {
			if !slices.Contains(names, s.Name) {
				names = append(names, s.Name)
			}
		}
	}
	return names
}

// peers reports whether a server is built on nbio or gnet.
func peers(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return n == "gnet" || strings.HasPrefix(n, "nbio") })
}

func row(b *bytes.Buffer, cells []string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

// figures is the table itself.
func (r *report) figures(b *bytes.Buffer, names []string) {
	head, rule := []string{"case", "per", "floor"}, []string{"---", "---", "--:"}
	for _, n := range names {
		head, rule = append(head, n), append(rule, "--:")
		if n == "sockeye" {
			head, rule = append(head, "goal", "verdict"), append(rule, "--:", "---")
		}
	}
	row(b, head)
	row(b, rule)
	for _, c := range r.Cases {
		cells := []string{c.Title, c.Unit, c.cell(c.Servers[0])}
		for _, n := range names {
			s := c.find(n)
			cells = append(cells, c.cell(s))
			if n == "sockeye" {
				cells = append(cells, c.goal(), s.Verdict)
			}
		}
		row(b, cells)
	}
}

// goal says whose it is, if it was set for another case.
func (c *caseResult) goal() string {
	text := "≤ " + c.number(c.Goal)
	if c.GoalOf != "" {
		text += " (as " + c.GoalOf + ")"
	}
	return text
}

// cell is a server's ratio, or its values where there is none to give.
func (c *caseResult) cell(r *serverResult) string {
	if r == nil {
		return ""
	}
	failed := 0
	for _, one := range r.Runs {
		if one.Error != "" {
			failed++
		}
	}
	note := ""
	if failed > 0 {
		note = fmt.Sprintf(", %d of %d failed", failed, len(r.Runs))
	}
	value, cpu := r.Value, r.CPU
	if !c.memory && r.Ratio != nil {
		value, cpu = *r.Ratio, r.CPURatio
	}
	text := c.spread(value)
	if cpu != nil {
		text += "; CPU " + c.number(cpu.Median)
	}
	if failed == len(r.Runs) {
		return "failed"
	}
	return text + note
}

func (c *caseResult) spread(s spread) string {
	return fmt.Sprintf("%s (%s–%s)", c.number(s.Median), c.number(s.Min), c.number(s.Max))
}

// number has as many digits as the figures deserve.
func (c *caseResult) number(v float64) string {
	switch {
	case c.memory:
		return fmt.Sprintf("%.1f K", v/1000)
	case v >= 5:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// health is the table of what the machine did meanwhile.
func (r *report) health(b *bytes.Buffer, names []string) {
	head, rule := []string{"case", "floor"}, []string{"---", "--:"}
	for _, n := range names {
		head, rule = append(head, n), append(rule, "--:")
	}
	row(b, head)
	row(b, rule)
	for _, c := range r.Cases {
		if c.memory {
			continue
		}
		cells := []string{c.Name, c.Servers[0].health()}
		for _, n := range names {
			cells = append(cells, c.find(n).health())
		}
		row(b, cells)
	}
}

func (r *serverResult) health() string {
	if r == nil {
		return ""
	}
	var busy, loadBusy, others []float64
	for _, one := range r.Runs {
		if one.Error == "" {
			busy = append(busy, 100*one.Busy)
			loadBusy = append(loadBusy, 100*one.LoadBusy)
			others = append(others, 100*one.Others)
		}
	}
	if busy == nil {
		return "failed"
	}
	return fmt.Sprintf("%.0f / %.0f / %.0f", spreadOf(busy).Median, spreadOf(loadBusy).Median, spreadOf(others).Median)
}

// latencies is the table of all that was found about latency.
func (r *report) latencies(b *bytes.Buffer) {
	begun := false
	for _, c := range r.Cases {
		if !c.paced {
			continue
		}
		if !begun {
			begun = true
			fmt.Fprintf(b, "\nLatency in µs, from when a message was due; CPU time of the server for one; "+
				"how late the load itself sent (99th percentile). Medians.\n\n")
			row(b, []string{"case", "server", "p50", "p90", "p99", "max", "CPU", "load late"})
			row(b, []string{"---", "---", "--:", "--:", "--:", "--:", "--:", "--:"})
		}
		for _, s := range c.Servers {
			row(b, append([]string{c.Name, s.Name}, s.latencies()...))
		}
	}
}

// latencies are the cells behind the server's name.
func (r *serverResult) latencies() []string {
	fields := [6][]float64{}
	for _, one := range r.Runs {
		if one.Error != "" {
			continue
		}
		for i, v := range [...]float64{one.P50, one.P90, one.Value, one.Max, one.CPU, one.Late} {
			fields[i] = append(fields[i], v)
		}
	}
	var cells []string
	for _, values := range fields {
		cell := "failed"
		if len(values) > 0 {
			cell = fmt.Sprintf("%.1f", spreadOf(values).Median)
		}
		cells = append(cells, cell)
	}
	return cells
}
