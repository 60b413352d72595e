// Package flashpolicy answers Flash players that ask whether they may open sockets.
//
// Socket.IO 0.7 to 0.9 had a transport for browsers without WebSockets that did have
// Flash: flashsocket, a WebSocket spoken by a Flash movie. Before a player connects to
// a server, it asks for a policy file, first at port 843 (or where the movie says:
// 10843 since socket.io 0.8.3), then at the very port that it wants to connect to
// (revision-1.md §8.6). It sends 23 bytes, "<policy-file-request/>" and a NUL, and
// reads XML to the end of the connection.
//
// Make the policy from the domains whose pages may connect, and serve it in either
// way, or both:
//
//	policy, err := flashpolicy.New([]string{"example.com"}, 3000)
//	…
//	go flashpolicy.Serve(port843, policy)           // a port of its own
//	http.Serve(flashpolicy.Listen(port3000, policy), handler) // inline, with HTTP
package flashpolicy

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Request is what a player sends.
const Request = "<policy-file-request/>\x00"

// New returns the policy file that lets movies from the domains open sockets to the
// ports; without ports, to all. A domain is a host's name or address, "*.example.com"
// for all below it, or "*" for all. It fails if there is no domain, or one that is none.
func New(domains []string, ports ...int) ([]byte, error) {
	if len(domains) == 0 {
		return nil, errors.New("flashpolicy: no domain may connect")
	}
	to := "*"
	if len(ports) > 0 {
		list := make([]string, len(ports))
		for i, p := range ports {
			if p < 1 || p > 65535 {
				return nil, fmt.Errorf("flashpolicy: %d is no port", p)
			}
			list[i] = strconv.Itoa(p)
		}
		to = strings.Join(list, ",")
	}
	// As socket.io 0.9.19 writes it [T flash-policy-origins].
	b := []byte(`<?xml version="1.0"?><!DOCTYPE cross-domain-policy SYSTEM ` +
		`"http://www.macromedia.com/xml/dtds/cross-domain-policy.dtd"><cross-domain-policy>`)
	for _, d := range domains {
		if !isDomain(d) {
			return nil, fmt.Errorf("flashpolicy: %q is no domain", d)
		}
		b = append(b, `<allow-access-from domain="`+d+`" to-ports="`+to+`"/>`...)
	}
	return append(b, `</cross-domain-policy>`...), nil
}

// isDomain reports whether s can stand in a policy: nothing in it means anything to XML.
func isDomain(s string) bool {
	name := strings.TrimPrefix(s, "*.")
	if s == "*" {
		name = "all"
	}
	for _, c := range []byte(name) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || '9' < c) && !strings.ContainsRune(".-_:[]", rune(c)) {
			return false
		}
	}
	return name != ""
}

// Domains returns the domains of web origins such as "https://example.com:8443", each
// once. What names none, such as "*" and "null", is left out: who lets all pages in has
// not said that all movies may.
func Domains(origins []string) []string {
	var domains []string
	for _, o := range origins {
		u, err := url.Parse(o)
		if err != nil || !isDomain(u.Hostname()) || slices.Contains(domains, u.Hostname()) {
			continue
		}
		domains = append(domains, u.Hostname())
	}
	return domains
}
