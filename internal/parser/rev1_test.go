package parser

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio/packet"
)

// A vectorPacket is a packet as testdata/rev1.json writes it.
type vectorPacket struct {
	Type, NS, Ack, Name, Args, Data, Query, Reason, Advice string
	Auto                                                   bool
}

func (v *vectorPacket) packet() packet.Packet {
	p := packet.Packet{
		Namespace: v.NS, ID: v.Ack, AutoAck: v.Auto, Name: v.Name, Args: jsonArgs(v.Args),
		Data: []byte(v.Data), Query: v.Query, Reason: v.Reason, Advice: v.Advice,
	}
	for p.Type = packet.Connect; p.Type.String() != v.Type; p.Type++ {
	}
	return p
}

// vectors are texts that the reference's parser was run over. Where Why is set, the
// result is not the reference's but what a server should do instead; a decode
// vector without Want is ignored.
type vectors struct {
	Decode []struct {
		ID, Note, In, Hex, Why string
		Want                   *vectorPacket
	}
	Encode []struct {
		ID, Note, Out, Why, Skip string
		Packet                   *vectorPacket
	}
}

func readVectors(t testing.TB) (v vectors) {
	text, err := os.ReadFile("testdata/rev1.json")
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestRev1DecodeVectors(t *testing.T) {
	for _, v := range readVectors(t).Decode {
		data := []byte(v.In)
		if v.Hex != "" {
			data, _ = hex.DecodeString(v.Hex)
		}
		p, done, err := Rev1.NewDecoder(defaults).Decode(data, false)
		if err != nil {
			t.Errorf("%s (%s): %q ends the session: %v", v.ID, v.Note, data, err)
			continue
		}
		if done != (v.Want != nil) {
			t.Errorf("%s (%s): %q gives %+v, %v; want a packet: %v %s", v.ID, v.Note, data, p, done, v.Want != nil, v.Why)
			continue
		}
		if !done {
			continue
		}
		checkRev1RoundTrip(t, p)
		var compact bytes.Buffer
		if json.Compact(&compact, []byte("["+string(p.Args.JSON)+"]")) == nil && p.Type == packet.Ack {
			p.Args.JSON = bytes.Trim(compact.Bytes(), "[]") // ack-18 has a line end
			v.Want.Args = strings.Trim(v.Want.Args, "[]")
		}
		if want := v.Want.packet(); !same(p, want) {
			t.Errorf("%s (%s): %q gives\n%+v, want\n%+v %s", v.ID, v.Note, data, p, want, v.Why)
		}
	}
}

func TestRev1EncodeVectors(t *testing.T) {
	for _, v := range readVectors(t).Encode {
		if v.Skip != "" {
			continue
		}
		p := v.Packet.packet()
		if got, err := Rev1.AppendHead([]byte("~"), &p); string(got) != "~"+v.Out || err != nil {
			t.Errorf("%s (%s): %q, %v; want %q %s", v.ID, v.Note, got, err, "~"+v.Out, v.Why)
		}
	}
}

// What the vectors leave open.
func TestRev1Decode(t *testing.T) {
	event := packet.Packet{Type: packet.Event, Namespace: "/", Name: "e", Args: jsonArgs("1")}
	tests := []struct {
		text string
		want packet.Packet
		why  string
	}{
		{`5:::{"name":"x","name":"e","args":[2],"args":[1]}`, event, "the last of two counts"},
		{`5:::{"name":7,"args":5,"name":"e","args":[1]}`, event, "also if the first is bad"},
		{`5::: { "args" : [ 1 ] , "x":{"name":"y","args":[]} , "n\u0061me" : "\u0065" } `, event, "blanks, escapes, nested names"},
		{`5::/:{"name":"e","args":[1]}`, event, "the main namespace by its name"},
		{`1::/test?a=1:`, packet.Packet{Type: packet.Connect, Namespace: "/test", Query: "?a=1"}, "query inside the endpoint"},
		{`1::?a=1`, packet.Packet{Type: packet.Connect, Namespace: "/", Query: "?a=1"}, "no endpoint"},
		{`6:::1+[ 1 ] `, packet.Packet{Type: packet.Ack, Namespace: "/", ID: "1", Args: jsonArgs("1")}, "blanks"},
		{`3:1234567890123456789::x`, packet.Packet{Type: packet.Text, Namespace: "/", ID: "1234567890123456789", AutoAck: true, Data: []byte("x")}, "19 digits"},
	}
	for _, tt := range tests {
		p, done, err := Rev1.NewDecoder(nil).Decode([]byte(tt.text), false)
		if !done || err != nil || !same(p, tt.want) {
			t.Errorf("%s gives %+v, %v, %v; want %+v: %s", tt.text, p, done, err, tt.want, tt.why)
		}
	}
}

func TestRev1Ignore(t *testing.T) {
	for text, why := range map[string]string{
		`5:::{"name":"e","args":[1]`:               "unclosed",
		`5:::{"name":"e","args":[1],}`:             "trailing comma",
		`5:::{"name":"e"}x`:                        "text behind",
		`5:::{"name":"e","args":[1],"args":true}`:  "the last args is no list",
		`5:::{"name":"removeListener"}`:            "reserved",
		`5:::{"name":"\u0064isconnect"}`:           "reserved in disguise",
		`5:::{"name"`:                              "cut",
		`5:::{"name":`:                             "cut",
		`5:::{`:                                    "cut",
		`5:::{"name":"e" "args":[]}`:               "no comma",
		`6:::12345678901234567890`:                 "an id of 20 digits",
		`6:::1+` + "\"\xff\"":                      "not UTF-8",
		`6:::1+[1]x`:                               "text behind",
		"3:::\xff":                                 "not UTF-8",
		"3::/\xff:x":                               "not UTF-8",
		"1:::?\xff":                                "not UTF-8",
		`2::/chat`:                                 "heartbeat of a namespace",
		"4:::\"\xff\"":                             "not UTF-8",
		`4:::` + "\v1":                             "no blank",
		`5:::{"name":"e","args":[1]} {"name":"e"}`: "two values",
		`5:::{"name":"e","args":[],"x":undefined}`: "bad member",
	} {
		p, done, err := Rev1.NewDecoder(defaults).Decode([]byte(text), false)
		if done || err != nil {
			t.Errorf("%q gives %+v, %v, %v; want it ignored: %s", text, p, done, err, why)
		}
	}
	if _, done, err := Rev1.NewDecoder(defaults).Decode([]byte("3:::x"), true); done || err != nil {
		t.Errorf("a binary message gives %v, %v; want it ignored", done, err)
	}
}

// Size, count and depth end the session, whatever else is wrong.
func TestRev1Limits(t *testing.T) {
	deep := nested(129)
	for text, why := range map[string]string{
		`3::/` + strings.Repeat("n", 512) + `:x`:                        "endpoint",
		`5:::{"name":"` + strings.Repeat("n", 1025) + `"}`:              "name",
		`5:::{"name":"e","args":[1` + strings.Repeat(",1", 1024) + `]}`: "arguments",
		`6:::1+[1` + strings.Repeat(",1", 1024) + `]`:                   "arguments",
		`5:::{"name":"e","args":[` + deep + `]}`:                        "depth",
		`5:::{"x":` + strings.Repeat("[", 1e5):                          "depth",
		`4:::` + deep:                                                   "depth",
		`6:::1+[` + deep + `]`:                                          "depth",
	} {
		_, done, err := Rev1.NewDecoder(defaults).Decode([]byte(text), false)
		var broken *packet.ProtocolError
		if done || !errors.As(err, &broken) || broken.Local {
			t.Errorf("%.40q gives %v, %v; want an error: %s", text, done, err, why)
		}
	}
	for _, text := range []string{
		`5::/` + strings.Repeat("n", 511) + `:{"name":"` + strings.Repeat("n", 1024) + `","args":[1` + strings.Repeat(",1", 1023) + `]}`,
		`5:::{"name":"e","args":[` + nested(128) + `]}`, `4:::` + nested(128),
	} {
		if _, done, err := Rev1.NewDecoder(defaults).Decode([]byte(text), false); !done || err != nil {
			t.Errorf("%.40q: %v, %v; want it taken, it just fits", text, done, err)
		}
	}
}

func TestRev1Encode(t *testing.T) {
	bin := packet.Args{JSON: []byte("1,{\"x\":null},\"\u2028é€\u2029\",null"), Attachments: []packet.Attachment{att(7, "abc"), att(27, "")}}
	tests := []struct {
		p    packet.Packet
		want string
	}{
		{packet.Packet{Type: packet.Event, Namespace: "/", Name: "e", Args: bin},
			`5:::{"name":"e","args":[1,{"x":{"base64":true,"data":"YWJj"}},"\u2028é€\u2029",{"base64":true,"data":""}]}`},
		{packet.Packet{Type: packet.Text, Namespace: "/", Data: []byte("a\xffb")}, "3:::a\uFFFDb"},
		{packet.Packet{Type: packet.Text, Namespace: "/", ID: "1", AutoAck: true, Data: []byte("x")}, "3:1::x"},
		{packet.Packet{Type: packet.Event, Namespace: "/", ID: "1", AutoAck: true, Name: "\u2028"}, `5:1+::{"name":"\u2028"}`},
	}
	for _, tt := range tests {
		got, err := Rev1.AppendHead(nil, &tt.p)
		if string(got) != tt.want || err != nil || Rev1.Attachments(&tt.p) != nil {
			t.Errorf("%+v is written %s, %v; want %s", tt.p, got, err, tt.want)
		}
	}
	for _, p := range []packet.Packet{
		{}, {Type: packet.Binary}, {Type: 99}, {Type: packet.Ack}, {Type: packet.Event, Name: "connect"},
		{Type: packet.Text, Namespace: "/a:b"}, {Type: packet.JSON, Args: packet.Args{Attachments: bin.Attachments}},
	} {
		got, err := Rev1.AppendHead([]byte("~"), &p)
		var e *packet.ProtocolError
		if !errors.As(err, &e) || !e.Local || string(got) != "~" {
			t.Errorf("%+v is written %s, %v; want a local error", p, got, err)
		}
	}
	if _, err := Rev1NoBinary.AppendHead(nil, &tests[0].p); err == nil {
		t.Error("Rev1NoBinary writes a binary value")
	}
	if _, err := Rev1NoBinary.AppendHead(nil, &tests[1].p); err != nil {
		t.Errorf("Rev1NoBinary refuses text: %v", err)
	}
}

// checkRev1RoundTrip writes p and reads it again.
func checkRev1RoundTrip(t *testing.T, p packet.Packet) {
	t.Helper()
	text, err := Rev1.AppendHead(nil, &p)
	if err != nil {
		t.Fatalf("%+v cannot be written: %v", p, err)
	}
	again, done, err := Rev1.NewDecoder(nil).Decode(text, false)
	if p.Type == packet.Event {
		p.AutoAck = false // an event's id is always written with its "+"
	}
	// Separators are written as escapes.
	again.Args.JSON = unescapeSeparators(again.Args.JSON)
	p.Args.JSON = unescapeSeparators(p.Args.JSON)
	if !done || err != nil || !same(again, p) {
		t.Fatalf("%+v\nis written %q\nand read %+v, %v, %v", p, text, again, done, err)
	}
}

func unescapeSeparators(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte(`\u2028`), []byte("\u2028"))
	return bytes.ReplaceAll(b, []byte(`\u2029`), []byte("\u2029"))
}

func TestRaw(t *testing.T) {
	d := Raw.NewDecoder(nil)
	for _, binary := range []bool{false, true} {
		p, done, err := d.Decode([]byte("2[x"), binary)
		want := packet.Packet{Type: packet.Text, Data: []byte("2[x")}
		if binary {
			want.Type = packet.Binary
		}
		if !done || err != nil || d.Due() || !same(p, want) {
			t.Errorf("binary %v: %+v, %v, %v", binary, p, done, err)
		}
		head, err := Raw.AppendHead(nil, &p)
		atts := Raw.Attachments(&p)
		if binary != Headless(&p) || binary != (len(head) == 0) || binary != (len(atts) == 1) || err != nil {
			t.Errorf("binary %v is written %q, %v, %v", binary, head, atts, err)
		}
	}
	if _, err := Raw.AppendHead(nil, &packet.Packet{Type: packet.Event}); err == nil {
		t.Error("Engine.IO alone has events")
	}
}
