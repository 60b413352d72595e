package parser

import (
	"testing"

	"github.com/sockeye-io/socketio/packet"
)

// FuzzV5 feeds a head and two attachments. Whatever comes of it must be written and
// read again as the same packet.
func FuzzV5(f *testing.F) {
	for _, s := range []string{
		`0{"token":"x"}`, `1/admin,`, `2/test,1["a",1,{}]`, `3/t,0[]`, `4{"message":"no"}`,
		`51-["a",{"_placeholder":true,"num":0}]`, `62-7[{"_placeholder":true,"num":1},[{"num":0,"_placeholder":true}]]`,
		`2["\u0063onnect"]`, `2[5,"x"]`, `51-["a",{"_placeholder":true,"num":0.5}]`,
	} {
		f.Add([]byte(s), []byte("abc"), []byte{})
	}
	f.Fuzz(func(t *testing.T, head, one, two []byte) {
		d := V5.NewDecoder(defaults)
		p, done, err := d.Decode(head, false)
		if !done && err == nil {
			p, done, err = d.Decode(one, true)
		}
		if !done && err == nil {
			p, done, err = d.Decode(two, true)
		}
		if !done || err != nil {
			return
		}
		checkArgs(t, p)
		if p.Type == packet.Event || p.Type == packet.Ack {
			if len(p.Args.Attachments) > 0 && len(findPlaceholders(p.Args.JSON)) > 0 {
				t.Fatalf("%s leaves a placeholder in %s", head, p.Args.JSON)
			}
		}
		checkV5RoundTrip(t, p)
	})
}

// FuzzRev1 does the same for revision 1, in which nothing but limits is an error.
func FuzzRev1(f *testing.F) {
	for _, v := range readVectors(f).Decode {
		f.Add([]byte(v.In))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, done, err := Rev1.NewDecoder(nil).Decode(data, false)
		if !done || err != nil {
			return
		}
		checkArgs(t, p)
		if p.Type == packet.Connect && p.Query == "" && p.Namespace == "" {
			t.Fatalf("%q has no namespace", data)
		}
		checkRev1RoundTrip(t, p)
	})
}

// FuzzPlaceholders looks for placeholders in text that is not JSON, which no caller
// should give but a bug might.
func FuzzPlaceholders(f *testing.F) {
	f.Add([]byte(`{"_placeholder":true,"num":0}`))
	f.Add([]byte(`]{"`))
	f.Fuzz(func(t *testing.T, list []byte) {
		a := packet.Args{JSON: list, Attachments: []packet.Attachment{{Pos: len(list) / 2}}}
		for _, c := range []Codec{V5, Rev1} {
			_, _ = c.AppendHead(nil, &packet.Packet{Type: packet.Event, Name: "e", Args: a})
		}
		Split(nil, list)
		Count(list)
	})
}

// checkArgs sees that p's arguments are canonical.
func checkArgs(t *testing.T, p packet.Packet) {
	t.Helper()
	if _, err := CheckList(p.Args.JSON, 0); err != nil || !Placed(&p.Args) {
		t.Fatalf("%+v is not canonical: %v", p.Args, err)
	}
}
