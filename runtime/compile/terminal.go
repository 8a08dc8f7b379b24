package compile

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// A terminal is a pair of devices: what is written to one end can be read from
// the other. The process has one end for its standard streams, the host keeps
// the other. Both are opened by the host, by descriptors: none is found by a
// path in the container, and the host's own terminals are not used.

const tty = plan.Ref("tty") // the container's side of its terminal

func (b *builder) isTerminalDevpts(m specs.Mount) bool {
	return b.spec.Process.Terminal && m.Type == "devpts"
}

// terminal makes the container's devpts and its first terminal on the host
// side, so that both ends are at hand before there is a container: the host
// keeps the one, @ptmx, and the child takes the other, @tty, for its standard
// streams. Neither is found by a path, and the host's /dev/pts is not used.
func (b *builder) terminal() error {
	if !b.spec.Process.Terminal {
		return nil
	}
	for i, m := range b.spec.Mounts {
		if m.Type != "devpts" {
			continue
		}
		o, err := mountOptions(m)
		if err != nil {
			return fmt.Errorf("%s: %w", mountField(i), err)
		}
		b.begin("terminal", fmt.Sprintf("process.terminal, %s", mountField(i)))
		if err := b.filesystem(plan.Host, mountRef(i), m, o); err != nil {
			return err
		}
		return b.openTerminal(mountRef(i))
	}
	return errors.New("process.terminal: no mount of type devpts for it")
}

// openTerminal opens both ends of a new terminal of a devpts, and gives it its
// owner and its size.
func (b *builder) openTerminal(devpts plan.Ref) error {
	b.host("a new pair: this end is ours; something else may have been mounted over it", call.Openat2(devpts, "ptmx", unix.O_RDWR|unix.O_NOCTTY, unix.RESOLVE_NO_XDEV|unix.RESOLVE_NO_SYMLINKS).As(plan.Ptmx))
	b.host("the other end may be opened", call.Ioctl(plan.Ptmx, "TIOCSPTLCK", unix.TIOCSPTLCK, plan.Words("[0]", 0)))
	b.host("and is, without a path", call.Ioctl(plan.Ptmx, "TIOCGPTPEER", unix.TIOCGPTPEER,
		call.Flags(unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, call.OpenFlags)).As(tty))
	return b.terminalOwner()
}

// terminalOwner gives the terminal to the user of the process, and its size.
func (b *builder) terminalOwner() error {
	uid, err := HostID(b.spec.Process.User.UID, b.linux.UIDMappings)
	if err != nil {
		return fmt.Errorf("process.user.uid: %w", err)
	}
	if uid != 0 {
		b.from = "process.user"
		b.host("the terminal belongs to the user of the process", plan.Syscall("fchown", unix.SYS_FCHOWN, tty, plan.Int(uid), plan.Named(uint64(^uint32(0)), "-1")))
	}
	b.windowSize()
	return nil
}

func (b *builder) windowSize() {
	size := b.spec.Process.ConsoleSize
	if size == nil {
		return
	}
	m := &plan.Mem{Text: fmt.Sprintf("{ws_row=%d, ws_col=%d}", size.Height, size.Width)}
	m.Bytes = append(m.Bytes, byte(size.Height), byte(size.Height>>8), byte(size.Width), byte(size.Width>>8), 0, 0, 0, 0)
	b.from = "process.consoleSize"
	b.host("as large as the window it is shown in", call.Ioctl(plan.Ptmx, "TIOCSWINSZ", unix.TIOCSWINSZ, m))
}

// console shows the terminal under its oldest name too.
func (b *builder) console() {
	b.from = "process.terminal"
	const console, ends = "console", plan.Ref("console")
	b.container("a place for it", call.MakeFile(dev, console, 0o600).Allow(unix.EEXIST))
	b.container("hold the place", call.Openat2(dev, console, unix.O_PATH, unix.RESOLVE_NO_SYMLINKS|unix.RESOLVE_BENEATH).As(target))
	b.container("the terminal that is already open, not one found by name", call.OpenTree(tty, "", false).As(ends))
	b.container("it is the console", call.MoveMount(ends, target))
}
