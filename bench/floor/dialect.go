package main

// fixedID stands for the session ids a real server makes: as long as Node's.
const fixedID = "lv_VI97HAXpY6yYWAAAC"

// A dialect is how one Socket.IO revision writes what the app sends and gets:
// beginnings of messages, and what takes their place in the answer.
type dialect struct {
	// hello is sent when a WebSocket opens.
	hello [][]byte
	// connect is the client's CONNECT packet, if it has one; joined answers it.
	connect []byte
	joined  [][]byte
	// posted is the answer to a POST.
	posted string
	// leave is the client's last packet, if it is answered: in kind, and by
	// the end of the connection.
	leave []byte

	events []rewrite
	// An event that wants an acknowledgement is request, its id, and ackEvent
	// or join; the answer is ack, the id, ackArgs and what followed, without
	// tail.
	request, ackEvent, join []byte
	ack, ackArgs, tail      []byte
}

// A rewrite is an event whose beginning is replaced; the rest goes on as it is.
type rewrite struct {
	from, to []byte
	kind     kind
}

// Revision 5 over Engine.IO 4.
var revision5 = dialect{
	hello: [][]byte{[]byte(`0{"sid":"` + fixedID +
		`","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`)},
	connect: []byte(`40`),
	joined:  [][]byte{[]byte(`40{"sid":"` + fixedID + `"}`), []byte(`42["auth",{}]`)},
	posted:  "ok",
	events: []rewrite{
		{[]byte(`42["message",`), []byte(`42["message-back",`), reply},
		{[]byte(`42["to",`), []byte(`42["room-message",`), toRoom},
		{[]byte(`42["broadcast",`), []byte(`42["broadcast-message",`), broadcast},
	},
	request: []byte(`42`), ackEvent: []byte(`["message-with-ack",`), join: []byte(`["join",`),
	ack: []byte(`43`), ackArgs: []byte(`[`),
}

// Revision 1: revision-1.md §5.1, §6, §8.1 and, for the end, §7.5.
var revision1 = dialect{
	hello:  [][]byte{[]byte(`1::`), []byte(`5:::{"name":"auth","args":[{}]}`)},
	posted: "1",
	leave:  []byte(`0::`),
	events: []rewrite{
		{[]byte(`5:::{"name":"message","args":[`), []byte(`5:::{"name":"message-back","args":[`), reply},
		{[]byte(`5:::{"name":"to","args":[`), []byte(`5:::{"name":"room-message","args":[`), toRoom},
		{[]byte(`5:::{"name":"broadcast","args":[`), []byte(`5:::{"name":"broadcast-message","args":[`), broadcast},
	},
	request: []byte(`5:`), ackEvent: []byte(`+::{"name":"message-with-ack","args":[`),
	join: []byte(`+::{"name":"join","args":[`),
	ack:  []byte(`6:::`), ackArgs: []byte(`+[`), tail: []byte(`}`),
}
