package value

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/sockeye-io/socketio/internal/parser"
	"github.com/sockeye-io/socketio/packet"
)

func att(pos int, data string) packet.Attachment {
	return packet.Attachment{Pos: pos, Data: []byte(data)}
}

type file struct {
	Name string `json:"name"`
	Body Binary `json:"body"`
}

func TestEncode(t *testing.T) {
	spliced := packet.Args{JSON: []byte(`1,null`), Attachments: []packet.Attachment{att(2, "s")}}
	tests := []struct {
		args []any
		want string
		atts []packet.Attachment
	}{
		{nil, ``, nil},
		{[]any{nil}, `null`, nil},
		{[]any{"a<b>\u2028\"", true, false}, `"a<b>\u2028\"",true,false`, nil},
		{[]any{1, int64(-2), int32(3), uint(4), uint64(math.MaxUint64), uint32(6), int8(7)}, `1,-2,3,4,18446744073709551615,6,7`, nil},
		{[]any{1.5, float32(0.1), 1e21, 1e-7, 1e-9, 100000000.0, math.Copysign(0, -1)}, `1.5,0.1,1e+21,1e-7,1e-9,100000000,-0`, nil},
		{[]any{math.NaN(), math.Inf(1), []any{math.Inf(-1)}, float32(math.Inf(1))}, `null,null,[null],null`, nil},
		{[]any{json.RawMessage(" {\"a\" : 1e400}\n"), json.RawMessage(nil)}, `{"a" : 1e400},null`, nil},
		{[]any{[]byte("x"), []byte{}, []byte(nil), Binary("y")}, `null,null,null,null`, []packet.Attachment{att(0, "x"), att(5, ""), att(15, "y")}},
		{[]any{"a", spliced, packet.Args{}, []byte("b")}, `"a",1,null,null`, []packet.Attachment{att(6, "s"), att(11, "b")}},
		{[]any{spliced}, `1,null`, []packet.Attachment{att(2, "s")}},
		{[]any{map[string]any{"b": []byte("x"), "a": []any{"1", nil}, "<": map[string]any(nil)}}, `{"<":null,"a":["1",null],"b":null}`, []packet.Attachment{att(29, "x")}},
		{[]any{1, []any{file{"<n>", Binary("abc")}, &file{}}}, `1,[{"name":"<n>","body":null},{"name":"","body":null}]`, []packet.Attachment{att(24, "abc")}},
		{[]any{[]Binary{Binary("a"), {}, nil}, map[string]Binary{"k": Binary("b")}}, `[null,null,null],{"k":null}`, []packet.Attachment{att(1, "a"), att(6, ""), att(22, "b")}},
		{[]any{struct{ B []byte }{[]byte("abc")}}, `{"B":"YWJj"}`, nil},
	}
	for _, tt := range tests {
		got, err := Encode(tt.args...)
		if err != nil || string(got.JSON) != tt.want || !reflect.DeepEqual(got.Attachments, tt.atts) {
			t.Errorf("Encode(%v) = %s, %v, %v; want %s, %v", tt.args, got.JSON, got.Attachments, err, tt.want, tt.atts)
		}
		if n, err := parser.CheckList(got.JSON, 0); err != nil || !parser.Placed(&got) {
			t.Errorf("Encode(%v) = %s is not canonical: %d, %v", tt.args, got.JSON, n, err)
		}
	}
}

func TestEncodeErrors(t *testing.T) {
	loop := []any{nil}
	loop[0] = loop
	deep := json.RawMessage(strings.Repeat("[", 128) + strings.Repeat("]", 128))
	tests := []struct {
		v   any
		why string
	}{
		{make(chan int), "has no JSON"},
		{[]any{func() {}}, "has no JSON"},
		{struct{ F float64 }{math.NaN()}, "has no number"},
		{loop, "contains itself"},
		{json.RawMessage("{"), "is not JSON"},
		{json.RawMessage(""), "is not JSON"},
		{json.RawMessage("\"\xff\""), "is not UTF-8"},
		{struct{ R json.RawMessage }{json.RawMessage("\"\xff\"")}, "is not UTF-8 inside"},
		{[]any{deep}, "is too deep"},
		{struct{ R json.RawMessage }{deep}, "is too deep"},
		{[]any{packet.Args{}}, "arguments inside an argument"},
	}
	for _, tt := range tests {
		got, err := Encode("first", tt.v)
		if err == nil || !strings.HasPrefix(err.Error(), "socketio: argument 2: ") {
			t.Errorf("Encode of what %s = %s, %v; want an error that names argument 2", tt.why, got.JSON, err)
		}
	}
	full, over := any(json.RawMessage("1")), any(json.RawMessage("[]"))
	for range 128 {
		full, over = []any{full}, map[string]any{"k": over}
	}
	if _, err := Encode(full); err != nil {
		t.Errorf("a number at the last level: %v", err)
	}
	if _, err := Encode(over); !errors.Is(err, parser.ErrDepth) {
		t.Errorf("an array below the last level: %v, want ErrDepth", err)
	}
	if _, err := Encode(deep); err != nil {
		t.Errorf("as deep as allowed: %v", err)
	}
	if _, err := Encode(json.RawMessage("[" + string(deep) + "]")); !errors.Is(err, parser.ErrDepth) {
		t.Errorf("too deep: %v, want ErrDepth", err)
	}
}

func TestDecode(t *testing.T) {
	var (
		s    string
		n    int
		n64  int64
		n32  int32
		f    float64
		b    bool
		raw  json.RawMessage
		one  packet.Args
		list []int
	)
	args, err := Encode(`a"é`, -1, int64(1)<<40, 7, 0.5, true, json.RawMessage(`{ }`), map[string]any{"x": []byte("b")}, []int{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := Decode(args, &s, &n, &n64, &n32, &f, &b, &raw, &one, &list); err != nil {
		t.Fatal(err)
	}
	wantOne := packet.Args{JSON: []byte(`{"x":null}`), Attachments: []packet.Attachment{att(5, "b")}}
	if s != `a"é` || n != -1 || n64 != 1<<40 || n32 != 7 || f != 0.5 || !b || string(raw) != "{ }" ||
		!reflect.DeepEqual(one, wantOne) || !reflect.DeepEqual(list, []int{1, 2}) {
		t.Error(s, n, n64, n32, f, b, string(raw), one, list)
	}

	// Fewer values than destinations: the rest is zero. null is zero, too.
	n, b = 5, true
	if err := Decode(packet.Args{JSON: []byte(`"x",null`)}, &s, &n, &b, &raw, &one, &list); err != nil {
		t.Fatal(err)
	}
	if s != "x" || n != 0 || b || raw != nil || one.JSON != nil || list != nil {
		t.Error("missing values:", s, n, b, raw, one, list)
	}
	// More values than destinations: left out. A nil destination skips.
	if err := Decode(packet.Args{JSON: []byte(`1,2,3`)}, nil, &n); err != nil || n != 2 {
		t.Error("skip:", n, err)
	}
	if err := Decode(packet.Args{JSON: []byte(`null,null`)}, &raw, &one); err != nil || string(raw) != "null" || string(one.JSON) != "null" {
		t.Error("a raw null is kept:", string(raw), string(one.JSON), err)
	}
}

func TestDecodeBinary(t *testing.T) {
	args := packet.Args{
		JSON:        []byte(`null,{"name":"n","body":null},[1,{"k":null}],"YWJj",null`),
		Attachments: []packet.Attachment{att(0, "top"), att(24, "field"), att(38, "tree"), att(52, "last")},
	}
	var (
		top, text []byte
		f         file
		tree, v   any
	)
	if err := Decode(args, &top, &f, &tree, &text, &v); err != nil {
		t.Fatal(err)
	}
	wantTree := []any{1.0, map[string]any{"k": []byte("tree")}}
	if string(top) != "top" || string(f.Body) != "field" || f.Name != "n" || !reflect.DeepEqual(tree, wantTree) ||
		string(text) != "abc" || !reflect.DeepEqual(v, []byte("last")) {
		t.Errorf("%q %+v %v %q %v", top, f, tree, text, v)
	}
	var bin Binary
	var slice []any
	if err := Decode(packet.Args{JSON: []byte(`null,[null]`), Attachments: []packet.Attachment{att(0, "a"), att(6, "b")}}, &bin, &slice); err != nil ||
		string(bin) != "a" || !reflect.DeepEqual(slice, []any{[]byte("b")}) {
		t.Error(bin, slice, err)
	}
	for _, bad := range []int{-1, 1, 3, 99} {
		if err := Decode(packet.Args{JSON: []byte("null"), Attachments: []packet.Attachment{att(bad, "")}}, &v); err == nil {
			t.Errorf("an attachment at %d is taken", bad)
		}
	}
	// Who reads a Binary that json.Marshal wrote in this process gets it back.
	out, _ := json.Marshal(Binary("abc"))
	if err := json.Unmarshal(out, &bin); err != nil || string(bin) != "abc" {
		t.Error(bin, err)
	}
}

func TestDecodeErrors(t *testing.T) {
	var n int
	var s string
	var m map[string]any
	var b []byte
	for text, dst := range map[string]any{
		`"x"`: &n, `1.5`: &n, `1e3`: &n, `99999999999999999999`: &n, `7`: &s, `[1]`: &m, `{}`: &b, `true`: (*int)(nil), `1`: n,
	} {
		err := Decode(packet.Args{JSON: []byte(`0,` + text)}, nil, dst)
		if err == nil || !strings.HasPrefix(err.Error(), "socketio: argument 2: ") {
			t.Errorf("%s into %T: %v; want an error that names argument 2", text, dst, err)
		}
	}
}

func TestDecodeFields(t *testing.T) {
	var got struct {
		Room    string
		private int
		Skip    int `json:"-"`
		N       int
		Body    []byte
		Rest    *string
	}
	got.Skip = 9
	got.Rest = new(string)
	args := packet.Args{JSON: []byte(`"r",3,null`), Attachments: []packet.Attachment{att(6, "b")}}
	if err := DecodeFields(args, &got); err != nil {
		t.Fatal(err)
	}
	if got.Room != "r" || got.N != 3 || string(got.Body) != "b" || got.Rest != nil || got.Skip != 9 || got.private != 0 {
		t.Errorf("%+v", got)
	}
	err := DecodeFields(packet.Args{JSON: []byte(`"r","x"`)}, &got)
	if err == nil || !strings.Contains(err.Error(), "argument 2, field N: ") {
		t.Errorf("error %v; want it to name argument and field", err)
	}
	for _, dst := range []any{nil, got, new(int), (*struct{})(nil)} {
		if DecodeFields(args, dst) == nil {
			t.Errorf("DecodeFields takes a %T", dst)
		}
	}
}

// FuzzValue decodes canonical arguments with one attachment into trees and encodes
// them again.
func FuzzValue(f *testing.F) {
	f.Add([]byte(`null,{"a":[null]}`), 0)
	f.Add([]byte(`"é\u2028",1e400,[1.5e-9,true]`), 3)
	f.Fuzz(func(t *testing.T, text []byte, pos int) {
		n, err := parser.CheckList(text, 0)
		if err != nil {
			return
		}
		args := packet.Args{JSON: text, Attachments: []packet.Attachment{att(pos, "x")}}
		if !parser.Placed(&args) {
			args.Attachments = nil
		}
		values, dst := make([]any, n), make([]any, n)
		for i := range values {
			dst[i] = &values[i]
		}
		if Decode(args, dst...) != nil {
			return // 1e400, or a null that stands inside a string
		}
		again, err := Encode(values...)
		if err != nil {
			t.Fatalf("%s gives %v, which is not encoded: %v", text, values, err)
		}
		if m, err := parser.CheckList(again.JSON, 0); m != n || err != nil || !parser.Placed(&again) {
			t.Fatalf("%s comes back as %s: %d values, %v", text, again.JSON, m, err)
		}
		second := make([]any, n)
		for i := range second {
			dst[i] = &second[i]
		}
		if err := Decode(again, dst...); err != nil || !reflect.DeepEqual(values, second) {
			t.Fatalf("%s gives %v, then %v, %v", text, values, second, err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	object := map[string]any{"id": 12345, "name": "Ada Lovelace", "tags": []any{"a", "b"}, "ok": true}
	for name, args := range map[string][]any{
		"string": {strings.Repeat("x", 50)}, "tree": {object}, "binary": {make([]byte, 1024)},
		"struct": {struct{ ID int }{1}}, "nested": {file{"n", make(Binary, 1024)}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Encode(args...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	args, err := Encode(strings.Repeat("x", 50), 12345, []byte("abc"), json.RawMessage(`{"id":1,"name":"Ada"}`))
	if err != nil {
		b.Fatal(err)
	}
	var (
		s     string
		n     int
		bytes []byte
		user  struct {
			ID   int
			Name string
		}
	)
	b.Run("fast", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := Decode(args, &s, &n, &bytes); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("struct", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := Decode(args, nil, nil, nil, &user); err != nil {
				b.Fatal(err)
			}
		}
	})
}
