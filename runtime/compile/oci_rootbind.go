// Beyond a plain container: bind mounts of what an earlier mount shows
//
// The config lists mounts in the order in which they are made, and the source of a bind mount
// may lie below root.path, at or below the place of an earlier one: then it is what that one
// shows there, not the directory of the host that it covers. Such a source is opened at its
// turn, by the child, as a path in the root that it has entered: no symbolic link of the image
// leads out of it, as one would on the host.

package compile

import (
	"errors"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// prepareRootBind makes the user namespace that maps the owners of its files, while this side
// is the host's.
func prepareRootBind(l *list, m *mount, s *shape, linux *specs.Linux) error {
	if s.ns[userNS] != inherited {
		return errors.New(`option "idmap": the source is in an earlier mount, and the container has a user namespace`)
	}
	_, err := mountUserns(l, m, s.mounts, linux)
	return err
}

// cloneFromRoot clones the source of a rootBind, unless that is its own mount point.
func cloneFromRoot(l *list, m *mount, mounts []mount, linux *specs.Linux) {
	const source = plan.Ref("source")
	if m.inRoot() {
		return
	}
	openInRoot(l, "open the source, which an earlier mount shows", m.rootPath, source)
	l.container("clone it", call.OpenTree(source, "", m.recursive).As(mountRef(m.index)))
	if ids, err := mountUserns(l, m, mounts, linux); err == nil {
		setOwners(l, plan.Container, m, ids)
	}
	checkLocked(l, plan.Container, m, linux)
	bindAttributes(l, plan.Container, m)
	testDirectory(l, plan.Container, m)
}
