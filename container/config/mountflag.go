package config

// --mount is one line of CSV, with a field for each property of the mount.

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// parseMount reads a word of --mount: one line of CSV whose fields are KEY=VALUE. A field
// that holds a comma is quoted.
func (h Host) parseMount(word string) (specs.Mount, error) {
	m, err := h.parseMountFlag(word)
	if err != nil {
		return specs.Mount{}, err
	}
	target, err := mountTarget(m.target)
	if err != nil {
		return specs.Mount{}, err
	}
	// each type with the keys that it has
	switch {
	case m.fsType != "tmpfs" && m.tmpfs != nil:
		return specs.Mount{}, fmt.Errorf("%s: not for type=%s", m.tmpfs[0], m.fsType)
	case m.fsType != "bind" && m.bind != "":
		return specs.Mount{}, fmt.Errorf("%s: not for type=%s", m.bind, m.fsType)
	case m.fsType != "volume" && m.volume != "":
		return specs.Mount{}, fmt.Errorf("%s: not for type=%s", m.volume, m.fsType)
	case m.fsType == "tmpfs" && m.source != "":
		return specs.Mount{}, errors.New("source: not for type=tmpfs")
	}
	switch m.fsType {
	case "bind":
		source, err := h.bindSource(m.source)
		if err == nil {
			err = h.checkPropagation(source, m.options.propagation)
		}
		return bindMount(source, target, m.options), err
	case "volume":
		if m.source == "" && m.subpath == "" {
			return h.anonymousVolume(target, m.options)
		}
		return h.volumeMount(m.source, m.subpath, target, m.options)
	case "tmpfs":
		if m.options.access != "" {
			m.tmpfs = append(m.tmpfs, m.options.access)
		}
		return tmpfsMount(target, m.tmpfs), nil
	}
	return specs.Mount{}, hint.New(fmt.Errorf("type %q: not supported", m.fsType),
		"use type=bind, type=volume or type=tmpfs")
}

// parseMountFlag reads the fields of a word of --mount.
func (h Host) parseMountFlag(word string) (m mountFlag, err error) {
	lines, err := csv.NewReader(strings.NewReader(word)).ReadAll()
	if err != nil || len(lines) != 1 {
		return m, errors.New("not a list of KEY=VALUE")
	}
	m = mountFlag{host: h, fsType: "volume"}
	for _, field := range lines[0] {
		key, value, hasValue := strings.Cut(field, "=")
		if err := m.set(strings.ToLower(key), value, hasValue); err != nil {
			return m, fmt.Errorf("%q: %w", field, err)
		}
	}
	return m, nil
}

// mountFlag holds the fields of a word of --mount.
type mountFlag struct {
	host                   Host
	fsType, source, target string
	options                bindOptions
	bind, volume           string   // the first field that only a bind mount has, or a volume
	subpath                string   // volume-subpath
	tmpfs                  []string // size=…, mode=…
}

// set sets one field. Only readonly and other yes-or-no fields may have no value.
func (m *mountFlag) set(key, value string, hasValue bool) (err error) {
	switch {
	case key == "readonly" || key == "ro" || key == "rw" || key == "bind-nonrecursive" || key == "volume-nocopy":
		if hasValue && value == "" {
			return errors.New("no value")
		}
		return m.setBool(key, value)
	case value == "":
		return errors.New("no value")
	}
	switch key {
	case "type":
		m.fsType = strings.ToLower(value)
	case "source", "src":
		m.source = value
	case "target", "dst", "destination":
		m.target = value
	case "tmpfs-size":
		size, err := units.RAMInBytes(value)
		if err != nil || size < 0 {
			return errors.New("not a size")
		}
		m.tmpfs = append(m.tmpfs, "size="+strconv.FormatInt(size, 10))
	case "tmpfs-mode":
		mode, err := strconv.ParseUint(value, 8, 12)
		if err != nil {
			return errors.New("not a file mode in octal")
		}
		m.tmpfs = append(m.tmpfs, "mode="+strconv.FormatUint(mode, 8))
	case "consistency": // of file sharing with a virtual machine
		return oneOf(value, "default", "consistent", "cached", "delegated")
	default:
		if strings.HasPrefix(key, "volume-") {
			return m.setVolume(key, value)
		}
		return m.setBind(key, value)
	}
	return nil
}

// setVolume sets a field of a volume.
func (m *mountFlag) setVolume(key, value string) (err error) {
	m.volume = cmp.Or(m.volume, key)
	switch key {
	case "volume-subpath":
		m.subpath, err = cleanSubpath(value)
	case "volume-driver":
		if value != "local" {
			err = errVolumeDriver
		}
	case "volume-label":
		err = hint.New(errors.New("not supported"), "minictr volume create --label "+strconv.Quote(value)+" NAME")
	default:
		err = errVolumeDriver
	}
	return err
}

func (m *mountFlag) setBool(key, value string) error {
	on, err := parseBool(value)
	switch {
	case err != nil:
		return err
	case key == "bind-nonrecursive":
		m.options.single, m.bind = on, cmp.Or(m.bind, key)
	case key == "volume-nocopy":
		m.options.noCopy, m.volume = on, cmp.Or(m.volume, key)
	case on == (key != "rw"):
		m.options.access = "ro"
	default:
		m.options.access = "rw"
	}
	return nil
}

// setBind sets a field of a bind mount.
func (m *mountFlag) setBind(key, value string) error {
	m.bind = cmp.Or(m.bind, key)
	switch key {
	case "bind-propagation":
		m.options.propagation = value
		if !IsPropagation(value) {
			return errors.New("not private, rprivate, slave, rslave, shared or rshared")
		}
	case "bind-recursive": // of a read-only mount, the mounts below it
		m.options.single, m.options.onlyTop = value == "disabled", value == "writable"
		return oneOf(value, "enabled", "disabled", "writable", "readonly")
	case "relabel":
		return m.host.checkRelabel()
	case "u", "chown":
		return errChown
	default:
		return hint.New(errors.New("unknown key"),
			"use type, source, target, readonly, bind-propagation, bind-recursive, volume-nocopy, volume-subpath, "+
				"tmpfs-size or tmpfs-mode")
	}
	return nil
}

// oneOf refuses a value that is none of known.
func oneOf(value string, known ...string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return errors.New("not one of " + strings.Join(known, ", "))
}
