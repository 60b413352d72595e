package load

import "time"

// A Case is one line of the table.
type Case struct {
	Name  string
	Title string
	// Unit is what an operation is.
	Unit string
	// warm is how many times as long as usual the warm-up takes, if not once:
	// connecting is some thousand times rarer than messages, and V8 takes
	// some thousand connects to compile what they run.
	warm  time.Duration
	build func() workload
}

// Cases are those that Measure runs, in the order of the table. Idle is not
// among them.
var Cases = []Case{
	{Name: "echo", Unit: "echo",
		Title: "echo, 200 clients, 1 in flight each, 64 bytes",
		build: func() workload { return newEcho(revision5, 200, 1, text(64)) }},
	{Name: "echo16", Unit: "echo",
		Title: "echo, 100 clients, 16 in flight each, 64 bytes",
		build: func() workload { return newEcho(revision5, 100, 16, text(64)) }},
	{Name: "object", Unit: "echo",
		Title: "echo of a 512-byte JSON object, 200 clients, 1 in flight each",
		build: func() workload { return newEcho(revision5, 200, 1, object()) }},
	{Name: "ack", Unit: "acknowledgement",
		Title: "message with ack, 200 clients, 1 in flight each, 64 bytes",
		build: func() workload { return newAck(revision5, 200, 1, text(64)) }},
	{Name: "broadcast4", Unit: "delivery",
		Title: "broadcast to 1,000, 4 in flight",
		build: func() workload { return newBroadcast(1000, 4) }},
	{Name: "broadcast1", Unit: "delivery",
		Title: "broadcast to 1,000, 1 in flight",
		build: func() workload { return newBroadcast(1000, 1) }},
	{Name: "rooms", Unit: "delivery",
		Title: "100 rooms of 10, each member but the sender",
		build: func() workload { return newRooms(100, 10) }},
	{Name: "churn", Unit: "client", warm: 5,
		Title: "connect, one echo, disconnect, 64 at a time",
		build: func() workload { return newChurn(64) }},
	{Name: "polling", Unit: "echo",
		Title: "polling echo, 100 clients, one message per POST, one per GET (floor: one HTTP request)",
		build: func() workload { return newPolling(100) }},
	{Name: "rev1", Unit: "echo",
		Title: "revision 1 over WebSocket, echo, 200 clients, 1 in flight each, 64 bytes",
		build: func() workload { return newEcho(revision1, 200, 1, text(64)) }},
}
