package compile

import (
	"fmt"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Hooks are programs of the host that have their say while a container is
// being made (runtime-spec, config.md, "POSIX-platform Hooks"). Those of create
// come when all is furnished, and before pivot_root: they may still see the
// host, and find the root filesystem where the config says it is, root.path.
//
// So where there are such hooks the root is attached there, in the container's
// mount namespace; the child steps into it with chroot(2), under which "/proc"
// can only mean the container's own just as well, and furnishes it. Then it
// waits. The hooks are processes of their own, each by a plan of its own (Hook).
// When they have done the child leaves the chroot, and pivots.

const hostRoot = plan.Ref("hosts")

func (b *builder) hasHooks() bool {
	h := b.spec.Hooks
	//lint:ignore SA1019 the specification still wants it
	return h != nil && len(h.Prestart)+len(h.CreateRuntime)+len(h.CreateContainer) > 0
}

// pivotsLater tells whether the child only visits its root at first. Where it has
// no mount namespace of its own it never pivots.
func (b *builder) pivotsLater() bool { return b.hasHooks() && !b.sharesMounts() }

// enterRoot steps into the root without letting go of the host's.
func (b *builder) enterRoot() {
	const place = plan.Ref("place")
	b.from = "hooks"
	b.container("the way back", call.Openat("", "/", unix.O_PATH|unix.O_DIRECTORY).As(hostRoot))
	b.container("hooks look for the root where the config says it is", call.Openat("", b.spec.Root.Path, unix.O_PATH|unix.O_DIRECTORY).As(place))
	b.container("attach it there, in this mount namespace", call.MoveMount(root, place))
	b.container("step into it", call.Fchdir(root))
	b.container("paths begin here from now on; the host's mounts stay for the hooks", call.Chroot("."))
}

// hooks waits for the hooks, and then lets go of the host's root.
func (b *builder) hooks() error {
	if !b.hasHooks() {
		return nil
	}
	b.begin("hooks", "hooks")
	b.stop("all is furnished: the host may run hooks", plan.Hooks)
	if !b.pivotsLater() {
		return nil
	}
	b.container("out again", call.Fchdir(hostRoot))
	b.container("to the host's root", call.Chroot("."))
	b.container("and back into the container's", call.Fchdir(root))
	b.swapRoots()
	return b.shareRoot()
}

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
		return fmt.Errorf("timeout: %d: want more than no second", *h.Timeout)
	}
	if err := checkNul(map[string][]string{"path": {h.Path}, "args": h.Args, "env": h.Env}); err != nil {
		return err
	}
	return checkEnv(h.Env)
}
