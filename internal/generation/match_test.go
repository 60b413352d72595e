package generation

import "testing"

type matchTest struct {
	why    string
	served []*Generation
	req    Request
	want   Route
}

func matchTests() []matchTest {
	both := []*Generation{&Revision5, &Revision1}
	get := func(path string) Request { return Request{Path: path} }
	eio := func(v, transport, sid string) Request {
		return Request{Path: "/socket.io/", EIO: v, HasEIO: true,
			Transport: transport, HasTransport: transport != "", SID: sid}
	}
	disconnect := func(path string) Request { return Request{Path: path, HasDisconnect: true} }
	return []matchTest{
		{"a first request", both, eio("4", "polling", ""), Route{EngineIO, "polling", "", &Revision5}},
		{"a later one", both, eio("4", "websocket", "x"), Route{EngineIO, "websocket", "x", &Revision5}},
		{"unknown transports are for the caller", both, eio("4", "", ""), Route{EngineIO, "", "", &Revision5}},
		{"not served", both, eio("3", "polling", ""), Route{Kind: UnsupportedEIO}},
		{"no number", both, eio("abc", "polling", ""), Route{Kind: UnsupportedEIO}},
		{"switched off", []*Generation{&Revision1}, eio("4", "polling", ""), Route{Kind: UnsupportedEIO}},
		{"empty", both, eio("", "polling", ""), Route{Kind: UnsupportedEIO}},
		{"the test suite's: transport without EIO", both,
			Request{Path: "/engine.io/", Transport: "polling", HasTransport: true}, Route{Kind: UnsupportedEIO}},
		{"Engine.IO alone", []*Generation{&EngineIO4}, eio("4", "polling", ""), Route{EngineIO, "polling", "", &EngineIO4}},
		{"EIO goes first", both, Request{Path: "/socket.io/1/", EIO: "4", HasEIO: true}, Route{EngineIO, "", "", &Revision5}},

		{"handshake", both, get("/socket.io/1/"), Route{Kind: Rev1Handshake, Generation: &Revision1}},
		{"without the slash", both, get("/socket.io/1"), Route{Kind: Rev1Handshake, Generation: &Revision1}},
		{"mounted at the root", both, get("/1/"), Route{Kind: Rev1Handshake, Generation: &Revision1}},
		{"prefix stripped", both, get("1/"), Route{Kind: Rev1Handshake, Generation: &Revision1}},
		{"mounted deep", both, get("/a/b/c/1"), Route{Kind: Rev1Handshake, Generation: &Revision1}},
		{"the application's transport key", both,
			Request{Path: "/socket.io/1/", Transport: "car", HasTransport: true}, Route{Kind: Rev1Handshake, Generation: &Revision1}},
		{"transport", both, get("/socket.io/1/xhr-polling/abc"), Route{Rev1Transport, "xhr-polling", "abc", &Revision1}},
		{"with a slash", both, get("/socket.io/1/websocket/abc/"), Route{Rev1Transport, "websocket", "abc", &Revision1}},
		{"a session id of digits, as PocketIO's", both, get("/socket.io/1/websocket/123"), Route{Rev1Transport, "websocket", "123", &Revision1}},
		{"a session id of 1", both, get("/socket.io/1/websocket/1"), Route{Rev1Transport, "websocket", "1", &Revision1}},
		{"unknown transports are for the caller", both, get("/socket.io/1/nosuch/abc"), Route{Rev1Transport, "nosuch", "abc", &Revision1}},

		{"as the client writes it", both, disconnect("/socket.io/1//abc/"), Route{Rev1Disconnect, "", "abc", &Revision1}},
		{"as http.ServeMux redirects it", both, disconnect("/socket.io/1/abc/"), Route{Rev1Disconnect, "", "abc", &Revision1}},
		{"without slash", both, disconnect("/socket.io/1/abc"), Route{Rev1Disconnect, "", "abc", &Revision1}},
		{"with a transport", both, disconnect("/socket.io/1/xhr-polling/abc"), Route{Rev1Disconnect, "", "abc", &Revision1}},
		{"never a handshake, but this is one", both, disconnect("/socket.io/1/"), Route{Kind: Rev1Handshake, Generation: &Revision1}},

		{"another number", both, get("/socket.io/2/"), Route{Kind: UnsupportedRevision}},
		{"with a transport", both, get("/socket.io/2/xhr-polling/123"), Route{Kind: UnsupportedRevision}},
		{"with a transport and letters", both, get("/socket.io/2/xhr-polling/abc"), Route{Kind: UnsupportedRevision}},
		{"a number that is equal is not the piece", both, get("/socket.io/01/"), Route{Kind: UnsupportedRevision}},
		{"switched off", []*Generation{&Revision5}, get("/socket.io/1/"), Route{}},

		{"no sid: no session is spent", both, get("/socket.io/1/xhr-polling/"), Route{}},
		{"one piece too many", both, get("/socket.io/1/xhr-polling/abc/d"), Route{}},
		{"no transport, no disconnect", both, get("/socket.io/1//abc"), Route{}},
		{"empty sid", both, disconnect("/socket.io/1//"), Route{}},
		{"nothing", both, get("/socket.io/"), Route{}},
		{"nothing at all", both, get(""), Route{}},
		{"a word", both, get("/socket.io/abc/"), Route{}},
		{"served nothing", nil, get("/socket.io/1/"), Route{}},
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range matchTests() {
		if got := Match(tt.served, &tt.req); got != tt.want {
			t.Errorf("%s: Match(%+v) = %+v, want %+v", tt.why, tt.req, got, tt.want)
		}
	}
}
