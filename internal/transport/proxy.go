package transport

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// proxyRules are the networks whose word about a request's origin is taken.
type proxyRules []netip.Prefix

// from is where a request came from and what it was addressed to.
type from struct {
	address netip.AddrPort
	secure  bool
	host    string
}

func (p proxyRules) trusts(a netip.Addr) bool {
	a = a.Unmap()
	for _, prefix := range p {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// locate says where r came from. What Forwarded (RFC 7239), or else X-Forwarded-For,
// -Proto and -Host say counts as far as trusted proxies wrote it: from the end back to
// the first address that is not one of theirs.
func (p proxyRules) locate(r *http.Request) from {
	f := from{secure: r.TLS != nil, host: r.Host}
	f.address, _ = netip.ParseAddrPort(r.RemoteAddr)
	if len(p) == 0 || !p.trusts(f.address.Addr()) {
		return f
	}
	hops := forwarded(r.Header)
	for i := len(hops) - 1; i >= 0; i-- {
		hop := hops[i]
		if hop.proto != "" {
			f.secure = strings.EqualFold(hop.proto, "https") || strings.EqualFold(hop.proto, "wss")
		}
		if hop.host != "" {
			f.host = hop.host
		}
		address, ok := parseNode(hop.by)
		if !ok {
			break // nothing, "unknown", a name, or nonsense: what is behind it is nobody's word
		}
		f.address = address
		if !p.trusts(address.Addr()) {
			break
		}
	}
	return f
}

// hop is what a proxy says of the request it took: from whom, and how.
type hop struct{ by, proto, host string }

// forwarded returns what the fields say, the nearest proxy last.
func forwarded(h http.Header) []hop {
	var hops []hop
	if lines := h["Forwarded"]; len(lines) > 0 {
		for _, line := range lines {
			for element := range strings.SplitSeq(line, ",") {
				hops = append(hops, parseForwarded(element))
			}
		}
		return hops
	}
	protos, hosts := list(h["X-Forwarded-Proto"]), list(h["X-Forwarded-Host"])
	fors := list(h["X-Forwarded-For"])
	if len(fors) == 0 {
		fors = []string{""} // the nearest proxy may say how it was asked, and not by whom
	}
	for i, by := range fors {
		hops = append(hops, hop{by, nth(protos, i, len(fors)), nth(hosts, i, len(fors))})
	}
	return hops
}

// nth returns the value that belongs to the i-th of n addresses: each proxy appends
// one, or only the last one of all says anything.
func nth(values []string, i, n int) string {
	switch {
	case len(values) == n:
		return values[i]
	case len(values) > 0 && i == n-1:
		return values[len(values)-1]
	}
	return ""
}

func list(lines []string) []string {
	var out []string
	for _, line := range lines {
		for v := range strings.SplitSeq(line, ",") {
			out = append(out, strings.TrimSpace(v))
		}
	}
	return out
}

// parseForwarded reads one element: token=value pairs with semicolons between them.
// Quoted values with commas or semicolons in them do not occur in these three.
func parseForwarded(element string) hop {
	var f hop
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		value = strings.Trim(value, `"`)
		switch strings.ToLower(name) {
		case "for":
			f.by = value
		case "proto":
			f.proto = value
		case "host":
			f.host = value
		}
	}
	return f
}

// parseNode reads an address with or without a port: RFC 7239 §6.
func parseNode(s string) (netip.AddrPort, bool) {
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a, true
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return netip.AddrPortFrom(a, 0), true
	}
	host, _, err := net.SplitHostPort(s) // an obfuscated port: "_gazonk"
	if err != nil {
		return netip.AddrPort{}, false
	}
	a, err := netip.ParseAddr(host)
	return netip.AddrPortFrom(a, 0), err == nil
}
