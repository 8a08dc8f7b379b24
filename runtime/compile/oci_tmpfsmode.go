// Beyond a plain container: a tmpfs gets the mode of the directory that it covers

package compile

import (
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
)

const newTarget = plan.Ref("new") // a result that exists if the mount point had to be made

// inheritMode gives a tmpfs the mode of the directory that it covers. If that had to be
// made, the tmpfs keeps the kernel's default: all users may write, with the sticky bit.
func inheritMode(l *list, tmpfs plan.Ref) {
	const mode, modeOffset = plan.Ref("mode"), 0x1c // of stx_mode in struct statx (statx(2))
	look := call.Statx(target, "{stx_mode}").As(mode).WhenNot(newTarget)
	look.Returns = &plan.Place{Arg: 4, Offset: modeOffset}
	l.container("the mode of the directory that it covers", look)
	l.container("give it the same mode", call.FchmodatRef(tmpfs, ".", mode))
}
