package registry

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
)

// identity makes a certificate of 127.0.0.1 that signs itself, as two PEM blocks.
func identity(t *testing.T) (certificate, key []byte, pair tls.Certificate) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	testkit.Check(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	testkit.Check(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	testkit.Check(t, err)
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	pair, err = tls.X509KeyPair(certificate, key)
	testkit.Check(t, err)
	return certificate, key, pair
}

// serveMutual starts a registry that shows one certificate, and wants another.
func serveMutual(t *testing.T, shown tls.Certificate, wanted []byte) (host string) {
	t.Helper()
	s := httptest.NewUnstartedServer(with(nil))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{shown}}
	if wanted != nil {
		s.TLS.ClientCAs = x509.NewCertPool()
		s.TLS.ClientCAs.AppendCertsFromPEM(wanted)
		s.TLS.ClientAuth = tls.RequireAndVerifyClientCert
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "https://")
}

// certsDir makes directories in place of those of the system, and one of a registry.
func certsDir(t *testing.T, host string, files map[string][]byte) (dir string) {
	t.Helper()
	old := systemCerts
	t.Cleanup(func() { systemCerts = old })
	systemCerts = []string{filepath.Join(t.TempDir(), "containers"), filepath.Join(t.TempDir(), "docker")}
	dir = filepath.Join(systemCerts[1], host)
	writeCerts(t, dir, files)
	return dir
}

func writeCerts(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	testkit.Check(t, os.MkdirAll(dir, 0o755))
	for name, data := range files {
		testkit.Check(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
}

func TestAuthorityOfRegistry(t *testing.T) {
	certificate, _, pair := identity(t)
	host := serveMutual(t, pair, nil)
	knows(t)
	certsDir(t, "another.example.org", map[string][]byte{"ca.crt": certificate})
	if err := get(t, &Settings{}, host); err == nil {
		t.Error("the authority of another registry is trusted")
	}
	certsDir(t, host, map[string][]byte{"ca.crt": certificate, "README": nil})
	testkit.Check(t, get(t, &Settings{}, host))
	// the user's own directory comes first
	writeCerts(t, filepath.Join(os.Getenv("HOME"), ".config/containers/certs.d", host), nil)
	if err := get(t, &Settings{}, host); err == nil {
		t.Error("the user's directory, which has no authority, is not used")
	}
}

func TestClientCertificate(t *testing.T) {
	server, _, serverPair := identity(t)
	client, clientKey, _ := identity(t)
	host := serveMutual(t, serverPair, client)
	knows(t)
	certsDir(t, host, map[string][]byte{"ca.crt": server})
	wantHint(t, get(t, &Settings{}, host), "/etc/docker/certs.d/"+host+"/client.cert and client.key")
	certsDir(t, host, map[string][]byte{"ca.crt": server, "client.cert": client, "client.key": clientKey})
	testkit.Check(t, get(t, &Settings{}, host))
	certsDir(t, host, map[string][]byte{"client.cert": client, "client.key": clientKey})
	testkit.Check(t, get(t, &Settings{NoVerify: true}, host))
}

func TestWrongCertificatesRefused(t *testing.T) {
	certificate, key, pair := identity(t)
	_, otherKey, _ := identity(t)
	host := serveMutual(t, pair, nil)
	knows(t)
	for want, files := range map[string]map[string][]byte{
		"client.cert: a client certificate without its key": {"client.cert": certificate},
		"client.key: a key without its client certificate":  {"client.key": key},
		"private key does not match":                        {"client.cert": certificate, "client.key": otherKey},
		"ca.crt: no certificate in PEM format":              {"ca.crt": []byte("text")},
	} {
		certsDir(t, host, files)
		testkit.WantError(t, want, get(t, &Settings{}, host), want)
	}
}

// SSL_CERT_FILE and SSL_CERT_DIR name authorities of the system, to which those of
// certs.d are added. Go reads them once in a process, so they are looked at by its pool.
func TestAuthoritiesAreAdded(t *testing.T) {
	certificate, _, _ := identity(t)
	system, err := x509.SystemCertPool()
	testkit.Check(t, err)
	certsDir(t, "registry.example.org", map[string][]byte{"ca.crt": certificate})
	knows(t)
	c, err := tlsConfig(http.DefaultTransport.(*http.Transport).TLSClientConfig, "registry.example.org", false)
	testkit.Check(t, err)
	want := system.Clone()
	want.AppendCertsFromPEM(certificate)
	if !c.RootCAs.Equal(want) || c.RootCAs.Equal(system) {
		t.Error("the pool is not the system's and ca.crt")
	}
}
