package framing

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// Bodies as socket.io 0.9.19 writes them ([V] wrappers). Where why is set, ours are
// others.
func TestScripts(t *testing.T) {
	for _, tt := range []struct{ payload, jsonp, page, why string }{
		{"1::", `"1::"`, `"1::"`, ""},
		{"3:::a/b", `"3:::a/b"`, `"3:::a\/b"`, ""},
		{`3:::"q"`, `"3:::\"q\""`, `"3:::\"q\""`, ""},
		{`3:::back\slash`, `"3:::back\\slash"`, `"3:::back\\slash"`, ""},
		{"3:::</script>", `"3:::<\/script>"`, `"3:::<\/script>"`, "the reference escapes it in pages only"},
		{"3:::nl\nx\ttab\rcr\b\f", `"3:::nl\nx\ttab\rcr\b\f"`, `"3:::nl\nx\ttab\rcr\b\f"`, ""},
		{"3:::\u2028\u2029", `"3:::\u2028\u2029"`, `"3:::\u2028\u2029"`, "the reference leaves them raw: clients.md 1"},
		{"3:::\x00\x01\x1f\x7f", `"3:::\u0000\u0001\u001f` + "\x7f\"", `"3:::\u0000\u0001\u001f` + "\x7f\"", ""},
		{"3:::é😀", `"3:::é😀"`, `"3:::é😀"`, ""},
		{`5:::{"name":"e","args":["a/b \"q\""]}`, `"5:::{\"name\":\"e\",\"args\":[\"a/b \\\"q\\\"\"]}"`,
			`"5:::{\"name\":\"e\",\"args\":[\"a\/b \\\"q\\\"\"]}"`, ""},
		{"\uFFFD5\uFFFD3:::a\uFFFD5\uFFFD3:::b", "\"\uFFFD5\uFFFD3:::a\uFFFD5\uFFFD3:::b\"", "\"\uFFFD5\uFFFD3:::a\uFFFD5\uFFFD3:::b\"", ""},
		{"3:::<!-- & ' `", "\"3:::<!-- & ' `\"", "\"3:::\\u003c!-- & ' `\"", "a comment in a page's script goes on behind it"},
		{"3:::<SCRIPT>", `"3:::<SCRIPT>"`, `"3:::\u003cSCRIPT>"`, "likewise"},
		{"3:::\u0085\u00ad\ufeff", "\"3:::\u0085\u00ad\ufeff\"", "\"3:::\u0085\u00ad\ufeff\"", ""},
	} {
		if got, want := string(AppendJSONP(nil, 3, []byte(tt.payload))), "io.j[3]("+tt.jsonp+");"; got != want {
			t.Errorf("got %s, want %s (%s)", got, want, tt.why)
		}
		if got, want := string(AppendHTMLFile(nil, []byte(tt.payload))), "<script>_("+tt.page+");</script>"; got != want {
			t.Errorf("got %s, want %s (%s)", got, want, tt.why)
		}
	}
	if got := string(AppendJSONPError(nil, 12, "handshake unauthorized")); got != `io.j[12](new Error("handshake unauthorized"));` {
		t.Errorf("got %s", got) // [T handshake-refused]
	}
	if len(HTMLFileHead) != 256 || !strings.HasPrefix(string(HTMLFileHead), "<html><body><script>var _ = function (msg)") {
		t.Errorf("head of %d bytes: %q", len(HTMLFileHead), HTMLFileHead) // [T htmlfile]
	}
}

// TestHideSlashes: what clients since 0.9.15 make of it means the same.
func TestHideSlashes(t *testing.T) {
	for _, value := range []string{`a/b`, `\/`, `\\/`, `\\\/`, `/\`, `c:\/d`, "\"/\\/\"", ``} {
		for _, escape := range []bool{false, true} {
			arg, _ := json.Marshal(value)
			if escape { // as some encoders write every slash
				arg = []byte(strings.ReplaceAll(string(arg), "/", `\/`))
			}
			script := string(AppendHTMLFile(nil, []byte(`5:::{"name":"e","args":[`+string(arg)+`]}`)))
			literal := strings.TrimSuffix(strings.TrimPrefix(script, "<script>_("), ");</script>")
			var text string
			if err := json.Unmarshal([]byte(literal), &text); err != nil {
				t.Fatalf("%s: %v", script, err)
			}
			text = strings.ReplaceAll(text, `\/`, `/`) // socket.io-client 0.9.17, transports/htmlfile.js, _
			var event struct{ Args []string }
			if err := json.Unmarshal([]byte(text[4:]), &event); err != nil || event.Args[0] != value {
				t.Errorf("%q arrives as %q, %v", value, event.Args, err)
			}
		}
	}
}

func TestMultipart(t *testing.T) {
	got := string(AppendPart(MultipartBegin(nil, "socketio"), "socketio", []byte("~m~5~m~hello")))
	if want := "--socketio\nContent-Type: text/plain\n\n~m~5~m~hello\n--socketio\n"; got != want {
		t.Errorf("got %q, want %q", got, want) // [T v06-xhr-multipart]
	}
}

func TestParseForm(t *testing.T) {
	for _, tt := range []struct{ body, want, why string }{
		{"d=%223%3A%3A%3Ay%22", "3:::y", "[T jsonp-polling]"},
		{"d=%225%3A%3A%3A%7B%5C%22name%5C%22%3A%5C%22echo%5C%22%2C%5C%22args%5C%22%3A%5B%5C%22hel+lo%5C%22%5D%7D%22",
			`5:::{"name":"echo","args":["hel lo"]}`, "a plus is a blank"},
		{"d=5%3A%3A%3A%7B%22name%22%3A%22echo%22%7D", `5:::{"name":"echo"}`, "raw: clients before 0.8.6"},
		{"d=3%3A%3A%3Aa%0D%0Ab", "3:::a\nb", "the browser has made two characters of a line end"},
		{"d=%223%3A%3A%3Aa%5Cr%5Cnb%22", "3:::a\r\nb", "a literal's line ends are its own"},
		{"x=1&d=%221%3A%3A%22&y", "1::", "other fields"},
		{"d=", "", "empty"},
		{"d=%EF%BF%BD5%EF%BF%BD3%3A%3A%3Aa%EF%BF%BD5%EF%BF%BD3%3A%3A%3Ab", "\uFFFD5\uFFFD3:::a\uFFFD5\uFFFD3:::b", "framed"},
		{"x=1", "!", "no d"},
		{"", "!", "nothing"},
		{"d=%zz", "!", "no form"},
		{"d=%22open", "!", "no literal"},
		{"d=%22a%22b", "!", "more than a literal"},
	} {
		got, ok := ParseForm([]byte(tt.body))
		if ok != (tt.want != "!") || ok && string(got) != tt.want {
			t.Errorf("%s: got %q, %v; want %q (%s)", tt.body, got, ok, tt.want, tt.why)
		}
	}
}

// FuzzScript: whatever the text, a script has one literal in it, which is the text, and
// nothing that a page would take for more.
func FuzzScript(f *testing.F) {
	f.Add("3:::</script><!-- <script>\u2028\"\\/")
	f.Add(`5:::{"name":"\\/"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		for _, page := range []bool{false, true} {
			literal := string(appendString(nil, []byte(text), page))
			var back string
			if err := json.Unmarshal([]byte(literal), &back); err != nil || back != text {
				t.Errorf("%q is written as %s, which is %q, %v", text, literal, back, err)
			}
			lower := strings.ToLower(literal)
			if strings.Contains(lower, "</") || strings.ContainsAny(literal, "\u2028\u2029\n\r") ||
				page && (strings.Contains(lower, "<!--") || strings.Contains(lower, "<script")) {
				t.Errorf("%q is written as %s", text, literal)
			}
		}
	})
}

// FuzzParseForm: what a form sends is what arrives.
func FuzzParseForm(f *testing.F) {
	f.Add("3:::a b+c&d=\n", "d=%22x%22")
	f.Fuzz(func(t *testing.T, payload, body string) {
		ParseForm([]byte(body))
		if !utf8.ValidString(payload) || strings.HasPrefix(payload, `"`) {
			return
		}
		literal, _ := json.Marshal(payload)
		got, ok := ParseForm([]byte("d=" + url.QueryEscape(string(literal))))
		if !ok || string(got) != payload {
			t.Errorf("a literal of %q arrives as %q, %v", payload, got, ok)
		}
		raw := strings.ReplaceAll(payload, "\r\n", "\n")
		got, ok = ParseForm([]byte("d=" + url.QueryEscape(strings.ReplaceAll(raw, "\n", "\r\n"))))
		if want := strings.ReplaceAll(strings.ReplaceAll(raw, "\n", "\r\n"), "\r\n", "\n"); !ok || string(got) != want {
			t.Errorf("%q arrives as %q, %v", want, got, ok)
		}
	})
}
