package plan

import (
	"encoding/binary"
	"errors"
	"fmt"

	filter "github.com/minictr/minictr/runtime/seccomp"
)

// seccomp loads the filter that the kernel runs before every later call of
// the process (seccomp(2)). The loader must either have set no_new_privs or
// still hold CAP_SYS_ADMIN: that decides where in the list it stands.
func (b *builder) seccomp() error {
	if b.linux.Seccomp == nil {
		return nil
	}
	b.from = "linux.seccomp"
	f, err := filter.Compile(b.linux.Seccomp, b.options.Arch)
	if err != nil {
		return fmt.Errorf("linux.seccomp: %w", err)
	}
	if f.Notify {
		return errors.New("linux.seccomp: SCMP_ACT_NOTIFY: not implemented")
	}
	code := make([]byte, 0, 8*len(f.Program))
	for _, in := range f.Program { // struct sock_filter
		code = binary.NativeEndian.AppendUint16(code, in.Code)
		code = append(code, in.Jt, in.Jf)
		code = binary.NativeEndian.AppendUint32(code, in.K)
	}
	b.container("a program that the kernel asks before every call from here on", seccomp(uint64(f.Flags), code, len(f.Program)))
	return nil
}
