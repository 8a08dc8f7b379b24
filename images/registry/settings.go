package registry

// The settings are a small file in JSON, spelled as in docker's daemon.json:
//
//	{
//	  "registry-mirrors":    ["https://mirror.example.org"],
//	  "insecure-registries": ["registry.lan:5000"]
//	}
//
// Mirrors are asked before Docker Hub, in order. To an insecure registry
// minictr speaks plain http, or https with any certificate: whoever sits in
// between can read the password and change the image's name into another
// image, though never what a digest names.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// DefaultSettings is where the settings lie unless the environment variable
// SettingsVariable names another file.
const (
	DefaultSettings  = "/etc/minictr/registries.json"
	SettingsVariable = "MINICTR_REGISTRIES"
)

// Settings say which registries are trusted how.
type Settings struct {
	Mirrors  []string `json:"registry-mirrors"`
	Insecure []string `json:"insecure-registries"`

	NoVerify bool `json:"-"` // --tls-verify=false: all registries are insecure
}

// Load reads the settings. A file that is not there says nothing.
func Load() (*Settings, error) {
	path := DefaultSettings
	if other := os.Getenv(SettingsVariable); other != "" {
		path = other
	}
	s := &Settings{}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	for _, address := range slices.Concat(s.Mirrors, s.Insecure) {
		if _, err := s.registry(address); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
	}
	return s, nil
}

// plain: we were told that the registry may be spoken to in the clear.
func (s *Settings) isInsecure(registry string) bool {
	return s.NoVerify || slices.Contains(s.Insecure, registry) ||
		slices.ContainsFunc(s.Mirrors, func(m string) bool { return strings.HasPrefix(m, "http://") && host(m) == registry })
}

// host is the part of an address that names a registry.
func host(address string) string {
	_, rest, found := strings.Cut(address, "://")
	if !found {
		rest = address
	}
	return strings.TrimSuffix(rest, "/")
}
