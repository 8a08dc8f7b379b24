package compile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/minictr/minictr/runtime/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// The filter is a program that the kernel runs before every later call of the
// process (seccomp(2)). Who loads it must either have set no_new_privs or still
// hold CAP_SYS_ADMIN (confine.go).
//
// A call of action SCMP_ACT_NOTIFY is answered by another process, which is told
// of it by a descriptor, the listener (seccomp_unotify(2)). It is the loader's,
// that is the child's, and meant for somebody on the host: so the child stops,
// the host takes the descriptor out of it (pidfd_getfd(2)) and sends it to the
// socket at linux.seccomp.listenerPath. From then on the child's own calls, too,
// are answered there. Before, there is one: the write that tells the host.

// readFilter compiles linux.seccomp.
func (b *builder) readFilter() (err error) {
	s := b.linux.Seccomp
	if s == nil {
		return nil
	}
	if b.filter, err = seccomp.Compile(s, b.options.Arch); err != nil {
		return fmt.Errorf("linux.seccomp: %w", err)
	}
	b.warnOfUnknown(s)
	if err := checkNul(map[string][]string{"linux.seccomp.listenerPath": {s.ListenerPath}}); err != nil {
		return err
	}
	return checkListener(s, b.filter.Notify)
}

// checkListener makes sure that notified calls are answered.
func checkListener(s *specs.LinuxSeccomp, notify bool) error {
	if s.ListenerMetadata != "" && s.ListenerPath == "" {
		return errors.New("linux.seccomp.listenerMetadata: nobody is told: there is no listenerPath")
	}
	if !notify {
		return nil
	}
	if s.ListenerPath == "" {
		return fmt.Errorf("linux.seccomp.listenerPath: empty, there is nobody to answer the calls of action %s", specs.ActNotify)
	}
	for i, call := range s.Syscalls {
		if call.Action == specs.ActNotify && slices.Contains(call.Names, "write") {
			return fmt.Errorf("linux.seccomp.syscalls[%d]: write: %s: the container's process has to write before there is anybody to answer", i, specs.ActNotify)
		}
	}
	return nil
}

// warnOfUnknown tells which calls are not refused as the config wants it, because
// no kernel known here has them.
func (b *builder) warnOfUnknown(s *specs.LinuxSeccomp) {
	if s.DefaultAction != specs.ActAllow && s.DefaultAction != specs.ActLog {
		return
	}
	for _, name := range b.filter.Unknown {
		b.plan.Warnings = append(b.plan.Warnings, fmt.Sprintf("linux.seccomp: %s: no known system call, left out", printable.Quote(name)))
	}
}

// notifies tells whether the filter has a listener.
func (b *builder) notifies() bool { return b.filter != nil && b.filter.Notify }

// loadFilter loads the filter, and lets the host have its listener.
func (b *builder) loadFilter() {
	if b.filter == nil {
		return
	}
	b.from = "linux.seccomp"
	f := b.filter
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
	b.container("a program that the kernel asks before every call from here on", load)
	if f.Notify {
		b.stop("some calls are answered from outside: the host may send the listener there", plan.Listen)
	}
}
