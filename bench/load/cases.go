package load

// A Case is one line of the table.
type Case struct {
	Name  string
	Title string
	// Unit is what an operation is.
	Unit  string
	build func() workload
}

// Cases are those that Measure runs, in the order of the table. Idle is not
// among them.
var Cases = []Case{
	{"echo", "echo, 200 clients, 1 in flight each, 64 bytes", "echo",
		func() workload { return newEcho(revision5, 200, 1, text(64)) }},
	{"echo16", "echo, 100 clients, 16 in flight each, 64 bytes", "echo",
		func() workload { return newEcho(revision5, 100, 16, text(64)) }},
	{"object", "echo of a 512-byte JSON object, 200 clients, 1 in flight each", "echo",
		func() workload { return newEcho(revision5, 200, 1, object()) }},
	{"ack", "message with ack, 200 clients, 1 in flight each, 64 bytes", "acknowledgement",
		func() workload { return newAck(revision5, 200, 1, text(64)) }},
	{"broadcast4", "broadcast to 1,000, 4 in flight", "delivery",
		func() workload { return newBroadcast(1000, 4) }},
	{"broadcast1", "broadcast to 1,000, 1 in flight", "delivery",
		func() workload { return newBroadcast(1000, 1) }},
	{"rooms", "100 rooms of 10, each member but the sender", "delivery",
		func() workload { return newRooms(100, 10) }},
	{"churn", "connect, one echo, disconnect, 32 at a time", "client",
		func() workload { return newChurn(32) }},
	{"polling", "polling echo, 100 clients, one message per POST, one per GET (floor: one HTTP request)", "echo",
		func() workload { return newPolling(100) }},
	{"rev1", "revision 1 over WebSocket, echo, 200 clients, 1 in flight each, 64 bytes", "echo",
		func() workload { return newEcho(revision1, 200, 1, text(64)) }},
}
