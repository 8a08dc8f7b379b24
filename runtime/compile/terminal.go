// A terminal is a pair of devices: what is written to one end can be read from the
// other (pty(7)). The process has one end for its standard streams, the host keeps the
// other. Both are opened by the host, by descriptors: none is found by a path in the
// container, and the host's own terminals are not used.

package compile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// terminal makes the container's devpts and its first terminal on the host side, so
// that both ends are at hand before there is a container.
func (b *builder) terminal() error {
	if !b.spec.Process.Terminal {
		return nil
	}
	i := b.terminalMount()
	if i < 0 {
		return errors.New("process.terminal: requires a mount of type devpts")
	}
	m := &b.shape.mounts[i]
	b.begin("terminal", "process.terminal, "+m.field())
	makeFilesystem(&b.list, plan.Host, m, b.spec.Linux)
	return openTerminal(&b.list, mountRef(i), b.spec, b.shape.options.PlainNewlines)
}

// terminalMount returns the index of the devpts in which the terminal is made: that on
// /dev/pts, or else the first. It is -1 for none.
func (b *builder) terminalMount() int {
	found := -1
	for i := range b.shape.mounts {
		m := &b.shape.mounts[i]
		makes := b.spec.Process.Terminal && m.Type == "devpts" && !m.bind && !m.remount
		if makes && (found < 0 || m.dest == "/dev/pts") {
			found = i
		}
	}
	return found
}

// openTerminal opens both ends of a new terminal of a devpts, and gives it its
// owner, its size, and newlines without a carriage return if they are to be plain.
func openTerminal(l *list, devpts plan.Ref, spec *specs.Spec, plain bool) error {
	// the two ends
	l.host("a new pseudo-terminal: the host's end; fail if another file is mounted on it",
		call.Openat2(devpts, "ptmx", unix.O_RDWR|unix.O_NOCTTY,
			unix.RESOLVE_NO_XDEV|unix.RESOLVE_NO_SYMLINKS).As(plan.Ptmx))
	l.host("unlock the other end", call.TiocSptlck(plan.Ptmx))
	l.host("open the other end, without a path", call.TiocGptpeer(plan.Ptmx).As(tty))

	// the owner: the user of the process
	uid, err := HostID(spec.Process.User.UID, spec.Linux.UIDMappings)
	if err != nil {
		return fmt.Errorf("process.user.uid: %w", err)
	}
	if uid != 0 {
		l.from = "process.user"
		l.host("give the terminal to the user of the process", call.Fchown(tty, uid, call.SameGroup))
	}

	// its newlines and its size
	if plain {
		l.from = "process.terminal"
		l.host("its output goes to a file or a pipe: newlines without carriage returns", call.TcsetsPlain(plan.Ptmx))
	}
	if size := spec.Process.ConsoleSize; size != nil {
		l.from = "process.consoleSize"
		l.host("set the size of the terminal", call.TiocSwinsz(plan.Ptmx, size.Height, size.Width))
	}
	return nil
}

// console shows the terminal under its oldest name too, /dev/console.
func console(l *list) {
	l.from = "process.terminal"
	const console, ends = "console", plan.Ref("console")
	l.container("make a file to mount it on", call.MakeFile(dev, console, 0o600).Allow(unix.EEXIST))
	l.container("open that file; follow no symbolic link",
		call.Openat2(dev, console, unix.O_PATH, unix.RESOLVE_NO_SYMLINKS|unix.RESOLVE_BENEATH).As(target))
	l.container("the terminal that is open, as a mount", call.OpenTree(tty, "", false).As(ends))
	l.container("attach it on /dev/console", call.MoveMount(ends, target))
}

// optionOnHost translates the container's id in an option such as "gid=5" to the host's. The
// kernel refuses an id that is not mapped: it stays as it is.
func optionOnHost(option string, linux *specs.Linux) string {
	key, value, _ := strings.Cut(option, "=")
	maps := linux.UIDMappings
	if key == "gid" {
		maps = linux.GIDMappings
	}
	n, err := strconv.ParseUint(value, 10, 32)
	if key != "uid" && key != "gid" || err != nil {
		return option
	}
	if mapped, err := HostID(uint32(n), maps); err == nil {
		return key + "=" + strconv.FormatUint(uint64(mapped), 10)
	}
	return option
}
