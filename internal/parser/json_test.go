package parser

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

var long = strings.Repeat("x", 40)

var checkTests = []struct {
	text string
	want error
	why  string
}{
	{`""`, nil, "shorter than a word of eight bytes"},
	{`"` + long + `"`, nil, "longer than a word"},
	{` [1 , {"a" : [ ] , "b":{ } } ]` + "\n\t\r", nil, "blanks anywhere"},
	{`-0.10e+05`, nil, "a number is text"},
	{`1e400`, nil, "no range applies"},
	{`"\ud800"`, nil, "an escaped lone surrogate is valid text"},
	{`"\u00e9\"\\\/\b\f\n\r\t"`, nil, "all escapes"},
	{`"é漢😀` + "\u2028" + `"`, nil, "any UTF-8"},
	{"", ErrJSON, "no value"},
	{" ", ErrJSON, "no value"},
	{"1 2", ErrJSON, "two values"},
	{"1,2", ErrJSON, "a list is no value"},
	{"\v1", ErrJSON, "a vertical tab is no blank"},
	{"01", ErrJSON, "leading zero"},
	{"1.", ErrJSON, "no digits behind the point"},
	{".5", ErrJSON, "none before it"},
	{"+1", ErrJSON, "sign"},
	{"-", ErrJSON, "sign alone"},
	{"1e", ErrJSON, "no exponent"},
	{"nul", ErrJSON, "cut word"},
	{"nulls", ErrJSON, "longer word"},
	{"undefined", ErrJSON, "JavaScript's, not JSON's"},
	{`[1,]`, ErrJSON, "trailing comma"},
	{`{"a":1,}`, ErrJSON, "trailing comma"},
	{`[,1]`, ErrJSON, "leading comma"},
	{`{"a"}`, ErrJSON, "no value"},
	{`{a:1}`, ErrJSON, "bare key"},
	{`{1:1}`, ErrJSON, "key is no string"},
	{`[1}`, ErrJSON, "mismatched bracket"},
	{`[{"a":[1}]`, ErrJSON, "mismatched bracket inside"},
	{`[[1]`, ErrJSON, "unclosed"},
	{`]`, ErrJSON, "unopened"},
	{`"\x"`, ErrJSON, "no such escape"},
	{`"\u12g4"`, ErrJSON, "not hexadecimal"},
	{`"\u12`, ErrJSON, "cut escape"},
	{`"\`, ErrJSON, "cut escape"},
	{"\"a\nb\"", ErrJSON, "raw control"},
	{"\"" + long + "\x1f\"", ErrJSON, "raw control behind whole words"},
	{"\"\xff\"", ErrJSON, "not UTF-8"},
	{"\"\xed\xa0\x80\"", ErrJSON, "a surrogate in UTF-8"},
	{"\"\xc0\x80\"", ErrJSON, "overlong"},
	{"\"\xf4\x90\x80\x80\"", ErrJSON, "beyond U+10FFFF"},
	{"\"é\xc3\"", ErrJSON, "cut off"},
	{nested(128), nil, "as deep as allowed"},
	{nested(129), ErrDepth, "a level deeper"},
	{strings.Repeat("[", 1e6), ErrDepth, "refused before the end is seen"},
	{strings.Repeat(`{"":`, 129), ErrDepth, "objects count as arrays do"},
}

func TestCheck(t *testing.T) {
	for _, tt := range checkTests {
		if err := Check([]byte(tt.text), 0); !errors.Is(err, tt.want) {
			t.Errorf("Check(%.40q) = %v, want %v: %s", tt.text, err, tt.want, tt.why)
		}
	}
}

// nested returns n arrays and objects in each other, by turns, so that every level
// has neighbours of the other kind.
func nested(n int) string {
	var open, shut string
	for i := range n {
		if i%2 == 0 {
			open, shut = open+`[`, `]`+shut
		} else {
			open, shut = open+`{"k":`, `}`+shut
		}
	}
	if n%2 == 0 {
		open += "0" // the innermost is an object, which needs a value
	}
	return open + shut
}

func TestCheckEveryTruncation(t *testing.T) {
	text := []byte(` {"a":[1,-2.5e-7,true,false,null,"é\u00e9\n"],"b":{}}`)
	for n := range text {
		if err := Check(text[:n], 0); err == nil {
			t.Errorf("Check(%q) accepts a part", text[:n])
		}
	}
	if err := Check(text, 2); err != nil {
		t.Errorf("Check(%q, 2) = %v", text, err)
	}
	if err := Check(text, 1); !errors.Is(err, ErrDepth) {
		t.Errorf("Check(%q, 1) = %v, want ErrDepth", text, err)
	}
}

func TestSplit(t *testing.T) {
	tests := []struct {
		list string
		want []string
	}{
		{"", nil},
		{"  ", nil},
		{"1", []string{"1"}},
		{`1,"a,b",[1,[2]],{"k":{"]":1}},null`, []string{"1", `"a,b"`, "[1,[2]]", `{"k":{"]":1}}`, "null"}},
		{" 1 ,\n[ ] , {} ", []string{"1", "[ ]", "{}"}},
		{`"\"","\\",",\\\""`, []string{`"\""`, `"\\"`, `",\\\""`}},
		{`"long enough, for a word",true`, []string{`"long enough, for a word"`, "true"}},
	}
	for _, tt := range tests {
		got := Split(nil, []byte(tt.list))
		if len(got) != len(tt.want) || Count([]byte(tt.list)) != len(tt.want) {
			t.Errorf("Split(%q) has %d values, Count says %d, want %d", tt.list, len(got), Count([]byte(tt.list)), len(tt.want))
			continue
		}
		for i, v := range got {
			if string(v) != tt.want[i] {
				t.Errorf("Split(%q)[%d] = %q, want %q", tt.list, i, v, tt.want[i])
			}
		}
		if n, err := CheckList([]byte(tt.list), 0); n != len(tt.want) || err != nil {
			t.Errorf("CheckList(%q) = %d, %v", tt.list, n, err)
		}
	}
	for _, bad := range []string{",", "1,", ",1", "1 2", "1]", "[1"} {
		if _, err := CheckList([]byte(bad), 0); err == nil {
			t.Errorf("CheckList(%q) accepts it", bad)
		}
	}
}

func TestAppendQuote(t *testing.T) {
	for in, want := range map[string]string{
		"":                       `""`,
		"plain and long enough":  `"plain and long enough"`,
		"a\"b\\c":                `"a\"b\\c"`,
		"\x00\x1f\b\f\n\r\t":     `"\u0000\u001f\b\f\n\r\t"`,
		"é漢😀\x7f</script>&":      "\"é漢😀\x7f</script>&\"",
		"x\u2028y\u2029":         `"x\u2028y\u2029"`,
		"bad\xff\xed\xa0\x80end": "\"bad\uFFFD\uFFFD\uFFFD\uFFFDend\"",
		"\uFFFD itself":          "\"\uFFFD itself\"",
	} {
		if got := string(AppendQuote(nil, in)); got != want {
			t.Errorf("AppendQuote(%q) = %s, want %s", in, got, want)
		}
	}
}

// seedsJSON are texts that went over real wires, and ends that a checker may miss.
var seedsJSON = []string{
	`{"name":"echo","args":["hello",{"a":1}]}`, `["hello",{"_placeholder":true,"num":0}]`,
	`"\ud800\u2028"`, `[1e400,-0,1.0,9007199254740993]`, "\"é\U0001F600\u2028\"", `{"a":{"b":[{}]}}`,
	`{"a" :1 , "a": [ ]}`, "[\"x\xff\"]", "1,2", `"abcdefg\`, "\t[]\n",
}

func FuzzCheck(f *testing.F) {
	for _, s := range seedsJSON {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		err := Check(text, 0)
		want := json.Valid(text) && utf8.Valid(text)
		if errors.Is(err, ErrDepth) {
			return
		}
		if (err == nil) != want {
			t.Fatalf("Check(%q) = %v, encoding/json and utf8 say %v", text, err, want)
		}
		if err != nil {
			return
		}
		// What one value is inside a list, Split must find again.
		list := bytes.Join([][]byte{text, text, text}, []byte(","))
		for _, v := range Split(nil, list) {
			if !bytes.Equal(v, bytes.Trim(text, " \n\r\t")) {
				t.Fatalf("Split(%q) gives %q", list, v)
			}
		}
		if n, err := CheckList(list, 0); n != 3 || err != nil || Count(list) != 3 {
			t.Fatalf("CheckList(%q) = %d, %v", list, n, err)
		}
	})
}

func FuzzAppendQuote(f *testing.F) {
	f.Add("x\u2028\xff\"\\")
	f.Fuzz(func(t *testing.T, s string) {
		token := AppendQuote(nil, s)
		if err := Check(token, 0); err != nil {
			t.Fatalf("AppendQuote(%q) = %q: %v", s, token, err)
		}
		var want string
		if err := json.Unmarshal(token, &want); err != nil {
			t.Fatal(err)
		}
		if got := unquote(token); got != want || utf8.ValidString(s) && got != s {
			t.Fatalf("%q comes back as %q, by encoding/json as %q", s, got, want)
		}
	})
}
