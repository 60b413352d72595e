package main

import (
	"errors"
	"log/slog"
	"net"
	"strings"

	"github.com/sockeye-io/socketio/flashpolicy"
)

// wanted reports whether players are answered at all.
func (f *flashFlags) wanted() bool { return f.Policy || f.PolicyAddr != "" }

// domains returns those whose movies may connect: the ones that are named, or else
// those of the origins.
func (f *flashFlags) domains(origins []string) []string {
	if len(f.PolicyDomains) > 0 {
		return f.PolicyDomains
	}
	return flashpolicy.Domains(origins)
}

// check says what is wrong with the flags.
func (f *flashFlags) check(origins []string, wrong func(flag, text string)) {
	if !f.wanted() {
		const needs = " needs --flash-policy or --flash-policy-addr"
		if len(f.PolicyDomains) > 0 {
			wrong("flash-policy-domains", needs)
		}
		if len(f.PolicyPorts) > 0 {
			wrong("flash-policy-ports", needs)
		}
		return
	}
	if f.PolicyAddr != "" {
		if _, _, err := net.SplitHostPort(f.PolicyAddr); err != nil {
			wrong("flash-policy-addr", ": "+err.Error())
		}
	}
	if domains := f.domains(origins); len(domains) == 0 {
		// Who lets all pages in has not said that all movies may.
		flag := "flash-policy"
		if !f.Policy {
			flag = "flash-policy-addr"
		}
		wrong(flag, " needs --flash-policy-domains, or --origins by name")
	} else if _, err := flashpolicy.New(domains); err != nil {
		wrong("flash-policy-domains", ": "+reason(err))
	}
	if _, err := flashpolicy.New([]string{"*"}, f.PolicyPorts...); err != nil {
		wrong("flash-policy-ports", ": "+reason(err))
	}
}

// reason returns what an error of flashpolicy says, without the package's name.
func reason(err error) string {
	return strings.TrimPrefix(err.Error(), "flashpolicy: ")
}

// A flashServer answers Flash players.
type flashServer struct {
	flags   *flashFlags
	origins []string
	own     net.Listener // nil: no port of its own
	served  chan error
}

// listening is a serve.Program's.
func (s *flashServer) listening(ln net.Listener) (net.Listener, error) {
	if !s.flags.wanted() {
		return ln, nil
	}
	ports := s.flags.PolicyPorts
	if len(ports) == 0 {
		ports = []int{ln.Addr().(*net.TCPAddr).Port}
	}
	domains := s.flags.domains(s.origins)
	policy, err := flashpolicy.New(domains, ports...)
	if err != nil {
		return nil, err
	}
	if addr := s.flags.PolicyAddr; addr != "" {
		if s.own, err = net.Listen("tcp", addr); err != nil {
			return nil, err
		}
		s.served = make(chan error, 1)
		go func() { // ends with close
			err := flashpolicy.Serve(s.own, policy)
			if !errors.Is(err, net.ErrClosed) {
				slog.Error("no Flash player is answered any more", "addr", addr, "error", err)
			}
			s.served <- err
		}()
		slog.Info("answering Flash players", "addr", s.own.Addr(), "domains", domains, "ports", ports)
	}
	if s.flags.Policy {
		ln = flashpolicy.Listen(ln, policy)
		slog.Debug("answering Flash players", "addr", ln.Addr(), "domains", domains, "ports", ports)
	}
	return ln, nil
}

// close ends what has a port of its own.
func (s *flashServer) close() {
	if s.own != nil {
		_ = s.own.Close()
		<-s.served
	}
}
