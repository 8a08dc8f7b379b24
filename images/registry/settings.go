package registry

// The settings are a JSON file with the keys of docker's daemon.json:
//
//	{
//	  "registry-mirrors":    ["https://mirror.example.org"],
//	  "insecure-registries": ["registry.lan:5000"]
//	}
//
// Mirrors are asked before Docker Hub, in order. An insecure registry is used over
// plain HTTP, or over HTTPS with any certificate: an attacker on the network can
// read the password and replace the image of a name, but not that of a digest.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// DefaultSettings is the path of the settings, unless the environment variable
// SettingsVariable has another.
const (
	DefaultSettings  = "/etc/minictr/registries.json"
	SettingsVariable = "MINICTR_REGISTRIES"
)

// Settings are the mirrors and the insecure registries.
type Settings struct {
	Mirrors  []string `json:"registry-mirrors"`
	Insecure []string `json:"insecure-registries"`

	NoVerify bool `json:"-"` // --tls-verify=false: all registries are insecure
}

// Load reads the settings. A missing file is empty settings; an unknown key is an
// error.
func Load() (*Settings, error) {
	path := DefaultSettings
	if other := os.Getenv(SettingsVariable); other != "" {
		path = other
	}
	// read the file
	s := &Settings{}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if s, err = parse(data); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return s, nil
}

// parse parses settings, and checks their addresses.
func parse(data []byte) (*Settings, error) {
	s := &Settings{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("text after the object")
	}
	for _, address := range slices.Concat(s.Mirrors, s.Insecure) {
		if _, err := s.registry(address); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// isInsecure reports whether the settings allow plain HTTP for a registry.
func (s *Settings) isInsecure(registry string) bool {
	plain := func(mirror string) bool { return strings.HasPrefix(mirror, "http://") && host(mirror) == registry }
	return s.NoVerify || slices.Contains(s.Insecure, registry) || slices.ContainsFunc(s.Mirrors, plain)
}

// host returns the host and port of an address.
func host(address string) string {
	_, rest, found := strings.Cut(address, "://")
	if !found {
		rest = address
	}
	return strings.TrimSuffix(rest, "/")
}
