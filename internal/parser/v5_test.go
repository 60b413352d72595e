package parser

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio/packet"
)

// defaults are the limits that a server has by default (THREATS.md, "Default limits").
var defaults = &Limits{
	Depth: 128, Args: 1024, Name: 1024, Namespace: 512, IDDigits: 15,
	Attachments: 10, AttachmentBytes: 10_000_000,
}

func jsonArgs(s string) packet.Args { return packet.Args{JSON: []byte(s)} }

// same reports whether two packets are equal, an empty slice and none alike.
func same(a, b packet.Packet) bool {
	for _, p := range []*packet.Packet{&a, &b} {
		if len(p.Args.JSON) == 0 {
			p.Args.JSON = nil
		}
		if len(p.Data) == 0 {
			p.Data = nil
		}
	}
	return reflect.DeepEqual(a, b)
}

func TestV5Decode(t *testing.T) {
	tests := []struct {
		text string
		want packet.Packet
		why  string
	}{
		{`0`, packet.Packet{Type: packet.Connect, Namespace: "/"}, "auth is optional"},
		{`0{"token":"x"}`, packet.Packet{Type: packet.Connect, Namespace: "/", Args: jsonArgs(`{"token":"x"}`)}, "auth"},
		{`0/admin`, packet.Packet{Type: packet.Connect, Namespace: "/admin"}, "the comma may be missing at the end"},
		{`0/admin,{"a":[]} `, packet.Packet{Type: packet.Connect, Namespace: "/admin", Args: jsonArgs(`{"a":[]}`)}, "blank behind"},
		{`0/admin?x=1,`, packet.Packet{Type: packet.Connect, Namespace: "/admin?x=1"}, "a query is part of the name"},
		{`07{}`, packet.Packet{Type: packet.Connect, Namespace: "/", Args: jsonArgs(`{}`)}, "an id is read and forgotten"},
		{`1`, packet.Packet{Type: packet.Disconnect, Namespace: "/"}, ""},
		{`1/admin,`, packet.Packet{Type: packet.Disconnect, Namespace: "/admin"}, ""},
		{`2["a",1,{}]`, packet.Packet{Type: packet.Event, Namespace: "/", Name: "a", Args: jsonArgs(`1,{}`)}, "event"},
		{`2/,["a"]`, packet.Packet{Type: packet.Event, Namespace: "/", Name: "a"}, "the main namespace by its name"},
		{`2/test,1["a",1,{}]`, packet.Packet{Type: packet.Event, Namespace: "/test", ID: "1", Name: "a", Args: jsonArgs(`1,{}`)}, "with ack"},
		{`2007["a"]`, packet.Packet{Type: packet.Event, Namespace: "/", ID: "007", Name: "a"}, "an id is text"},
		{`2[ "a" , 1 , 2 ]`, packet.Packet{Type: packet.Event, Namespace: "/", Name: "a", Args: jsonArgs(`1 , 2`)}, "blanks"},
		{`2[""]`, packet.Packet{Type: packet.Event, Namespace: "/"}, "the empty name"},
		{`2["a\u00e9\n\ud83d\ude00\ud800"]`, packet.Packet{Type: packet.Event, Namespace: "/", Name: "aé\n😀\uFFFD"}, "escaped name"},
		{`2[-1.5e3,"x"]`, packet.Packet{Type: packet.Event, Namespace: "/", Name: "-1.5e3", Args: jsonArgs(`"x"`)}, "a number for a name"},
		{`2["__proto__",{"__proto__":1}]`, packet.Packet{Type: packet.Event, Namespace: "/", Name: "__proto__", Args: jsonArgs(`{"__proto__":1}`)}, "just a name"},
		{`2["error",1]`, packet.Packet{Type: packet.Event, Namespace: "/", Name: "error", Args: jsonArgs(`1`)}, "an ordinary event"},
		{`2["e","\ud800",1e400]`, packet.Packet{Type: packet.Event, Namespace: "/", Name: "e", Args: jsonArgs(`"\ud800",1e400`)}, "relayed as text"},
		{`2["e",{"_placeholder":true,"num":0}]`, packet.Packet{Type: packet.Event, Namespace: "/", Name: "e", Args: jsonArgs(`{"_placeholder":true,"num":0}`)}, "data outside a binary packet"},
		{`3123["a",1]`, packet.Packet{Type: packet.Ack, Namespace: "/", ID: "123", Args: jsonArgs(`"a",1`)}, "ack"},
		{`3/t,0[]`, packet.Packet{Type: packet.Ack, Namespace: "/t", ID: "0"}, "ack of nothing"},
		{`4"Unauthorized"`, packet.Packet{Type: packet.ConnectError, Namespace: "/", Args: jsonArgs(`"Unauthorized"`)}, "error as string"},
		{`4/admin,{"message":"no"}`, packet.Packet{Type: packet.ConnectError, Namespace: "/admin", Args: jsonArgs(`{"message":"no"}`)}, "error as object"},
	}
	for _, tt := range tests {
		p, done, err := V5.NewDecoder(defaults).Decode([]byte(tt.text), false)
		if !done || err != nil || !same(p, tt.want) {
			t.Errorf("%s gives %+v, %v, %v; want %+v: %s", tt.text, p, done, err, tt.want, tt.why)
		}
	}
}

// The first group is what the test suite of socket.io-parser 4.2 refuses.
var v5Refused = []struct{ text, why string }{
	{`442["some","data"`, "payload of an error is neither string nor object"},
	{`0/admin,"invalid"`, "auth is no object"},
	{`0[]`, "auth is no object"},
	{`1/admin,{}`, "disconnect has no payload"},
	{`2/admin,"invalid`, "cut string"},
	{`2/admin,{}`, "no array"},
	{`2[{"toString":"foo"}]`, "name is an object"},
	{`2[true,"foo"]`, "name is a word"},
	{`2[null,"bar"]`, "name is a word"},
	{`2["connect"]`, "reserved"},
	{`2["disconnect","123"]`, "reserved"},
	{`2["\u006eewListener"]`, "reserved in disguise"},
	{`5`, "no count"},
	{`51`, "no dash"},
	{`5a-`, "count is no number"},
	{`51.23-`, "nor an integer"},
	{`999`, "unknown type"},

	{``, "no type"},
	{`x`, "no type"},
	{`7`, "unknown type"},
	{`2`, "event without its array"},
	{`2[]`, "event without a name"},
	{`3["a"]`, "answer to nothing"},
	{`31`, "answer without its array"},
	{`31{}`, "answer is no array"},
	{`2 ["a"]`, "a blank (JavaScript reads it as id 0)"},
	{`2-1["a"]`, "negative id"},
	{`2["a"]x`, "text behind"},
	{`2["a"][]`, "two payloads"},
	{`1x`, "disconnect has no payload"},
	{`0null`, "auth is no object"},
	{`0{}x`, "text behind"},
	{`5-["a"]`, "no count"},
	{`50-["a"]`, "no attachments"},
	{`5+1-["a",{"_placeholder":true,"num":0}]`, "signed count"},
	{`5-1-["a",{"_placeholder":true,"num":0}]`, "signed count"},
	{`511-["a"]`, "more than allowed"},
	{`5999999999999999999999999-["a"]`, "absurd count"},
	{`51-["a"]`, "attachment without a place"},
	{`51-["a",{"_placeholder":true,"num":1}]`, "points nowhere"},
	{`51-["a",{"_placeholder":true,"num":-1}]`, "points nowhere"},
	{`51-["a",{"_placeholder":true,"num":"splice"}]`, "num is no number"},
	{`51-["a",{"_placeholder":true,"num":0.5}]`, "num is no integer"},
	{`51-["a",{"_placeholder":true}]`, "no num"},
	{`52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`, "one named twice, one never"},
	{`51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`, "named twice"},
	{`51-["a",{"_placeholder":1,"num":0}]`, "no placeholder"},

	{`2/` + strings.Repeat("n", 512) + `,["a"]`, "namespace too long"},
	{"2/\xff,[\"a\"]", "namespace is not UTF-8"},
	{`2["` + strings.Repeat("n", 1025) + `"]`, "name too long"},
	{`2["` + strings.Repeat(`\n`, 1025) + `"]`, "escaped name too long"},
	{`2["` + strings.Repeat(`\n`, 9999) + `"]`, "escaped name far too long"},
	{`2["a"` + strings.Repeat(",1", 1025) + `]`, "too many arguments"},
	{`31[1` + strings.Repeat(",1", 1024) + `]`, "too many arguments"},
	{`21234567890123456["a"]`, "id too long"},
	{`2["a",` + nested(129) + `]`, "too deep"},
	{`0` + strings.Repeat(`{"":`, 1e5), "too deep"},
	{"2[\"a\xff\"]", "not UTF-8"},
}

func TestV5Refuse(t *testing.T) {
	for _, tt := range v5Refused {
		p, done, err := V5.NewDecoder(defaults).Decode([]byte(tt.text), false)
		var broken *packet.ProtocolError
		if done || !errors.As(err, &broken) || broken.Local || !same(p, packet.Packet{}) {
			t.Errorf("%.60q gives %+v, %v, %v; want an error: %s", tt.text, p, done, err, tt.why)
		}
	}
	atLimit := []string{
		`2/` + strings.Repeat("n", 511) + `,123456789012345["` + strings.Repeat("n", 1024) + `"` + strings.Repeat(",1", 1024) + `]`,
		`2["` + strings.Repeat(`\u0001`, 1024) + `",` + nested(128) + `]`,
	}
	for _, text := range atLimit {
		if _, done, err := V5.NewDecoder(defaults).Decode([]byte(text), false); !done || err != nil {
			t.Errorf("%.60q: %v; want it taken, it just fits", text, err)
		}
	}
	if _, done, err := V5.NewDecoder(nil).Decode([]byte(`2`+strings.Repeat("1", 99)+`["a"]`), false); !done || err != nil {
		t.Errorf("nil limits bound something: %v", err)
	}
}

func att(pos int, data string) packet.Attachment {
	return packet.Attachment{Pos: pos, Data: []byte(data)}
}

func TestV5Attachments(t *testing.T) {
	tests := []struct {
		head string
		bins []string
		want packet.Packet
		why  string
	}{
		{`51-["a",{"_placeholder":true,"num":0}]`, []string{"abc"},
			packet.Packet{Type: packet.Event, Namespace: "/", Name: "a", Args: packet.Args{JSON: []byte("null"), Attachments: []packet.Attachment{att(0, "abc")}}}, "an argument"},
		{`52-/cool,23["a",1,{"x":{"num":1, "_placeholder" :true }},[{"_placeholder":true,"num":0}]]`, []string{"zero", ""},
			packet.Packet{Type: packet.Event, Namespace: "/cool", ID: "23", Name: "a", Args: packet.Args{JSON: []byte(`1,{"x":null},[null]`), Attachments: []packet.Attachment{att(7, ""), att(14, "zero")}}}, "nested, in any order, an empty one"},
		{`61-19[{"_placeholder":true,"num":0},null]`, []string{"abc"},
			packet.Packet{Type: packet.Ack, Namespace: "/", ID: "19", Args: packet.Args{JSON: []byte("null,null"), Attachments: []packet.Attachment{att(0, "abc")}}}, "an answer"},
		{`51-["a",{"_placeholder":true,"num":9,"x":{"_placeholder":true,"num":7},"num":0}]`, []string{"abc"},
			packet.Packet{Type: packet.Event, Namespace: "/", Name: "a", Args: packet.Args{JSON: []byte("null"), Attachments: []packet.Attachment{att(0, "abc")}}}, "what stands beside is gone, the last num counts"},
		{`51-["a",{"\u005fplaceholder":true,"n\u0075m":0},{"_placeholder":false,"num":0},{"_placeholder":"true"}]`, []string{"abc"},
			packet.Packet{Type: packet.Event, Namespace: "/", Name: "a", Args: packet.Args{JSON: []byte(`null,{"_placeholder":false,"num":0},{"_placeholder":"true"}`), Attachments: []packet.Attachment{att(0, "abc")}}}, "escaped keys; others are data"},
		{`51-["a","{\"_placeholder\":true,\"num\":0}",{"_placeholder":true,"num":0}]`, []string{"abc"},
			packet.Packet{Type: packet.Event, Namespace: "/", Name: "a", Args: packet.Args{JSON: []byte(`"{\"_placeholder\":true,\"num\":0}",null`), Attachments: []packet.Attachment{att(36, "abc")}}}, "not inside a string"},
	}
	for _, tt := range tests {
		d := V5.NewDecoder(defaults)
		p, done, err := d.Decode([]byte(tt.head), false)
		for _, b := range tt.bins {
			if done || err != nil || !d.Due() {
				t.Fatalf("%s: %+v, %v, %v, due %v; want attachments to be due", tt.head, p, done, err, d.Due())
			}
			p, done, err = d.Decode([]byte(b), true)
		}
		if !done || err != nil || d.Due() || !reflect.DeepEqual(p, tt.want) {
			t.Errorf("%s gives %+v, %v, %v; want %+v: %s", tt.head, p, done, err, tt.want, tt.why)
		}
		checkV5RoundTrip(t, p)
	}
}

func TestV5AttachmentsOutOfOrder(t *testing.T) {
	d := V5.NewDecoder(&Limits{AttachmentBytes: 5})
	if _, done, err := d.Decode([]byte("x"), true); done || err == nil {
		t.Error("an attachment without a head is taken")
	}
	head := `52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`
	if _, _, err := d.Decode([]byte(head), false); err != nil {
		t.Fatal(err)
	}
	if _, done, err := d.Decode([]byte(`2["b"]`), false); done || err == nil {
		t.Error("text between head and attachments is taken")
	}
	if _, _, err := d.Decode([]byte("12345"), true); err != nil {
		t.Errorf("as many bytes as allowed: %v", err)
	}
	if _, _, err := d.Decode([]byte("6"), true); err == nil || d.Due() {
		t.Error("more bytes than allowed are taken, or kept")
	}
}

func TestV5Encode(t *testing.T) {
	bin := packet.Args{JSON: []byte(`1,{"x":null},null`), Attachments: []packet.Attachment{att(7, "a"), att(13, "b")}}
	tests := []struct {
		p    packet.Packet
		want string
	}{
		{packet.Packet{Type: packet.Connect, Namespace: "/", Args: jsonArgs(`{"sid":"x"}`)}, `0{"sid":"x"}`},
		{packet.Packet{Type: packet.Connect, Namespace: "/woot"}, `0/woot,`},
		{packet.Packet{Type: packet.Disconnect, Namespace: "/woot"}, `1/woot,`},
		{packet.Packet{Type: packet.Event, Namespace: "/", Name: `a"b`, Args: jsonArgs(`1,{}`)}, `2["a\"b",1,{}]`},
		{packet.Packet{Type: packet.Event, Name: "a", ID: "1", Namespace: "/test"}, `2/test,1["a"]`},
		{packet.Packet{Type: packet.Event, Name: "a", ID: "1", Namespace: "/n", Args: bin}, `52-/n,1["a",1,{"x":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}]`},
		{packet.Packet{Type: packet.Ack, ID: "12"}, `312[]`},
		{packet.Packet{Type: packet.Ack, ID: "12", Args: bin}, `62-12[1,{"x":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}]`},
		{packet.Packet{Type: packet.ConnectError, Namespace: "/", Args: jsonArgs(`{"message":"no"}`)}, `4{"message":"no"}`},
		{packet.Packet{Type: packet.Text, ID: "3", Data: []byte(`a"b`)}, `23["message","a\"b"]`},
		{packet.Packet{Type: packet.JSON, Args: jsonArgs(`{"a":1}`)}, `2["message",{"a":1}]`},
	}
	for _, tt := range tests {
		got, err := V5.AppendHead([]byte("~"), &tt.p)
		if string(got) != "~"+tt.want || err != nil {
			t.Errorf("%+v is written %s, %v; want ~%s", tt.p, got, err, tt.want)
		}
		if atts := V5.Attachments(&tt.p); len(atts) != len(tt.p.Args.Attachments) {
			t.Errorf("%s: %d attachments", tt.want, len(atts))
		}
	}
}

func TestV5CannotSay(t *testing.T) {
	null := packet.Attachment{Pos: 0}
	tests := []packet.Packet{
		{},
		{Type: packet.Binary},
		{Type: 99},
		{Type: packet.Ack},
		{Type: packet.Event, Name: "disconnect"},
		{Type: packet.Event, Name: "a", Namespace: "nope"},
		{Type: packet.Event, Name: "a", Namespace: "/a,b"},
		{Type: packet.Connect, Args: packet.Args{JSON: []byte("null"), Attachments: []packet.Attachment{null}}},
		{Type: packet.Event, Args: packet.Args{JSON: []byte("12"), Attachments: []packet.Attachment{null}}},
		{Type: packet.Event, Args: packet.Args{JSON: []byte("null"), Attachments: []packet.Attachment{null, null}}},
		{Type: packet.Event, Args: packet.Args{JSON: []byte("null"), Attachments: []packet.Attachment{{Pos: -1}}}},
		{Type: packet.Event, Args: packet.Args{JSON: []byte("null"), Attachments: []packet.Attachment{{Pos: 5}}}},
		{Type: packet.Event, Args: packet.Args{JSON: []byte(`null,{"_placeholder":true,"num":7}`), Attachments: []packet.Attachment{null}}},
	}
	for _, p := range tests {
		got, err := V5.AppendHead([]byte("~"), &p)
		var e *packet.ProtocolError
		if !errors.As(err, &e) || !e.Local || string(got) != "~" {
			t.Errorf("%+v is written %s, %v; want a local error", p, got, err)
		}
	}
}

func TestEveryTruncation(t *testing.T) {
	text := `51-/n,12["a",{"_placeholder":true,"num":0}]`
	for n := range text {
		if p, done, err := V5.NewDecoder(defaults).Decode([]byte(text[:n]), false); done || err == nil {
			t.Errorf("%s gives %+v, %v, %v; want an error", text[:n], p, done, err)
		}
	}
	text = `5:1+:/chat:{"name":"e","args":[1]}`
	for n := range text {
		if p, done, err := Rev1.NewDecoder(defaults).Decode([]byte(text[:n]), false); done || err != nil {
			t.Errorf("%s gives %+v, %v, %v; want it ignored", text[:n], p, done, err)
		}
	}
}

// checkV5RoundTrip writes p and reads it again.
func checkV5RoundTrip(t *testing.T, p packet.Packet) {
	t.Helper()
	head, err := V5.AppendHead(nil, &p)
	if err != nil {
		t.Fatalf("%+v cannot be written: %v", p, err)
	}
	d := V5.NewDecoder(nil)
	again, done, err := d.Decode(head, false)
	for _, a := range V5.Attachments(&p) {
		if done || err != nil {
			t.Fatalf("%s: %v, %v before its attachments", head, done, err)
		}
		again, done, err = d.Decode(a.Data, true)
	}
	if !done || err != nil || !same(again, p) {
		t.Fatalf("%+v\nis written %q\nand read %+v, %v, %v", p, head, again, done, err)
	}
}
