package config

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/minictr/minictr/hint"
)

// mountOf finds the mount that a path lies on: of those on one place, the last.
func (h Host) mountOf(path string) (on Mount) {
	for _, m := range h.Mounts {
		above := m.Path == "/" || path == m.Path || isBelow(path, m.Path)
		if above && len(m.Path) >= len(on.Path) {
			on = m
		}
	}
	return on
}

// checkPropagation refuses what could have no effect. A source that is not
// there is another mistake, told by the step that opens it.
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
	return hint.New(fmt.Errorf("%s: %s is on the mount %s, which is not %s", propagation, source, on.Path, wanted),
		"mount --make-shared "+on.Path)
}

func isBelow(name, folder string) bool { return strings.HasPrefix(name, folder+"/") }
