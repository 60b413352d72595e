package app

// FixedID stands for the session ids a real server makes: as long as Node's.
const FixedID = "lv_VI97HAXpY6yYWAAAC"

// A Dialect is how one Socket.IO revision writes what the app sends and gets:
// beginnings of messages, and what takes their place in the answer.
type Dialect struct {
	// Hello is sent when a WebSocket opens.
	Hello [][]byte
	// connect is the client's CONNECT packet, if it has one; Joined answers it.
	connect []byte
	Joined  [][]byte
	// Posted is the answer to a POST.
	Posted string
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
	kind     Kind
}

// Revision5 is revision 5 over Engine.IO 4.
var Revision5 = Dialect{
	Hello: [][]byte{[]byte(`0{"sid":"` + FixedID +
		`","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`)},
	connect: []byte(`40`),
	Joined:  [][]byte{[]byte(`40{"sid":"` + FixedID + `"}`), []byte(`42["auth",{}]`)},
	Posted:  "ok",
	events: []rewrite{
		{[]byte(`42["message",`), []byte(`42["message-back",`), Reply},
		{[]byte(`42["to",`), []byte(`42["room-message",`), ToRoom},
		{[]byte(`42["broadcast",`), []byte(`42["broadcast-message",`), Broadcast},
	},
	request: []byte(`42`), ackEvent: []byte(`["message-with-ack",`), join: []byte(`["join",`),
	ack: []byte(`43`), ackArgs: []byte(`[`),
}

// Revision1 is revision 1: revision-1.md §5.1, §6, §8.1 and, for the end, §7.5.
var Revision1 = Dialect{
	Hello:  [][]byte{[]byte(`1::`), []byte(`5:::{"name":"auth","args":[{}]}`)},
	Posted: "1",
	leave:  []byte(`0::`),
	events: []rewrite{
		{[]byte(`5:::{"name":"message","args":[`), []byte(`5:::{"name":"message-back","args":[`), Reply},
		{[]byte(`5:::{"name":"to","args":[`), []byte(`5:::{"name":"room-message","args":[`), ToRoom},
		{[]byte(`5:::{"name":"broadcast","args":[`), []byte(`5:::{"name":"broadcast-message","args":[`), Broadcast},
	},
	request: []byte(`5:`), ackEvent: []byte(`+::{"name":"message-with-ack","args":[`),
	join: []byte(`+::{"name":"join","args":[`),
	ack:  []byte(`6:::`), ackArgs: []byte(`+[`), tail: []byte(`}`),
}
