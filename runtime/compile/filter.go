// Core 21 of 28: the seccomp filter
//
// A filter is a small program that the kernel runs before each later system call of the
// process (seccomp(2)). It returns whether the call is made, or with which error it fails.
// Package seccomp compiles it. It cannot be removed, and execve(2) keeps it.
//
// A call of action SCMP_ACT_NOTIFY is answered by another process, which receives it by a
// descriptor, the listener (seccomp_unotify(2)). The kernel returns the listener to the
// child, but it is meant for a process on the host. So the child waits, and the host copies
// the descriptor (pidfd_getfd(2)) and sends it to the socket linux.seccomp.listenerPath.
// The process there then answers the child's calls, too. One call comes before that: the
// write(2) by which the child reports to the host.

package compile

import (
	"encoding/binary"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/minictr/minictr/runtime/seccomp"
)

// loadFilter loads the filter, and lets the host take its listener.
func loadFilter(l *list, f *seccomp.Filter) {
	l.from = "linux.seccomp"
	code := make([]byte, 0, 8*len(f.Program))
	for _, in := range f.Program { // struct sock_filter
		code = binary.NativeEndian.AppendUint16(code, in.Code)
		code = append(code, in.Jt, in.Jf)
		code = binary.NativeEndian.AppendUint32(code, in.K)
	}
	load := call.Seccomp(uint64(f.Flags), code, len(f.Program))
	if f.Notify {
		load = load.As(plan.Listener)
	}
	l.container("load the filter: the kernel runs it before every later system call", load)
	if f.Notify {
		l.sync("tell the host to send the listener: a process there answers some calls", plan.Listen)
	}
}
