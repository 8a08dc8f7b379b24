package main

// Pulling and pushing are tested against Debian's docker-registry on the
// loopback device, with skopeo as the other side. The scripts in
// testdata/registry find, besides what those in testdata/script do:
//
//	$PLAIN    a registry that speaks plain http and lets everybody in
//	$SECURE   one that speaks https, with a certificate of the authority in
//	          $AUTHORITY, which SSL_CERT_FILE names, and lets in "me" whose
//	          password is "secret"
//	skopeo    on its way in and out of both

import (
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
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestRegistry(t *testing.T) {
	testkit.NeedRoot(t)
	testkit.NeedTool(t, "docker-registry", "skopeo")
	archive := testkit.DemoImage(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/registry",
		Setup: func(e *testscript.Env) error {
			if err := setUp(e, archive); err != nil {
				return err
			}
			return setUpRegistries(e)
		},
		Cmds:      scriptWords(),
		Condition: condition,
	})
}

func setUpRegistries(e *testscript.Env) error {
	dir := filepath.Join(e.WorkDir, ".registries")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	authority := filepath.Join(dir, "ca.crt")
	if err := writeCertificate(authority, filepath.Join(dir, "key")); err != nil {
		return err
	}
	// bcrypt of "secret", as htpasswd -B writes it
	const user = "me:$2a$04$AV0xAMCJpaZ/KDfaPtflo.3KX1aRrHkNwzyVlaBsqCrVIY7MLgu2W\n"
	if err := os.WriteFile(filepath.Join(dir, "users"), []byte(user), 0o600); err != nil {
		return err
	}
	plain, stop, err := startRegistry(dir, "plain", "")
	if err != nil {
		return err
	}
	e.Defer(stop)
	secure, stop, err := startRegistry(dir, "secure", fmt.Sprintf(
		"  tls: {certificate: %[1]s/ca.crt, key: %[1]s/key}\nauth: {htpasswd: {realm: test, path: %[1]s/users}}\n",
		dir))
	if err != nil {
		return err
	}
	e.Defer(stop)
	for name, value := range map[string]string{
		"PLAIN": plain, "SECURE": secure, "AUTHORITY": authority, "SSL_CERT_FILE": authority,
		"HOME": e.WorkDir, "DOCKER_CONFIG": filepath.Join(e.WorkDir, ".docker"), "XDG_RUNTIME_DIR": e.WorkDir,
		"MINICTR_REGISTRIES": filepath.Join(e.WorkDir, "registries.json"),
	} {
		e.Setenv(name, value)
	}
	return nil
}

// startRegistry runs a docker-registry with its files in dir/name, and waits until it
// answers.
func startRegistry(dir, name, more string) (host string, stop func(), err error) {
	config := fmt.Sprintf("version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\nstorage: {filesystem: "+
		"{rootdirectory: %s/%s}}\nhttp:\n  addr: 127.0.0.1:0\n%s", dir, name, more)
	file := filepath.Join(dir, name+".yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return "", nil, err
	}
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return "", nil, err
	}
	defer log.Close()
	server := exec.Command("docker-registry", "serve", file)
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		server.Process.Kill()
		server.Wait()
	}
	listens := func() bool { // the kernel chooses the port
		text, _ := os.ReadFile(log.Name())
		_, rest, _ := strings.Cut(string(text), `"listening on `)
		host, _, _ = strings.Cut(rest, `"`)
		host, _, _ = strings.Cut(host, ",") // , tls
		return host != ""
	}
	if !testkit.Within(listens) {
		stop()
		text, _ := os.ReadFile(log.Name())
		return "", nil, fmt.Errorf("docker-registry does not listen:\n%s", text)
	}
	return host, stop, nil
}

// writeCertificate makes a self-signed certificate for this host.
func writeCertificate(file, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		0o644); err != nil {
		return err
	}
	return os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
}
