package e2e

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nginx is a running nginx. Its ports are those of the document, by what they are here.
type nginx struct {
	at map[string]string // "80": "127.0.0.1:34567"
}

// shownConfig returns the nginx configuration that docs/upgrade.md shows under a name.
func shownConfig(t *testing.T, name string) string {
	t.Helper()
	doc, err := os.ReadFile("../docs/upgrade.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(doc), "```nginx\n# docs/upgrade.md: "+name+"\n")
	config, _, closed := strings.Cut(rest, "\n```\n")
	if !ok || !closed {
		t.Fatalf("docs/upgrade.md shows no configuration %q", name)
	}
	return config + "\n"
}

var (
	listenLine      = regexp.MustCompile(`(?m)^(\s*listen )(\d+)( ssl)?;`)
	certificateLine = regexp.MustCompile(`(ssl_certificate(?:_key)? )[^;]*/([^/;]+);`)
)

// startNginx runs nginx with the configuration of docs/upgrade.md, with other ports,
// a backend, a certificate and directories of its own, until the test ends.
func startNginx(t *testing.T, name, backend string) *nginx {
	t.Helper()
	program, err := exec.LookPath("/usr/sbin/nginx")
	if err != nil {
		t.Fatalf("%v (make setup installs it)", err)
	}
	dir := t.TempDir()
	writeCertificate(t, dir)
	config := shownConfig(t, name)
	if !strings.Contains(config, "127.0.0.1:3000;") {
		t.Fatal("the configuration has another backend than 127.0.0.1:3000")
	}
	config = strings.ReplaceAll(config, "127.0.0.1:3000;", strings.TrimPrefix(backend, "http://")+";")
	config = certificateLine.ReplaceAllString(config, "${1}"+dir+"/${2};")
	// nginx cannot be asked for a free port. One that was free a moment ago may be
	// taken: then another.
	for attempt := 1; ; attempt++ {
		n := &nginx{at: map[string]string{}}
		text := listenLine.ReplaceAllStringFunc(config, func(line string) string {
			m := listenLine.FindStringSubmatch(line)
			l, url := listen(t)
			l.Close()
			n.at[m[2]] = strings.TrimPrefix(url, "http://")
			return m[1] + n.at[m[2]] + m[3] + ";"
		})
		said, ok := n.run(t, program, dir, text)
		if ok {
			return n
		}
		if attempt == 5 || !strings.Contains(said, "Address already in use") {
			t.Fatalf("nginx does not start:\n%s", said)
		}
	}
}

// run starts the process, and reports whether it serves, with what it said if not.
func (n *nginx) run(t *testing.T, program, dir, config string) (said string, ok bool) {
	own := fmt.Sprintf("daemon off; pid %s/nginx.pid; error_log stderr notice;\n", dir)
	var temporary strings.Builder
	for _, of := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temporary, "%s_temp_path %s/%s; ", of, dir, of)
	}
	config = strings.Replace(config, "\nhttp {\n", "\nhttp {\naccess_log off; "+temporary.String()+"\n", 1)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(own+config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-c", file, "-e", "stderr")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var log lockedBuffer
	serves := make(chan struct{})
	ended := make(chan struct{})
	go func() { // ends with the process, which closes its standard error
		seen := false
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(&log, lines.Text())
			if !seen && strings.Contains(lines.Text(), "start worker process ") {
				seen = true
				close(serves)
			}
		}
		cmd.Wait()
		close(ended)
	}()
	select {
	case <-serves:
	case <-ended:
		return log.String(), false
	case <-time.After(patience):
		cmd.Process.Kill()
		t.Fatalf("nginx does not serve:\n%s", log.String())
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(patience):
			cmd.Process.Kill()
			t.Error("nginx does not end")
		}
		if t.Failed() {
			t.Logf("nginx said:\n%s", log.String())
		}
	})
	return "", true
}

// writeCertificate writes example.com.pem and example.com.key.
func writeCertificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "example.com"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		DNSNames:     []string{"example.com"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"example.com.pem": {Type: "CERTIFICATE", Bytes: certificate},
		"example.com.key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
