// Core 12 of 28: signals, streams and session of the child
//
// The child of clone3(2) inherits from the host's process: signal dispositions and mask,
// session, keyrings, standard streams. None of that is meant for the container. A session
// is a set of processes with one controlling terminal (setsid(2)): Ctrl-C there signals
// no process of another session. A keyring holds keys, such as those of an encrypted disk,
// in the kernel (keyrings(7)).

package compile

import (
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// session gives the child its own signals, user ids, streams and session.
func (b *builder) session() error {
	// signals: an ignored one stays ignored in a child and after execve (signal(7))
	b.begin("session", "process")
	b.container("nohup(1) makes it ignored, and clone3 keeps that: restore the default",
		call.DefaultSignal(unix.SIGHUP))
	b.container("likewise: a shell ignores SIGINT for background commands",
		call.DefaultSignal(unix.SIGINT))
	b.container("unblock all signals: the host blocked them around clone3", call.UnblockSignals())

	// the host's ends of the pipes: while the child holds one, it cannot see the host die
	if !b.shape.intermediate { // else the intermediate process has closed it
		b.container("close the host's end of the report pipe: when the host dies, a write fails",
			call.Close(plan.ReportRead))
	}
	if b.shape.waits {
		b.container("close the host's end of the other pipe: when the host dies, a read returns",
			call.Close(plan.ResumeWrite))
	}

	// namespaces that exist (oci_join.go), and root in the user namespace
	joinNamespaces(&b.list, &b.shape, b.spec.Linux.Namespaces)
	b.begin("session", "process")
	if user := b.shape.ns[userNS]; user != inherited {
		becomeRoot(&b.list, user)
	}

	// streams: dup3 makes the descriptor 0, 1 or 2 refer to another file
	b.container("create files with exactly the modes in this list", call.Umask(0))
	terminal := b.spec.Process.Terminal
	if terminal {
		b.from = "process.terminal"
	}
	for fd, name := range plan.Stdio {
		switch {
		case terminal:
			b.container("the terminal as "+string(name), call.Dup3(tty, plan.Int(fd)))
		case b.shape.options.Stdio[fd]:
			b.container("the container's end of "+string(name), call.Dup3(name, plan.Int(fd)))
		}
	}

	// session and keyring
	b.container("start a new session, without the caller's terminal", call.Setsid())
	if !b.shape.options.KeepKeyring {
		b.container("join a new session keyring, without the caller's keys", call.Keyctl().Allow(unix.ENOSYS))
	}
	if terminal {
		b.container("make it the controlling terminal: Ctrl-C sends a signal here", call.TiocSctty())
	}
	return nil
}
