// Core 12 of 28: a clean start for the child
//
// The child of clone3(2) is a copy of the host's process: it has its signal settings,
// its session, its keyrings, its standard streams. None of that is meant for the
// container. A session is what belongs to one terminal (setsid(2)): a process with
// a session of its own is not signalled by a Ctrl-C there.

package compile

import (
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// session gives the child a clean start: signals, ids, streams, terminal.
func (b *builder) session() error {
	// signals: an ignored one stays ignored over clone3 and execve (signal(7))
	b.begin("session", "process")
	b.container("nohup(1) was meant for the host's process", call.DefaultSignal(unix.SIGHUP))
	b.container("and so was a shell's &: clone3 resets what is caught, not what is ignored",
		call.DefaultSignal(unix.SIGINT))
	b.container("Go blocked all signals around clone3; the program starts with none blocked", call.UnblockSignals())

	// the host's ends of the pipes: while the child holds one, it cannot see the host die
	if !b.shape.intermediate { // else the intermediate process has closed it
		b.container("what is reported, the host alone reads: when it is gone, a write fails", call.Close(plan.ReportRead))
	}
	if b.shape.waits {
		b.container("the other end of the pipe it waits at is the host's alone: if it dies, so does the wait",
			call.Close(plan.ResumeWrite))
	}

	// namespaces that exist, and root in the user namespace
	join(&b.list, &b.shape, b.spec.Linux.Namespaces)
	b.begin("session", "process")
	if user := b.shape.ns[userNS]; user != inherited {
		becomeRoot(&b.list, user)
	}

	// streams: after dup3 the number 0, 1 or 2 stands for another file
	b.container("modes in this list are meant as they are written", call.Umask(0))
	terminal := b.spec.Process.Terminal
	if terminal {
		b.from = "process.terminal"
	}
	for fd, name := range plan.Stdio {
		switch {
		case terminal:
			b.container("the terminal is "+string(name), call.Dup3(tty, plan.Int(fd)))
		case b.shape.options.Stdio[fd]:
			b.container("the "+string(name)+" that was made for it", call.Dup3(name, plan.Int(fd)))
		}
	}

	// session and keyring
	b.container("a session of its own: no way to the terminal of the one who started it", call.Setsid())
	if !b.shape.options.KeepKeyring {
		b.container("a keyring of its own: the caller's session keyring is not for it", call.Keyctl().Allow(unix.ENOSYS))
	}
	if terminal {
		b.container("its controlling terminal: Ctrl-C goes here", call.TiocSctty())
	}
	return nil
}
