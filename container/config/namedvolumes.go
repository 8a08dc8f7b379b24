package config

// A volume is a directory of the store (package volume), so in a config the mount of one is a
// bind mount. A word names it, or it is anonymous: then its name is made of the container's ID
// and the target, so that a config is the same each time it is made.

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minictr/minictr/container/volume"
	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Volume is a volume as a container mounts it.
type Volume struct {
	Name        string
	Destination string
	Subpath     string // the path in the volume that is mounted, "" for all of it
	Anonymous   bool   // no flag of this container names it
	NoCopy      bool   // a new volume is not filled with the image's files
}

var errVolumeDriver = hint.New(errors.New("only the driver local is supported, and no options"),
	"mount the filesystem on the host, then: -v DIR:TARGET")

// isVolumeName reports whether the source of a word of --volume is the name of a volume: docker
// takes for a path what begins with / or a dot.
func isVolumeName(source string) bool { return source != "" && !strings.ContainsAny(source[:1], "/.~") }

// volumeMount returns the mount of a volume, or of a path in it.
func (h Host) volumeMount(name, subpath, target string, o bindOptions) (specs.Mount, error) {
	if err := volume.CheckName(name); err != nil {
		return specs.Mount{}, err
	}
	if o.propagation != "" || o.single || o.onlyTop {
		return specs.Mount{}, hint.New(errors.New("a volume has no propagation, and nothing mounted below it"),
			"leave out bind-…, and words such as rshared")
	}
	return bindMount(filepath.Join(volume.DataPath(h.VolumeDir, name), subpath), target, o), nil
}

// anonymousVolume returns the mount of a volume that belongs to the container.
func (h Host) anonymousVolume(target string, o bindOptions) (specs.Mount, error) {
	target, err := mountTarget(target)
	if err != nil {
		return specs.Mount{}, err
	}
	return h.volumeMount(h.anonymousName(target), "", target, o)
}

// anonymousName returns the name of the anonymous volume on target: 64 hexadecimal digits, as in
// docker.
func (h Host) anonymousName(target string) string {
	sum := sha256.Sum256([]byte(h.ID + "\x00" + target))
	return hex.EncodeToString(sum[:])
}

// cleanSubpath refuses a path that leads out of a volume. Its symbolic links are followed when
// it is mounted, inside the volume.
func cleanSubpath(subpath string) (string, error) {
	if path.IsAbs(subpath) || slices.Contains(strings.Split(subpath, "/"), "..") || strings.ContainsRune(subpath, 0) {
		return "", hint.New(errors.New("not a path in the volume"), "write a relative path without ..")
	}
	return path.Clean(subpath), nil
}

// SplitVolumesFrom splits a word of --volumes-from, CONTAINER[:MODE].
func SplitVolumesFrom(word string) (name string, readOnly bool, err error) {
	name, mode, hasMode := strings.Cut(word, ":")
	switch {
	case name == "":
		err = errors.New("no container")
	case hasMode && mode != "ro" && mode != "rw":
		err = hint.New(fmt.Errorf("mode %q: unknown", mode), "use ro or rw")
	}
	if err != nil {
		err = fmt.Errorf("--volumes-from %q: %w", word, err)
	}
	return name, mode == "ro", err
}

// volumes returns the volumes that the mounts of spec show, in their order.
func (h Host) volumes(o *Options, spec *specs.Spec) (all []Volume) {
	var inherited []Volume
	for _, from := range h.VolumesFrom {
		inherited = append(inherited, from.Volumes...)
	}
	for _, m := range spec.Mounts {
		name, subpath, ok := volume.Split(h.VolumeDir, m.Source)
		if !ok {
			continue
		}
		v := Volume{Name: name, Destination: m.Destination, Subpath: subpath, NoCopy: h.noCopy(o, m.Destination)}
		v.Anonymous = name == h.anonymousName(m.Destination) || slices.ContainsFunc(inherited, func(i Volume) bool {
			return i.Anonymous && i.Name == name && i.Destination == m.Destination
		})
		all = append(all, v)
	}
	return all
}

// noCopy reports whether the flag that mounts a volume on target has the option nocopy.
func (h Host) noCopy(o *Options, target string) bool {
	for _, word := range o.Volumes {
		if fields := strings.Split(word, ":"); len(fields) == 3 && path.Clean(fields[1]) == target {
			return slices.Contains(strings.Split(fields[2], ","), "nocopy")
		}
	}
	for _, word := range o.Mounts {
		if m, err := h.parseMountFlag(word); err == nil && path.Clean(m.target) == target {
			return m.options.noCopy
		}
	}
	return false
}
