// Beyond a plain container: hooks
//
// Hooks are programs of the host that run while a container is made (runtime-spec,
// config.md, "POSIX-platform Hooks"). Those of create run when the mounts are made and
// before pivot_root: they still see the host, and find the root filesystem where the
// config says it is, root.path.
//
// So where there are such hooks the root is attached there, in the container's mount
// namespace; the child enters it with chroot(2), under which "/proc" can only mean the
// container's own just as well, and sets up its mounts. Then it waits. Each hook is a
// process with a plan of its own (Hook). When they have exited the child leaves the
// chroot, and pivots.

package compile

import (
	"fmt"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const hostRoot = plan.Ref("host-root")

// enterRoot steps into the root without letting go of the host's.
func enterRoot(l *list, rootPath string) {
	const place = plan.Ref("place")
	l.from = "hooks"
	l.container("keep the host's root, to return to it",
		call.Openat("", "/", unix.O_PATH|unix.O_DIRECTORY).As(hostRoot))
	l.container("open root.path: hooks expect the root there",
		call.Openat("", rootPath, unix.O_PATH|unix.O_DIRECTORY).As(place))
	l.container("attach the root there, in this mount namespace", call.MoveMount(root, place))
	l.container("change to the new root", call.Fchdir(root))
	l.container("make it the root of this process; the host's mounts stay for the hooks", call.Chroot("."))
}

// runHooks waits for the hooks, and then leaves the host's root.
func (b *builder) runHooks() error {
	if !b.shape.hooks {
		return nil
	}
	b.begin("hooks", "hooks")
	b.sync("tell the host to run hooks: all mounts are made", plan.Hooks)
	if !b.shape.pivotLater {
		return nil
	}
	b.container("change to the host's root", call.Fchdir(hostRoot))
	b.container("make it the root of this process again", call.Chroot("."))
	b.container("change to the container's root", call.Fchdir(root))
	swapRoots(&b.list, &b.shape.options)
	return setRootPropagation(&b.list, b.spec.Linux.RootfsPropagation)
}

// enterBundle makes a hook of the host start in the bundle, as crun does. runc's createContainer
// hooks start in the root filesystem: what lies there is the image's, and a program of the host
// that looks into its working directory might load it. A poststop hook may find no bundle any
// more; and root of the container's user namespace may have no right to search it.
func (b *builder) enterBundle() error {
	b.begin("hooks", "hooks")
	b.container("start in the bundle, if it can be entered",
		call.Chdir(b.spec.Process.Cwd).Allow(unix.ENOENT, unix.ENOTDIR, unix.EACCES))
	return nil
}

// checkHooks checks all hooks of a config.
func checkHooks(h *specs.Hooks) error {
	if h == nil {
		return nil
	}
	for name, list := range map[string][]specs.Hook{
		//lint:ignore SA1019 the specification still wants it
		"prestart": h.Prestart, "createRuntime": h.CreateRuntime, "createContainer": h.CreateContainer,
		"startContainer": h.StartContainer, "poststart": h.Poststart, "poststop": h.Poststop,
	} {
		for i := range list {
			if err := checkHook(&list[i]); err != nil {
				return fmt.Errorf("hooks.%s[%d]: %w", name, i, err)
			}
		}
	}
	return nil
}

func checkHook(h *specs.Hook) error {
	if !strings.HasPrefix(h.Path, "/") {
		return fmt.Errorf("path %q: not absolute", h.Path)
	}
	if h.Timeout != nil && *h.Timeout <= 0 {
		return fmt.Errorf("timeout: %d: must be positive", *h.Timeout)
	}
	if err := checkNul(map[string][]string{"path": {h.Path}, "args": h.Args, "env": h.Env}); err != nil {
		return err
	}
	return checkEnv(h.Env)
}
