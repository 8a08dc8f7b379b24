package config

// How a file or directory of the host is mounted: the third field of --volume. Words that
// change nothing here are taken; what docker or podman would do and minictr does not is
// refused by name.

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// bindOptions are the options of a bind mount. The zero value is a writable one, with the
// mounts below its source.
type bindOptions struct {
	access      string   // ro or rw; "" is rw
	propagation string   // "" is rprivate
	single      bool     // without the mounts below the source
	onlyTop     bool     // ro holds for this mount, not for those below it
	noCopy      bool     // a new volume stays empty
	attributes  []string // noexec, nosuid, nodev and their opposites
}

// bindMount returns a bind mount.
func bindMount(source, target string, o bindOptions) specs.Mount {
	options := []string{"rbind"}
	if o.single {
		options[0] = "bind"
	}
	switch { // rw is not named: a source that is read-only stays so
	case o.access == "ro" && (o.single || o.onlyTop):
		options = append(options, "ro")
	case o.access == "ro":
		options = append(options, "rro")
	}
	if o.propagation == "" {
		o.propagation = "rprivate"
	}
	options = append(append(options, o.propagation), o.attributes...)
	return specs.Mount{Destination: target, Type: "bind", Source: source, Options: options}
}

// parseVolumeMode reads the options of --volume.
func (h Host) parseVolumeMode(mode string) (o bindOptions, err error) {
	for word := range strings.SplitSeq(mode, ",") {
		switch {
		case (word == "ro" || word == "rw") && o.access == "":
			o.access = word
		case IsPropagation(word) && o.propagation == "":
			o.propagation = word
		case word == "bind" || word == "rbind":
			o.single = word == "bind"
		case slices.Contains(mountAttributes[:], word):
			o.attributes = append(o.attributes, word)
		case word == "nocopy":
			o.noCopy = true
		case slices.Contains(sharingWords[:], word):
		case word == "z" || word == "Z":
			err = h.checkRelabel()
		default:
			err = unknownVolumeOption(word)
		}
		if err != nil {
			return o, fmt.Errorf("option %q: %w", word, err)
		}
	}
	return o, nil
}

var mountAttributes = [...]string{"noexec", "exec", "nosuid", "suid", "nodev", "dev"}

// sharingWords are about file sharing with virtual machines: here they change nothing.
var sharingWords = [...]string{"consistent", "cached", "delegated", "default"}

// checkRelabel takes an option that labels the source for SELinux where that does not run.
func (h Host) checkRelabel() error {
	if !h.SELinux {
		return nil
	}
	return hint.New(errors.New("SELinux labels are not supported"),
		"leave it out, and label the source with: chcon -R -t container_file_t SOURCE")
}

var errChown = hint.New(errors.New("changing the owner of a source is not supported"), "chown -R UID:GID SOURCE")

func unknownVolumeOption(word string) error {
	name, _, _ := strings.Cut(word, "=")
	switch name {
	case "U":
		return errChown
	case "O", "upperdir", "workdir":
		return hint.New(errors.New("an overlay on a source is not supported"), "mount a copy of it: cp -a SOURCE COPY")
	case "idmap":
		return hint.New(errors.New("idmapped mounts are not supported"), "chown -R UID:GID SOURCE")
	}
	return hint.New(errors.New("unknown, or repeated"),
		"use ro or rw, and one of private, rprivate, slave, rslave, shared, rshared")
}
