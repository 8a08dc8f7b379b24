package registry

// Certificates of a registry are files in a directory of its name, HOST or HOST:PORT,
// where docker and podman look for them:
//
//	~/.config/containers/certs.d/HOST:PORT
//	/etc/containers/certs.d/HOST:PORT
//	/etc/docker/certs.d/HOST:PORT
//
//	NAME.crt   a certificate authority that is trusted for this registry, besides
//	           those of the system (crypto/x509: SSL_CERT_FILE, SSL_CERT_DIR)
//	NAME.cert  a client certificate (mutual TLS), with its private key in NAME.key
//
// The first directory that exists is read, as podman does.

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/hint"
)

// systemCerts are the directories of the machine. Tests replace them.
var systemCerts = []string{"/etc/containers/certs.d", "/etc/docker/certs.d"}

// tlsConfig returns base with the certificates of a registry, or one that verifies
// none if the registry is insecure.
func tlsConfig(base *tls.Config, registry string, insecure bool) (*tls.Config, error) {
	c := &tls.Config{}
	if base != nil {
		c = base.Clone()
	}
	c.InsecureSkipVerify = insecure
	// find the directory
	dirs := systemCerts
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append([]string{filepath.Join(home, ".config/containers/certs.d")}, dirs...)
	}
	for _, dir := range dirs {
		dir = filepath.Join(dir, hostName(registry))
		files, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return c, addCerts(c, dir, files)
	}
	return c, nil
}

// addCerts adds the certificates in a directory.
func addCerts(c *tls.Config, dir string, files []fs.DirEntry) (err error) {
	exists := func(path string) bool { _, err := os.Stat(path); return err == nil }
	for _, f := range files {
		path := filepath.Join(dir, f.Name())
		base := path[:len(path)-len(filepath.Ext(path))]
		switch filepath.Ext(path) {
		case ".crt":
			err = addAuthority(c, path)
		case ".cert":
			if !exists(base + ".key") {
				err = hint.New(fmt.Errorf("%s: a client certificate without its key, %s.key", path, base),
					"a certificate authority is a file *.crt: mv "+path+" "+base+".crt")
				break
			}
			var pair tls.Certificate
			if pair, err = tls.LoadX509KeyPair(path, base+".key"); err != nil {
				err = fmt.Errorf("%s: %w", path, err)
			}
			c.Certificates = append(c.Certificates, pair)
		case ".key":
			if !exists(base + ".cert") {
				err = hint.New(fmt.Errorf("%s: a key without its client certificate", path),
					"add the certificate as "+base+".cert, or remove the key")
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addAuthority trusts the certificates in a file.
func addAuthority(c *tls.Config, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if c.RootCAs == nil {
		c.RootCAs, err = x509.SystemCertPool()
	} else {
		c.RootCAs = c.RootCAs.Clone()
	}
	if err != nil {
		return fmt.Errorf("read the certificate authorities of the system: %w", err)
	}
	if !c.RootCAs.AppendCertsFromPEM(data) {
		return fmt.Errorf("%s: no certificate in PEM format", path)
	}
	return nil
}
