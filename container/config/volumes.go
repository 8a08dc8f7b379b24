package config

// The flags for mounts:
//
//	-v SOURCE:TARGET[:ro,rshared]            a file or directory of the host (bindoptions.go)
//	-v NAME:TARGET[:ro,nocopy]               a volume (namedvolumes.go)
//	-v TARGET                                an anonymous volume
//	--mount type=bind,src=SOURCE,dst=TARGET  the same as -v SOURCE:TARGET (mountflag.go)
//	--mount type=volume,src=NAME,dst=TARGET  the same as -v NAME:TARGET
//	--volumes-from CONTAINER[:ro]            what is mounted in another container
//	--mount type=tmpfs,dst=TARGET,tmpfs-size=64m
//	--tmpfs TARGET[:size=64m,exec]           files in memory
//
// A bind mount includes the mounts below its source, which a read-only one makes
// read-only, too. Unlike docker's, -v creates no directory on the host: a source that
// does not exist is an error.

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

const writeVolume = "write -v SOURCE:TARGET[:ro], as in -v ./src:/src:ro"

// parseVolume reads a word of --volume: [SOURCE:]TARGET[:OPTIONS].
func (h Host) parseVolume(word string) (specs.Mount, error) {
	fields := strings.Split(word, ":")
	switch len(fields) {
	case 1:
		return h.anonymousVolume(word, bindOptions{})
	case 2, 3:
	default:
		return specs.Mount{}, hint.New(errors.New("more than three fields"), writeVolume)
	}
	target, err := mountTarget(fields[1])
	if err != nil {
		return specs.Mount{}, err
	}
	var o bindOptions
	if len(fields) == 3 {
		if o, err = h.parseVolumeMode(fields[2]); err != nil {
			return specs.Mount{}, err
		}
	}
	if isVolumeName(fields[0]) {
		return h.volumeMount(fields[0], "", target, o)
	}
	source, err := h.bindSource(fields[0])
	if err != nil {
		return specs.Mount{}, err
	}
	return bindMount(source, target, o), h.checkPropagation(source, o.propagation)
}

// parseTmpfs reads a word of --tmpfs: TARGET[:OPTIONS].
func parseTmpfs(word string) (specs.Mount, error) {
	dst, list, found := strings.Cut(word, ":")
	target, err := mountTarget(dst)
	if err != nil || !found {
		return tmpfsMount(target, nil), err
	}
	options := strings.Split(list, ",")
	for _, option := range options {
		if !isTmpfsOption(option) {
			return specs.Mount{}, hint.New(fmt.Errorf("option %q: unknown", option),
				"use options of tmpfs(5), as in size=64m,mode=755")
		}
	}
	return tmpfsMount(target, options), nil
}

// isTmpfsOption reports whether a tmpfs may have the option: those of tmpfs(5), and the
// flags of the mount.
func isTmpfsOption(option string) bool {
	switch key, value, found := strings.Cut(option, "="); key {
	case "size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol", "huge":
		return found && value != "" && !strings.ContainsRune(value, 0)
	}
	switch option {
	case "ro", "rw", "exec", "noexec", "suid", "nosuid", "dev", "nodev", "sync", "async", "dirsync",
		"atime", "noatime", "diratime", "nodiratime", "relatime", "norelatime", "strictatime", "nostrictatime",
		"defaults", "tmpcopyup":
		return true
	}
	return false
}

// IsPropagation reports whether word is a propagation type (mount_namespaces(7)).
func IsPropagation(word string) bool {
	switch word {
	case "private", "rprivate", "slave", "rslave", "shared", "rshared":
		return true
	}
	return false
}

// bindSource returns the absolute path of a source.
func (h Host) bindSource(source string) (string, error) {
	switch {
	case source == "":
		return "", hint.New(errors.New("no source"), writeVolume)
	case strings.ContainsRune(source, 0):
		return "", errors.New("source: contains a NUL byte")
	case path.IsAbs(source):
		return path.Clean(source), nil
	case source == "." || source == ".." || strings.HasPrefix(source, "./") || strings.HasPrefix(source, "../"):
		return h.Path(source)
	case source == "~" || strings.HasPrefix(source, "~/"):
		return "", hint.New(fmt.Errorf("source %q: not a path", source),
			"write $HOME, or ~ without quotes: the shell replaces it")
	}
	return "", hint.New(fmt.Errorf("source %q: a name, not a path", source),
		"for a directory write "+strconv.Quote("./"+source)+", for a volume type=volume")
}

// mountTarget returns the clean path of a mount point in the container.
func mountTarget(target string) (string, error) {
	switch clean := path.Clean(target); {
	case !path.IsAbs(target):
		return "", hint.New(fmt.Errorf("target %q: not an absolute path", target), "begin it with /")
	case strings.ContainsRune(target, 0):
		return "", fmt.Errorf("target %q: contains a NUL byte", target)
	case clean == "/":
		return "", fmt.Errorf("target %q: the root cannot be mounted over", target)
	default:
		return clean, nil
	}
}

// tmpfsMount returns a tmpfs with docker's default options, which the given ones override.
func tmpfsMount(target string, options []string) specs.Mount {
	merged := []string{"nosuid", "nodev", "noexec"}
	for _, option := range options {
		// an option replaces its opposite: exec, noexec
		merged = slices.DeleteFunc(merged, func(have string) bool {
			return have == option || have == "no"+option || "no"+have == option
		})
		merged = append(merged, option)
	}
	return specs.Mount{Destination: target, Type: "tmpfs", Source: "tmpfs", Options: merged}
}
