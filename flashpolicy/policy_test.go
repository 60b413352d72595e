package flashpolicy_test

import (
	"slices"
	"testing"

	"github.com/sockeye-io/socketio/flashpolicy"
)

const (
	head = `<?xml version="1.0"?><!DOCTYPE cross-domain-policy SYSTEM "http://www.macromedia.com/xml/dtds/cross-domain-policy.dtd"><cross-domain-policy>`
	tail = `</cross-domain-policy>`
)

func TestNew(t *testing.T) {
	for _, tt := range []struct {
		domains []string
		ports   []int
		want    string // empty: an error
	}{
		{[]string{"*"}, nil, `<allow-access-from domain="*" to-ports="*"/>`}, // [T flash-policy]
		{[]string{"good.example", "*.other.example"}, []int{80, 8080},
			`<allow-access-from domain="good.example" to-ports="80,8080"/><allow-access-from domain="*.other.example" to-ports="80,8080"/>`},
		{[]string{"127.0.0.1", "[::1]"}, []int{3000},
			`<allow-access-from domain="127.0.0.1" to-ports="3000"/><allow-access-from domain="[::1]" to-ports="3000"/>`},
		{nil, nil, ""},
		{[]string{""}, nil, ""},
		{[]string{"*."}, nil, ""},
		{[]string{"**"}, nil, ""},
		{[]string{`x" to-ports="*"/><allow-access-from domain="*`}, nil, ""},
		{[]string{"a b"}, nil, ""},
		{[]string{"http://a.example"}, nil, ""},
		{[]string{"*"}, []int{0}, ""},
		{[]string{"*"}, []int{65536}, ""},
	} {
		got, err := flashpolicy.New(tt.domains, tt.ports...)
		switch {
		case tt.want == "" && err == nil:
			t.Errorf("%q to %v: no error but %s", tt.domains, tt.ports, got)
		case tt.want != "" && (err != nil || string(got) != head+tt.want+tail):
			t.Errorf("%q to %v: %s, %v; want %s", tt.domains, tt.ports, got, err, tt.want)
		}
	}
	if all, _ := flashpolicy.New([]string{"*"}); len(all) != 206 {
		t.Errorf("%d bytes, [T flash-policy] has 206", len(all))
	}
}

func TestDomains(t *testing.T) {
	got := flashpolicy.Domains([]string{
		"https://example.com", "http://example.com:8080", "*", "null", "", "http://[::1]:3000", "%", "http://127.0.0.1",
	})
	if want := []string{"example.com", "::1", "127.0.0.1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
