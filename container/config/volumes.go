package config

import (
	"encoding/csv"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/opencontainers/runtime-spec/specs-go"
)

const writeVolume = "write -v SOURCE:TARGET[:ro], as in -v ./src:/src:ro"

// parseVolume reads a word of -v.
func (h Host) parseVolume(word string) (specs.Mount, error) {
	fields := strings.Split(word, ":")
	switch len(fields) {
	case 1:
		return rootVolume(word)
	case 2, 3:
	default:
		return specs.Mount{}, hint.New(errors.New("more than three fields"), writeVolume)
	}
	source, err := h.bindSource(fields[0])
	if err != nil {
		return specs.Mount{}, err
	}
	target, err := mountTarget(fields[1])
	if err != nil {
		return specs.Mount{}, err
	}
	access, propagation := "", ""
	if len(fields) == 3 {
		if access, propagation, err = parseVolumeMode(fields[2]); err != nil {
			return specs.Mount{}, err
		}
	}
	return bindMount(source, target, access == "ro", propagation), h.checkPropagation(source, propagation)
}

func parseVolumeMode(mode string) (access, propagation string, err error) {
	for word := range strings.SplitSeq(mode, ",") {
		switch {
		case (word == "ro" || word == "rw") && access == "":
			access = word
		case IsPropagation(word) && propagation == "":
			propagation = word
		case word == "z" || word == "Z":
			return "", "", hint.New(fmt.Errorf("option %q: SELinux labels are not written", word), "leave it out")
		default:
			return "", "", hint.New(fmt.Errorf("option %q: not known, or the second of its kind", word),
				"use ro or rw, and one of private, rprivate, slave, rslave, shared, rshared")
		}
	}
	return access, propagation, nil
}

// parseMount reads a word of --mount: one line of CSV, whose fields are
// key=value; a source with a comma in it is written in quotes.
func (h Host) parseMount(word string) (specs.Mount, error) {
	lines, err := csv.NewReader(strings.NewReader(word)).ReadAll()
	if err != nil || len(lines) != 1 {
		return specs.Mount{}, errors.New("not a list of key=value")
	}
	m := mountFlag{fsType: "volume"}
	for _, field := range lines[0] {
		key, value, hasValue := strings.Cut(field, "=")
		if err := m.set(strings.ToLower(key), value, hasValue); err != nil {
			return specs.Mount{}, fmt.Errorf("%q: %w", field, err)
		}
	}
	target, err := mountTarget(m.target)
	if err != nil {
		return specs.Mount{}, err
	}
	switch m.fsType {
	case "bind":
		if m.tmpfs != nil {
			return specs.Mount{}, fmt.Errorf("%s: not for type=bind", m.tmpfs[0])
		}
		source, err := h.bindSource(m.source)
		if err == nil {
			err = h.checkPropagation(source, m.propagation)
		}
		return bindMount(source, target, m.readonly, m.propagation), err
	case "tmpfs":
		if m.source != "" || m.propagation != "" {
			return specs.Mount{}, errors.New("source and bind-propagation are not for type=tmpfs")
		}
		if m.readonly {
			m.tmpfs = append(m.tmpfs, "ro")
		}
		return tmpfsMount(target, m.tmpfs), nil
	}
	return specs.Mount{}, hint.New(fmt.Errorf("type %q: not known", m.fsType), "use type=bind or type=tmpfs")
}

// mountFlag is what the fields of --mount say.
type mountFlag struct {
	fsType, source, target, propagation string
	readonly                            bool
	tmpfs                               []string // size=…, mode=…
}

func (m *mountFlag) set(key, value string, hasValue bool) (err error) {
	switch {
	case key == "readonly" || key == "ro":
		if hasValue && value == "" {
			return errors.New("no value")
		}
		m.readonly, err = parseBool(value)
		return err
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
	case "bind-propagation":
		if !IsPropagation(value) {
			return errors.New("not private, rprivate, slave, rslave, shared or rshared")
		}
		m.propagation = value
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
	default:
		return errors.New("key not known")
	}
	return nil
}

// parseTmpfs reads a word of --tmpfs.
func parseTmpfs(word string) (specs.Mount, error) {
	dst, list, found := strings.Cut(word, ":")
	target, err := mountTarget(dst)
	if err != nil || !found {
		return tmpfsMount(target, nil), err
	}
	options := strings.Split(list, ",")
	for _, option := range options {
		if !isTmpfsOption(option) {
			return specs.Mount{}, hint.New(fmt.Errorf("option %q: not known", option), "tmpfs(5) lists them, as in size=64m,mode=755")
		}
	}
	return tmpfsMount(target, options), nil
}

func isTmpfsOption(option string) bool {
	switch key, value, found := strings.Cut(option, "="); key {
	case "size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol", "huge":
		return found && value != "" && !strings.ContainsRune(value, 0)
	}
	switch option {
	case "ro", "rw", "exec", "noexec", "suid", "nosuid", "dev", "nodev",
		"noatime", "nodiratime", "relatime", "strictatime":
		return true
	}
	return false
}

func IsPropagation(word string) bool {
	switch word {
	case "private", "rprivate", "slave", "rslave", "shared", "rshared":
		return true
	}
	return false
}

// bindSource makes a source absolute. A word without a slash is, in docker, a
// volume that has a name instead of a place.
func (h Host) bindSource(source string) (string, error) {
	switch {
	case source == "":
		return "", hint.New(errors.New("no source"), writeVolume)
	case strings.ContainsRune(source, 0):
		return "", errors.New("source holds a NUL byte")
	case path.IsAbs(source):
		return path.Clean(source), nil
	case source == "." || source == ".." || strings.HasPrefix(source, "./") || strings.HasPrefix(source, "../"):
		return h.Path(source)
	case source == "~" || strings.HasPrefix(source, "~/"):
		return "", hint.New(fmt.Errorf("source %q: not a path", source), "only a shell knows ~: leave it out of quotes, or write $HOME")
	}
	return "", hint.New(fmt.Errorf("source %q: named volumes are not here yet", source), "for a folder write "+strconv.Quote("./"+source))
}

// mountTarget cleans the place of a mount in the container.
func mountTarget(target string) (string, error) {
	switch clean := path.Clean(target); {
	case !path.IsAbs(target):
		return "", hint.New(fmt.Errorf("target %q: not an absolute path", target), "begin it with /")
	case strings.ContainsRune(target, 0):
		return "", fmt.Errorf("target %q: holds a NUL byte", target)
	case clean == "/":
		return "", fmt.Errorf("target %q: that is the root, which the image is", target)
	default:
		return clean, nil
	}
}

func bindMount(source, target string, readonly bool, propagation string) specs.Mount {
	if propagation == "" {
		propagation = "rprivate"
	}
	access := "rw"
	if readonly {
		access = "rro"
	}
	return specs.Mount{Destination: target, Type: "bind", Source: source, Options: []string{"rbind", access, propagation}}
}

// rootVolume is a folder of the image as a mount of its own: it keeps the
// image's files and stays writable when the root is not.
func rootVolume(target string) (specs.Mount, error) {
	target, err := mountTarget(target)
	return bindMount(compile.RootSource+target, target, false, ""), err
}

// tmpfsMount takes docker's default options and lets the given ones undo them.
func tmpfsMount(target string, options []string) specs.Mount {
	merged := []string{"nosuid", "nodev", "noexec"}
	for _, option := range options {
		merged = slices.DeleteFunc(merged, func(have string) bool {
			return have == option || have == "no"+option || "no"+have == option
		})
		merged = append(merged, option)
	}
	return specs.Mount{Destination: target, Type: "tmpfs", Source: "tmpfs", Options: merged}
}
