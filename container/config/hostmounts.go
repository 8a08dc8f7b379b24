package config

// The propagation of a bind mount decides whether mounts made later on one side appear on
// the other. A bind mount joins the peer group of the mount that holds its source, if it
// is in one.

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/minictr/minictr/hint"
)

// mountOf returns the mount that holds path: of several on one mount point, the last.
func (h Host) mountOf(path string) (found Mount) {
	for _, m := range h.Mounts {
		above := m.Path == "/" || path == m.Path || isBelow(path, m.Path)
		if above && len(m.Path) >= len(found.Path) {
			found = m
		}
	}
	return found
}

// checkPropagation refuses a propagation that could have no effect: mounts reach the
// container only from a mount that is shared, or slave (mount_namespaces(7)). A source
// that does not exist is reported by the step that opens it.
func (h Host) checkPropagation(source, propagation string) error {
	path, err := filepath.EvalSymlinks(source)
	if err != nil {
		path = source
	}
	on := h.mountOf(path)
	var wanted string
	switch propagation {
	case "shared", "rshared":
		if !on.Shared {
			wanted = "shared"
		}
	case "slave", "rslave":
		if !on.Shared && !on.Slave {
			wanted = "shared or slave"
		}
	}
	if wanted == "" {
		return nil
	}
	return hint.New(
		fmt.Errorf("%s: path %s is mounted on %s, which is not a %s mount", propagation, source, on.Path, wanted),
		"mount --make-shared "+on.Path)
}

// isBelow reports whether the clean path name lies below dir.
func isBelow(name, dir string) bool { return strings.HasPrefix(name, dir+"/") }
