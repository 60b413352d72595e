package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A pair is a certificate for 127.0.0.1 that signs itself, and its key, in files.
type pair struct {
	t         *testing.T
	cert, key string // files
}

func newPair(t *testing.T) *pair {
	dir := t.TempDir()
	return &pair{t, filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")}
}

func (p *pair) flags() []string { return []string{"--tls-cert=" + p.cert, "--tls-key=" + p.key} }

// write makes a new certificate in the same files, and returns who trusts it.
func (p *pair) write() *tls.Config {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "sockeye's test"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		p.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		p.t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		p.cert: {Type: "CERTIFICATE", Bytes: cert},
		p.key:  {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(cert)
	if err != nil {
		p.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Config{RootCAs: roots}
}

// TestTLS: everybody is served through TLS, and nothing is lost by a stop. Polls go over
// HTTP/2 where the client likes, which browsers do; WebSockets go over HTTP/1.1, since
// HTTP/2 does not offer them here (RFC 8441 §3), and browsers then ask for HTTP/1.1.
func TestTLS(t *testing.T) {
	for _, proto := range []string{"HTTP/2.0", "HTTP/1.1"} {
		t.Run(strings.ReplaceAll(proto, "/", " "), func(t *testing.T) {
			pair := newPair(t)
			trust := pair.write()
			p := start(t, pair.flags()...)
			if !strings.HasPrefix(p.url, "https://127.0.0.1:") {
				t.Fatalf("it says that it listens on %s", p.url)
			}
			p.use(&http.Transport{TLSClientConfig: trust, ForceAttemptHTTP2: proto == "HTTP/2.0"})
			if res, _ := p.do("GET", "/healthz", ""); res.Proto != proto {
				t.Errorf("it speaks %s, want %s", res.Proto, proto)
			}
			drain(p)
		})
	}
}

// TestNoWebSocketOverHTTP2: a request for one is refused, not left hanging.
func TestNoWebSocketOverHTTP2(t *testing.T) {
	pair := newPair(t)
	trust := pair.write()
	p := start(t, pair.flags()...)
	p.use(&http.Transport{TLSClientConfig: trust, ForceAttemptHTTP2: true})
	for _, target := range []string{"/socket.io/?EIO=4&transport=websocket", "/socket.io/1/websocket/1"} {
		if res, body := p.do("GET", target, ""); res.ProtoMajor != 2 || res.StatusCode < 400 || res.StatusCode >= 500 {
			t.Errorf("%s: %s %d %q", target, res.Proto, res.StatusCode, body)
		}
	}
}

// TestRenewal: on SIGHUP new connections get the new certificate; if it cannot be read
// they get the old one.
func TestRenewal(t *testing.T) {
	pair := newPair(t)
	first := pair.write()
	p := start(t, pair.flags()...)
	trusted := func(by *tls.Config) error {
		conn, err := tls.Dial("tcp", p.addr, by)
		if err == nil {
			conn.Close()
		}
		return err
	}
	if err := trusted(first); err != nil {
		t.Fatal(err)
	}
	second := pair.write()
	if err := trusted(first); err != nil {
		t.Errorf("before the signal: %v", err)
	}
	p.signal(syscall.SIGHUP)
	p.logged("certificate read again")
	if trusted(first) == nil || trusted(second) != nil {
		t.Errorf("after it: the first: %v, the second: %v", trusted(first), trusted(second))
	}
	if err := os.WriteFile(pair.key, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	p.logged("the old certificate stays")
	if err := trusted(second); err != nil {
		t.Errorf("with a broken key: %v", err)
	}
	p.signal(syscall.SIGTERM)
	p.ended()
}

// TestHangup: without a certificate, SIGHUP is what a terminal says at its end.
func TestHangup(t *testing.T) {
	// Under nohup the program would ignore the signal, too; handlers are not passed on.
	handled := make(chan os.Signal, 1)
	signal.Notify(handled, syscall.SIGHUP)
	defer signal.Stop(handled)
	p := start(t)
	p.signal(syscall.SIGHUP)
	p.killed(syscall.SIGHUP)
}

// TestNetHTTPsLog: what net/http has to say is in the log, in its format.
func TestNetHTTPsLog(t *testing.T) {
	pair := newPair(t)
	pair.write()
	p := start(t, append(pair.flags(), "--log-format=json")...)
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: no TLS\r\n\r\n")
	_, _ = io.ReadAll(conn) // its refusal
	var record struct{ Level, Msg string }
	line := p.logged("TLS handshake error")
	if err := json.Unmarshal([]byte(line), &record); err != nil || record.Level != "WARN" {
		t.Errorf("%q: %v", line, err)
	}
}
