package load

import (
	"slices"
	"time"
)

// A Case is one line of the table.
type Case struct {
	Name  string
	Title string
	// Unit is what an operation is.
	Unit string
	// Revision is the Socket.IO revision that the clients speak.
	Revision int
	// As names the case that this one repeats with an older revision.
	As string
	// Memory says that the case is one for Idle, Paced that it is one for Pace;
	// the others are for Measure.
	Memory, Paced bool
	// Busy says that another process of the same priority is to keep the
	// server's core busy meanwhile: Target.Rival.
	Busy bool
	// warm is how many times as long as usual the warm-up takes, if not once:
	// connecting is some thousand times rarer than messages, and V8 takes
	// some thousand connects to compile what they run.
	warm  time.Duration
	proto *protocol
	build func(*protocol) workload
}

// Cases are all, in the order of the table: with clients of revision 5, then
// most of it again with those of revision 1.
var Cases = slices.Concat(
	of(kinds, 5, revision5),
	again(of(kinds, 1, revision1), "echo", "ack", "broadcast4", "broadcast1", "rooms", "churn", "polling", "idle", "latency"))

// of makes the cases of one revision.
func of(kinds []Case, revision int, p *protocol) []Case {
	cases := slices.Clone(kinds)
	for i := range cases {
		cases[i].Revision, cases[i].proto = revision, p
	}
	return cases
}

// again keeps the cases named and names them after revision 1. Echo by
// WebSocket was the only one once and is called just that.
func again(cases []Case, names ...string) []Case {
	var kept []Case
	for _, c := range cases {
		if !slices.Contains(names, c.Name) {
			continue
		}
		c.As, c.Name, c.Title = c.Name, "rev1-"+c.Name, "revision 1: "+c.Title
		if c.As == "echo" {
			c.Name = "rev1"
		}
		kept = append(kept, c)
	}
	return kept
}

// kinds are the cases without their revision.
var kinds = []Case{
	{Name: "echo", Unit: "echo",
		Title: "echo, 200 clients, 1 in flight each, 64 bytes",
		build: func(p *protocol) workload { return newEcho(p, 200, 1, text(64)) }},
	{Name: "echo16", Unit: "echo",
		Title: "echo, 100 clients, 16 in flight each, 64 bytes",
		build: func(p *protocol) workload { return newEcho(p, 100, 16, text(64)) }},
	{Name: "object", Unit: "echo",
		Title: "echo of a 512-byte JSON object, 200 clients, 1 in flight each",
		build: func(p *protocol) workload { return newEcho(p, 200, 1, object()) }},
	{Name: "ack", Unit: "acknowledgement",
		Title: "message with ack, 200 clients, 1 in flight each, 64 bytes",
		build: func(p *protocol) workload { return newAck(p, 200, 1, text(64)) }},
	{Name: "broadcast4", Unit: "delivery",
		Title: "broadcast to 1,000, 4 in flight",
		build: func(p *protocol) workload { return newBroadcast(p, 1000, 4) }},
	{Name: "broadcast1", Unit: "delivery",
		Title: "broadcast to 1,000, 1 in flight",
		build: func(p *protocol) workload { return newBroadcast(p, 1000, 1) }},
	{Name: "rooms", Unit: "delivery",
		Title: "100 rooms of 10, each member but the sender",
		build: func(p *protocol) workload { return newRooms(p, 100, 10) }},
	{Name: "churn", Unit: "client", warm: 5,
		Title: "connect, one echo, disconnect, 64 at a time",
		build: func(p *protocol) workload { return newChurn(p, 64) }},
	{Name: "polling", Unit: "echo",
		Title: "polling echo, 100 clients, one message per POST, one per GET (floor: one HTTP request)",
		build: func(p *protocol) workload { return newPolling(p, 100) }},
	{Name: "latency", Unit: "message", Paced: true,
		Title: "latency of an echo, p99: 5,000 messages a second over 1,000 clients, 64 bytes",
		build: func(p *protocol) workload { return newLatency(p, 1000, 5000, text(64)) }},
	{Name: "latency-busy", Unit: "message", Paced: true, Busy: true,
		Title: "the same while another process keeps the server's core busy",
		build: func(p *protocol) workload { return newLatency(p, 1000, 5000, text(64)) }},
	{Name: "idle", Unit: "client", Memory: true,
		Title: "resident bytes per idle WebSocket client"},
}
