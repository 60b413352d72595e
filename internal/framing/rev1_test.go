package framing

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// readQuoted reads lines of an id and Go strings; a line that begins with # is for people.
func readQuoted(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines [][]string
	for sc := bufio.NewScanner(f); sc.Scan(); {
		line := sc.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		id, rest, _ := strings.Cut(line, " ")
		fields := []string{id}
		for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
			q, err := strconv.QuotedPrefix(rest)
			if err != nil {
				t.Fatalf("%s: %s: %v", name, id, err)
			}
			s, err := strconv.Unquote(q)
			if err != nil {
				t.Fatalf("%s: %s: %v", name, id, err)
			}
			fields, rest = append(fields, s), rest[len(q):]
		}
		lines = append(lines, fields)
	}
	return lines
}

func TestRev1Payloads(t *testing.T) {
	for _, v := range readQuoted(t, "testdata/revision-1-payloads.txt") {
		id, note, body, want := v[0], v[1], v[2], v[3:]
		t.Run(id, func(t *testing.T) {
			got, err := collect(Rev1{}, body, len(want)+1)
			if err != nil {
				t.Fatalf("%s: %v", note, err)
			}
			if len(got) != len(want) {
				t.Fatalf("%s: got %+v, want %q", note, got, want)
			}
			for i, f := range got {
				if string(f.Data) != want[i] {
					t.Errorf("%s: frame %d is %q, want %q", note, i, f.Data, want[i])
				}
			}
		})
	}
}

func TestRev1AppendPayload(t *testing.T) {
	for _, v := range readQuoted(t, "testdata/revision-1-encode.txt") {
		var msgs, counted []Encoded
		for _, p := range v[3:] {
			msgs = append(msgs, Encoded{Data: []byte(p)})
			counted = append(counted, Encoded{Data: []byte(p), Units: Units([]byte(p))})
		}
		for _, m := range [][]Encoded{msgs, counted} {
			if got := (Rev1{}).AppendPayload([]byte("x"), m); string(got) != "x"+v[2] {
				t.Errorf("%s (%s): %q, want %q", v[0], v[1], got[1:], v[2])
			}
		}
	}
	// The revision has no binary messages (revision-1.md §1): one that slips through
	// neither goes out nor spoils the framing.
	got := Rev1{}.AppendPayload(nil, []Encoded{{Data: []byte("3:::a")}, {Data: []byte{0xff}, Binary: true}})
	if string(got) != "3:::a" {
		t.Errorf("with a binary message: %q", got)
	}
}

func TestRev1Kinds(t *testing.T) {
	tests := []struct {
		text string
		want Kind
		why  string
	}{
		{"0::", Close, "V disconnect-01"},
		{"0", Close, "V disconnect-03, accepted"},
		{"0:::", Close, "V disconnect-05"},
		{"0:::booted", Close, "V disconnect-06: the endpoint is empty"},
		{"0:1+:", Close, "an id does not matter (revision-1.md §5.1)"},
		{"0:+:", Close, "+ without an id is ignored (revision-1.md §5.2)"},
		{"0::/chat", Message, "V disconnect-02: leaves a namespace"},
		{"0::/chat:x", Message, "V malformed-28"},
		{"0:", Message, "V disconnect-04: no packet, left to the grammar"},
		{"03:::x", Message, "V malformed-15: no packet"},
		{"0:" + strings.Repeat("1", 20) + ":", Message, "an id of 20 digits spoils the packet (revision-1.md §5.2)"},
		{"2::", Pong, "V heartbeat-01"},
		{"2:::", Pong, "V heartbeat-02"},
		{"2", Pong, "V heartbeat-03, accepted"},
		{"2:::1", Pong, "V heartbeat-04"},
		{"2::/chat", Pong, "the reference does not look at the endpoint"},
		{"2x", Message, "no packet"},
		{"8::", Noop, "V noop-01"},
		{"8", Noop, "V noop-02, accepted"},
		{"8:::x", Noop, "V noop-03"},
		{"1::", Message, "a packet of the main socket"},
		{"3:::2::", Message, "text that looks like a heartbeat"},
		{"", Message, "V malformed-01: no packet, left to the grammar"},
		{"::2::", Message, "packets are anchored (revision-1.md §5.2, Recommended strictness)"},
	}
	for _, tt := range tests {
		got, err := Rev1{}.Parse([]byte(tt.text), false)
		if err != nil || got.Kind != tt.want || string(got.Data) != tt.text || got.Binary {
			t.Errorf("%q: got kind %d, %q, %v; want kind %d (%s)", tt.text, got.Kind, got.Data, err, tt.want, tt.why)
		}
	}
	// Binary messages are swallowed (revision-1.md §8.5).
	if got, err := (Rev1{}).Parse([]byte("3:::x"), true); err != nil || got.Kind != Noop {
		t.Errorf("binary: got %+v, %v", got, err)
	}
}

func TestRev1AppendText(t *testing.T) {
	for _, tt := range []struct {
		kind       Kind
		data, want string
	}{
		{Message, "3:::a", "3:::a"}, {Ping, "", "2::"}, {Close, "", "0::"}, {Noop, "", "8::"},
	} {
		if got := (Rev1{}).AppendText([]byte("x"), tt.kind, []byte(tt.data)); string(got) != "x"+tt.want {
			t.Errorf("kind %d: %q, want %q", tt.kind, got[1:], tt.want)
		}
	}
}

func TestRev1Hostile(t *testing.T) {
	const m = "\ufffd"
	tests := []struct {
		name, body string
		want       []string
	}{
		{"invalid UTF-8 becomes U+FFFD (revision-1.md §8.1)", "3:::a\xffb", []string{"3:::a\ufffdb"}},
		{"and the length counts it", m + "6" + m + "3:::\xff\xfe" + m + "5" + m + "3:::a", []string{"3:::\ufffd\ufffd", "3:::a"}},
		{"a first byte that becomes the mark", "\xff5" + m + "3:::a", []string{"3:::a"}},
		{"digits without end (THREATS.md, Packets)", m + strings.Repeat("1", 1<<20), nil},
		{"more digits than bounded, all zeros", m + strings.Repeat("0", 11) + m, nil},
		{"a length near 2^63", m + "9223372036" + m + "3:::a", nil},
		{"ends inside a surrogate pair", m + "7" + m + "3:::aa😀", nil},
		{"ends inside a pair, behind a good frame", m + "5" + m + "3:::a" + m + "5" + m + "3:::😀", []string{"3:::a"}},
		{"a good frame, then no mark's length", m + "5" + m + "3:::a" + m, []string{"3:::a"}},
		{"half a mark at the end becomes two whole ones", m + "5" + m + "3:::a\xef\xbf", []string{"3:::a"}},
	}
	for _, tt := range tests {
		got, err := collect(Rev1{}, tt.body, 10)
		if err != nil || len(got) != len(tt.want) {
			t.Errorf("%s: got %+v, %v; want %q", tt.name, got, err, tt.want)
			continue
		}
		for i := range got {
			if string(got[i].Data) != tt.want[i] {
				t.Errorf("%s: frame %d is %q, want %q", tt.name, i, got[i].Data, tt.want[i])
			}
		}
	}
}

func slowUnits(s string) int { return len(utf16.Encode([]rune(s))) }

func TestUnits(t *testing.T) {
	// Every length around the word sizes, with characters of each width in every place.
	for _, c := range []string{"a", "é", "\ufffd", "😀", "\U0010ffff", "\x00"} {
		for n := range 40 {
			for at := 0; at <= n; at++ {
				s := strings.Repeat("x", at) + c + strings.Repeat("x", n-at) + c
				if got, want := Units([]byte(s)), slowUnits(s); got != want {
					t.Fatalf("Units(%q) = %d, want %d", s, got, want)
				}
			}
		}
	}
}

func FuzzUnits(f *testing.F) {
	f.Add("3:::é😀"+strings.Repeat("\u2028", 20), 7)
	f.Fuzz(func(t *testing.T, s string, units int) {
		if !utf8.ValidString(s) {
			return
		}
		if got, want := Units([]byte(s)), slowUnits(s); got != want {
			t.Fatalf("Units(%q) = %d, want %d", s, got, want)
		}
		end, ok := offset([]byte(s), max(units, 0))
		want, fits := 0, 0 // where units end, found character by character
		for want < len(s) && fits < units {
			r, n := utf8.DecodeRuneInString(s[want:])
			fits, want = fits+utf16.RuneLen(r), want+n
		}
		if wantOK := fits == max(units, 0); ok != wantOK || ok && end != want {
			t.Fatalf("offset(%q, %d) = %d, %v, want %d, %v", s, units, end, ok, want, wantOK)
		}
	})
}

func FuzzRev1(f *testing.F) {
	for _, s := range []string{"3:::hello", "\ufffd5\ufffd3:::5\ufffd7\ufffd3:::53d\ufffd3\ufffd0::", "\ufffd6\ufffd3:::😀\ufffd5\ufffd3:::a", "\ufffd0\ufffd\ufffd5\ufffd3:::a", "\ufffd5\ufffd3:::😀", "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		in := bytes.Clone(body)
		got, err := collect(Rev1{}, string(body), 0)
		if err != nil || !bytes.Equal(in, body) {
			t.Fatalf("error %v, or the body was changed", err)
		}
		var msgs []Encoded
		for _, fr := range got {
			if !utf8.Valid(fr.Data) {
				t.Fatalf("yielded text that is not UTF-8: %q", fr.Data)
			}
			msgs = append(msgs, Encoded{Data: fr.Data})
		}
		if len(got) == 1 && len(got[0].Data) == 0 {
			return // one empty packet alone has no form of its own
		}
		again, err := collect(Rev1{}, string(Rev1{}.AppendPayload(nil, msgs)), len(msgs))
		if err != nil {
			t.Fatal(err)
		}
		checkFrames(t, again, got)
		if more, err := collect(Rev1{}, string(body), max(1, len(got)-1)); len(got) > 1 && (err == nil || len(more) > 0) {
			t.Fatalf("%d frames passed a bound of %d", len(got), len(got)-1)
		}
	})
}

func BenchmarkUnits(b *testing.B) {
	for _, s := range []string{strings.Repeat("a", 64), strings.Repeat("aé😀a", 128)} {
		b.Run(strconv.Itoa(len(s)), func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				Units([]byte(s))
			}
		})
	}
}

func BenchmarkRev1ParsePayload(b *testing.B) {
	body := bytes.Repeat([]byte("\ufffd27\ufffd5:::{\"name\":\"b\",\"args\":[1]}"), 1000)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		Rev1{}.ParsePayload(body, 10000, func(Frame) error { return nil })
	}
}
