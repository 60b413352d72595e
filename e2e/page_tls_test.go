package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/socketio/e2e/browser"
)

// TestPageTLS: over TLS both generations talk by wss and by polling.
func TestPageTLS(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t)
	s := serve(t, "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(s.url, "https://") {
		t.Fatalf("it listens on %s", s.url)
	}
	b, err := browser.Start("ignore-certificate-errors")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	t.Run("pages", func(t *testing.T) { // which end before their browser
		for _, pair := range [][2]string{{"auto", "auto"}, {"websocket", "websocket"}, {"xhr-polling", "polling"}} {
			page := b.Open(t, s.url+"/?"+url.Values{
				"panes": {"0.9.17:" + pair[0] + ",4.8.4:" + pair[1]}, "room": {pair[1]},
			}.Encode())
			panes := introduce(page, 2)
			for i, p := range panes {
				p.UseTransport(pair[i])
			}
			talk(t, panes[0], panes[1], "in secret")
		}
	})
}

// selfSigned makes a certificate for the loopback address, and returns the names of its
// file and of its key's.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certDER, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", certDER), write("key.pem", "PRIVATE KEY", keyDER)
}
